package scenario

import "hotline/internal/config"

// The structures of this file mirror the scenario file; docs/simulation.md
// explains every key. The tags are those of internal/config.

type file struct {
	config.Section
	Title    config.Text               `yaml:"title" default:""`
	Routing  config.Text               `yaml:"routing" need:"name the file with entries, queues, seats and agents, for example: routing: hotline.yaml"`
	From     config.Text               `yaml:"from" need:"write the first day, for example: from: 2026-01-05"`
	Days     config.Whole              `yaml:"days" default:"1"`
	WarmUp   config.Span               `yaml:"warm_up" default:"0"`
	Arrivals config.List[arrivalsItem] `yaml:"arrivals" need:"say who dials, for example: - {entry: \"12345\", calls_per_day: 3000}"`
	Callers  callersSection            `yaml:"callers"`
	Switch   switchSection             `yaml:"switch"`
	Agents   agentsSection             `yaml:"agents"`
	Partners partnersSection           `yaml:"partners"`
	Shifts   config.List[shiftItem]    `yaml:"shifts" need:"say when agents work, for example: - {name: day, agents: [1001-1040], begin: \"08:00\", end: \"16:00\"}"`
	Variants config.List[variantItem]  `yaml:"variants"`
}

type arrivalsItem struct {
	config.Section
	Entry       config.Text                `yaml:"entry" need:"write the number that is dialled, for example: entry: \"12345\""`
	CallsPerDay config.Number              `yaml:"calls_per_day" default:"0"`
	Hours       config.List[config.Number] `yaml:"hours"`
	Weekdays    config.List[config.Number] `yaml:"weekdays"`
	Months      config.List[config.Number] `yaml:"months"`
	DayCV       config.Number              `yaml:"day_cv" default:"0"`
	PerSecond   config.Number              `yaml:"per_second" default:"0"`
	Begin       config.Span                `yaml:"begin" default:"0"`
	End         config.Span                `yaml:"end" default:"0"`
	Recorded    config.Text                `yaml:"recorded" default:""`
}

type callersSection struct {
	config.Section
	Patience         distribution  `yaml:"patience"`
	Talk             distribution  `yaml:"talk"`
	HangsUpFirst     config.Number `yaml:"hangs_up_first" default:"0.8"`
	LeavesInGreeting config.Number `yaml:"leaves_in_greeting" default:"0"`
	Redial           redialSection `yaml:"redial"`
	Callback         takenSection  `yaml:"callback"`
}

type redialSection struct {
	config.Section
	Probability config.Number `yaml:"probability" default:"0"`
	Refused     config.Number `yaml:"refused" default:"0"`
	Delay       distribution  `yaml:"delay"`
	Most        config.Whole  `yaml:"most" default:"10"`
}

type takenSection struct {
	config.Section
	Takes   config.Number `yaml:"takes" default:"0"`
	Delay   distribution  `yaml:"delay"`
	Answers config.Number `yaml:"answers" default:"0"`
	Lifts   distribution  `yaml:"lifts"`
}

type switchSection struct {
	config.Section
	RingDelay    config.Span             `yaml:"ring_delay" default:"200ms"`
	ConnectDelay config.Span             `yaml:"connect_delay" default:"40ms"`
	HangUpDelay  config.Span             `yaml:"hang_up_delay" default:"30ms"`
	Prompt       config.Span             `yaml:"prompt" default:"5s"`
	Prompts      config.List[promptItem] `yaml:"prompts"`
	Lines        config.Whole            `yaml:"lines" default:"0"`
}

type promptItem struct {
	config.Section
	Name   config.Text `yaml:"name" need:"name the prompt, for example: name: greeting"`
	Length config.Span `yaml:"length" need:"write how long it is, for example: length: 6s"`
}

type agentsSection struct {
	config.Section
	Answer          distribution  `yaml:"answer"`
	NoAnswer        config.Number `yaml:"no_answer" default:"0"`
	Refuse          config.Number `yaml:"refuse" default:"0"`
	Unreachable     config.Number `yaml:"unreachable" default:"0"`
	Back            distribution  `yaml:"back"`
	ReadyAfterLogin config.Span   `yaml:"ready_after_login" default:"10s"`
}

type partnersSection struct {
	config.Section
	Takes  config.Number `yaml:"takes" default:"0"`
	Answer distribution  `yaml:"answer"`
}

type shiftItem struct {
	config.Section
	Name     config.Text              `yaml:"name" default:""`
	Agents   config.List[config.Text] `yaml:"agents" need:"name the agents, for example: agents: [1001-1040]"`
	Begin    config.Text              `yaml:"begin" default:"00:00"`
	End      config.Text              `yaml:"end" default:"00:00"`
	Weekdays config.List[config.Text] `yaml:"weekdays"`
	Breaks   config.List[breakItem]   `yaml:"breaks"`
}

type breakItem struct {
	config.Section
	Reason config.Text `yaml:"reason" need:"name one of the routing's not_ready_reasons, for example: reason: meal"`
	After  config.Span `yaml:"after" need:"write how long after the begin of the shift it begins, for example: after: 4h"`
	Spread config.Span `yaml:"spread" default:"0"`
	Length config.Span `yaml:"length" need:"write how long it lasts, for example: length: 30m"`
}

type variantItem struct {
	config.Section
	Name    config.Text `yaml:"name" need:"name the variant, for example: name: redial"`
	Title   config.Text `yaml:"title" default:""`
	Routing config.Text `yaml:"routing" need:"name the file with the other routing, for example: routing: hotline-redial.yaml"`
}

type distribution struct {
	config.Section
	Kind  config.Text           `yaml:"kind" default:""`
	Mean  config.Span           `yaml:"mean" default:"0"`
	CV    config.Number         `yaml:"cv" default:"1"`
	Shape config.Number         `yaml:"shape" default:"1"`
	Cells config.List[cellItem] `yaml:"cells"`
}

type cellItem struct {
	config.Section
	UpTo   config.Span   `yaml:"up_to" need:"write the upper bound, for example: up_to: 30s"`
	Weight config.Number `yaml:"weight" need:"write how frequent it is, for example: weight: 12"`
}
