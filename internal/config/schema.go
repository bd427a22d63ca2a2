package config

import "time"

// The structures of this file mirror the YAML file; docs/configuration.md
// explains every key. Tags: yaml is the key, default what holds when the key is
// left out, need the remedy when a key without default is missing.

type file struct {
	place
	Site            text               `yaml:"site" need:"name the site, for example: site: lianyungang"`
	Timezone        text               `yaml:"timezone" default:"Asia/Shanghai"`
	Redis           redisSection       `yaml:"redis"`
	Spool           spoolSection       `yaml:"spool"`
	HTTP            httpSection        `yaml:"http"`
	Operations      operationsSection  `yaml:"operations"`
	Log             logSection         `yaml:"log"`
	Tracing         tracingSection     `yaml:"tracing"`
	Traffic         trafficSection     `yaml:"traffic"`
	Reports         reportsSection     `yaml:"reports"`
	Asterisk        asteriskSection    `yaml:"asterisk"`
	Entries         list[entryItem]    `yaml:"entries" need:"name a number that callers dial, for example: - {number: \"12345\", queue: general}"`
	Queues          list[queueItem]    `yaml:"queues" need:"name a queue, for example: - {id: general, title: 综合受理}"`
	Seats           list[seatItem]     `yaml:"seats" need:"name the seats, for example: - {range: 8001-8040}"`
	Agents          list[agentItem]    `yaml:"agents" need:"name the agents, for example: - {id: \"1001\", name: 张三, queues: [general]}"`
	NotReadyReasons list[reasonItem]   `yaml:"not_ready_reasons"`
	Calendars       list[calendarItem] `yaml:"calendars"`
	Holidays        list[holidaysItem] `yaml:"holidays"`
	Partners        list[partnerItem]  `yaml:"partners"`
	PINFile         text               `yaml:"pin_file" default:""`
	PriorityWorth   duration           `yaml:"priority_worth" default:"30s"`
	Admission       admissionSection   `yaml:"admission"`
	BlockedPrompts  texts              `yaml:"blocked_prompts" default:"blocked"`
	Shutdown        shutdownSection    `yaml:"shutdown"`
}

type redisSection struct {
	place
	Address      text            `yaml:"address" default:"127.0.0.1:6379"`
	Sentinel     sentinelSection `yaml:"sentinel"`
	Cluster      clusterSection  `yaml:"cluster"`
	TLS          tlsSection      `yaml:"tls"`
	Username     text            `yaml:"username" default:""`
	PasswordFile text            `yaml:"password_file" default:""`
	Database     number          `yaml:"database" default:"0"`
}

type sentinelSection struct {
	place
	Master       text       `yaml:"master"`
	Addresses    list[text] `yaml:"addresses"`
	Username     text       `yaml:"username" default:""`
	PasswordFile text       `yaml:"password_file" default:""`
}

type clusterSection struct {
	place
	Addresses list[text] `yaml:"addresses"`
}

type tlsSection struct {
	place
	CA         text `yaml:"ca"`
	Cert       text `yaml:"cert"`
	Key        text `yaml:"key"`
	ServerName text `yaml:"server_name"`
}

type spoolSection struct {
	place
	Dir     text `yaml:"dir" default:""`
	MaxSize text `yaml:"max_size" default:"1GiB"`
}

type httpSection struct {
	place
	Listen       text           `yaml:"listen" default:"127.0.0.1:8080"`
	TokenFile    text           `yaml:"token_file" need:"name the file with the API's token, for example: token_file: secrets/api.token"`
	TLS          httpTLSSection `yaml:"tls"`
	OIDC         oidcSection    `yaml:"oidc"`
	AllowPlain   yesno          `yaml:"allow_plain" default:"false"`
	FullNumbers  yesno          `yaml:"full_numbers" default:"false"`
	SessionIdle  duration       `yaml:"session_idle" default:"30m"`
	SessionLasts duration       `yaml:"session_lasts" default:"12h"`
}

type httpTLSSection struct {
	place
	Cert text `yaml:"cert"`
	Key  text `yaml:"key"`
}

type oidcSection struct {
	place
	Issuer           text `yaml:"issuer"`
	ClientID         text `yaml:"client_id"`
	ClientSecretFile text `yaml:"client_secret_file"`
	RedirectURL      text `yaml:"redirect_url"`
	NameClaim        text `yaml:"name_claim" default:"preferred_username"`
	Title            text `yaml:"title" default:"统一身份认证"`
	CA               text `yaml:"ca"`
}

type operationsSection struct {
	place
	Listen     text  `yaml:"listen" default:""`
	AllowPlain yesno `yaml:"allow_plain" default:"false"`
}

type logSection struct {
	place
	Level  text `yaml:"level" default:"info"`
	Format text `yaml:"format" default:"json"`
}

type tracingSection struct {
	place
	Endpoint    text    `yaml:"endpoint" default:""`
	HeadersFile text    `yaml:"headers_file" default:""`
	CA          text    `yaml:"ca" default:""`
	Sample      decimal `yaml:"sample" default:"1"`
	AllowPlain  yesno   `yaml:"allow_plain" default:"false"`
}

type trafficSection struct {
	place
	ServiceLevels list[duration] `yaml:"service_levels"`
	ShortAbandon  duration       `yaml:"short_abandon" default:"5s"`
	Formula       text           `yaml:"formula" default:"of_offered"`
}

type reportsSection struct {
	place
	Office   text `yaml:"office" default:""`
	Chromium text `yaml:"chromium" default:""`
}

type asteriskSection struct {
	place
	App             text            `yaml:"app" default:"hotline"`
	Nodes           list[nodeItem]  `yaml:"nodes" need:"name the Asterisk nodes, for example: - {id: a1, url: http://127.0.0.1:8088, username: hotline, password_file: secrets/ari.password}"`
	SIP             sipSection      `yaml:"sip"`
	Proxy           proxySection    `yaml:"proxy"`
	Trunks          list[trunkItem] `yaml:"trunks"`
	OutboundTrunk   text            `yaml:"outbound_trunk" default:""`
	SeatPasswordDir text            `yaml:"seat_password_dir" default:""`
	FallbackAfter   duration        `yaml:"fallback_after" default:"60s"`
}

type nodeItem struct {
	place
	ID           text `yaml:"id" need:"name the node, for example: id: a1"`
	URL          text `yaml:"url" need:"write where the node's ARI listens, for example: url: http://127.0.0.1:8088"`
	Username     text `yaml:"username" default:"hotline"`
	PasswordFile text `yaml:"password_file" need:"name the file with the ARI user's password, for example: password_file: secrets/ari.password"`
	SIPListen    text `yaml:"sip_listen" default:""`
}

type sipSection struct {
	place
	Listen   text `yaml:"listen" default:"127.0.0.1:5060"`
	RTPPorts text `yaml:"rtp_ports" default:"10000-19999"`
}

type proxySection struct {
	place
	Listen text   `yaml:"listen" default:""`
	Pace   number `yaml:"pace" default:"100"`
}

type trunkItem struct {
	place
	Name    text       `yaml:"name" need:"name the carrier, for example: name: carrier"`
	Match   list[text] `yaml:"match" need:"list the carrier's addresses, for example: match: [203.0.113.10]"`
	Contact text       `yaml:"contact" default:""`
}

type entryItem struct {
	place
	Number   text       `yaml:"number" need:"write the number that callers dial, for example: number: \"12345\""`
	Queue    text       `yaml:"queue" need:"name the queue that the number leads to, for example: queue: general"`
	Greeting list[text] `yaml:"greeting"`
	Priority number     `yaml:"priority" default:"0"`
	Skills   levels     `yaml:"skills"`
}

type admissionSection struct {
	place
	Pace    decimal `yaml:"pace" default:""`
	Burst   number  `yaml:"burst" default:"10"`
	Prompts texts   `yaml:"prompts" default:"busy-later"`
}

type shutdownSection struct {
	place
	Drain   duration `yaml:"drain" default:"0s"`
	Prompts texts    `yaml:"prompts" default:"busy-later"`
}

type queueItem struct {
	place
	ID          text               `yaml:"id" need:"name the queue, for example: id: general"`
	Title       text               `yaml:"title" default:""`
	Music       text               `yaml:"music" default:"default"`
	RingTimeout duration           `yaml:"ring_timeout" default:"15s"`
	WrapUp      duration           `yaml:"wrap_up" default:"10s"`
	Ringback    yesno              `yaml:"ringback" default:"false"`
	Strategy    text               `yaml:"strategy" default:"longest_idle"`
	RingAtOnce  number             `yaml:"ring_at_once" default:"1"`
	NotAgain    duration           `yaml:"not_again" default:"30s"`
	Weight      decimal            `yaml:"weight" default:"1"`
	Level       number             `yaml:"level" default:"0"`
	Relax       list[relaxItem]    `yaml:"relax"`
	LastAgent   lastAgentSection   `yaml:"last_agent"`
	Announce    announceSection    `yaml:"announce"`
	Hours       text               `yaml:"hours" default:""`
	Overflow    list[overflowItem] `yaml:"overflow"`
	Callback    callbackSection    `yaml:"callback"`
	Redial      redialSection      `yaml:"redial"`
	Rating      ratingSection      `yaml:"rating"`
}

type relaxItem struct {
	place
	After  duration   `yaml:"after" need:"write after how long a wait callers ask for less, for example: after: 30s"`
	Level  number     `yaml:"level" default:""`
	Skills levels     `yaml:"skills"`
	Queues list[text] `yaml:"queues"`
}

type lastAgentSection struct {
	place
	Within duration `yaml:"within" default:""`
	Wait   duration `yaml:"wait" default:"0s"`
}

type announceSection struct {
	place
	After duration `yaml:"after" default:""`
	Every duration `yaml:"every" default:"60s"`
}

type overflowItem struct {
	place
	Closed   yesno    `yaml:"closed" default:"false"`
	NoAgents yesno    `yaml:"no_agents" default:"false"`
	Length   number   `yaml:"length" default:""`
	Expected duration `yaml:"expected" default:""`
	Wait     duration `yaml:"wait" default:""`
	Prompts  texts    `yaml:"prompts" default:""`
	To       text     `yaml:"to" default:""`
	Partner  text     `yaml:"partner" default:""`
	Callback yesno    `yaml:"callback" default:"false"`
	Refuse   yesno    `yaml:"refuse" default:"false"`
}

type callbackSection struct {
	place
	Attempts      number   `yaml:"attempts" default:""`
	Spacing       duration `yaml:"spacing" default:"10m"`
	RingTimeout   duration `yaml:"ring_timeout" default:"30s"`
	Within        duration `yaml:"within" default:"4h"`
	Missed        yesno    `yaml:"missed" default:"false"`
	MissedAfter   duration `yaml:"missed_after" default:"10s"`
	BookedPrompts texts    `yaml:"booked_prompts" default:"callback-booked"`
}

type ratingSection struct {
	place
	Prompts       texts    `yaml:"prompts" default:""`
	ThanksPrompts texts    `yaml:"thanks_prompts" default:"rating-thanks"`
	Attempts      number   `yaml:"attempts" default:"2"`
	Timeout       duration `yaml:"timeout" default:"5s"`
}

type redialSection struct {
	place
	Within duration `yaml:"within" default:""`
	AtMost number   `yaml:"at_most" default:"2"`
	After  duration `yaml:"after" default:"10s"`
}

type seatItem struct {
	place
	ID      text `yaml:"id" default:""`
	Range   text `yaml:"range" default:""`
	Contact text `yaml:"contact" default:""`
}

type agentItem struct {
	place
	ID     text       `yaml:"id" default:""`
	Range  text       `yaml:"range" default:""`
	Name   text       `yaml:"name" default:"{id}"`
	Queues list[text] `yaml:"queues" need:"name the queues that the agent serves, for example: queues: [general]"`
	Levels levels     `yaml:"levels"`
	Skills levels     `yaml:"skills"`
	Weight decimal    `yaml:"weight" default:"1"`
	WrapUp duration   `yaml:"wrap_up" default:""`
}

type reasonItem struct {
	place
	Name  text `yaml:"name" need:"name the reason, for example: name: break"`
	Title text `yaml:"title" default:""`
	Digit text `yaml:"digit" default:""`
}

type partnerItem struct {
	place
	ID          text     `yaml:"id" need:"name the partner, for example: id: xuzhou"`
	Title       text     `yaml:"title" default:""`
	Number      text     `yaml:"number" need:"write the number at which it is called, for example: number: \"051612345\""`
	AtMost      number   `yaml:"at_most" need:"write how many of our calls it takes at once, for example: at_most: 10"`
	RingTimeout duration `yaml:"ring_timeout" default:"30s"`
	Rest        duration `yaml:"rest" default:"60s"`
	ShowCaller  yesno    `yaml:"show_caller" default:"false"`
}

type calendarItem struct {
	place
	ID            text                `yaml:"id" need:"name the calendar, for example: id: office"`
	Weekly        list[weeklyItem]    `yaml:"weekly" need:"list the weekdays with their hours, for example: - {days: mon-fri, hours: [\"08:30-12:00\", \"14:00-18:00\"]}"`
	Holidays      text                `yaml:"holidays" default:""`
	HolidayHours  texts               `yaml:"holiday_hours" default:"closed"`
	MakeupFollows text                `yaml:"makeup_follows" default:"mon"`
	Exceptions    list[exceptionItem] `yaml:"exceptions"`
}

type weeklyItem struct {
	place
	Days  texts `yaml:"days" need:"name the weekdays, for example: days: mon-fri"`
	Hours texts `yaml:"hours" need:"write periods or closed, for example: hours: [\"08:30-12:00\", \"14:00-18:00\"]"`
}

type exceptionItem struct {
	place
	Day     text  `yaml:"day" need:"name the day, for example: day: 2026-10-01"`
	LastDay text  `yaml:"last_day" default:""`
	Hours   texts `yaml:"hours" need:"write periods or closed, for example: hours: closed"`
}

type holidaysItem struct {
	place
	ID   text              `yaml:"id" need:"name the list, for example: id: china"`
	Days list[holidayItem] `yaml:"days" need:"list the days, for example: - {day: 2026-10-01, last_day: 2026-10-07, name: 国庆节}"`
}

type holidayItem struct {
	place
	Day     text `yaml:"day" need:"name the day, for example: day: 2026-10-01"`
	LastDay text `yaml:"last_day" default:""`
	Kind    text `yaml:"kind" default:"holiday"`
	Name    text `yaml:"name" default:""`
}

// The kinds of values.
type (
	text     = value[string]
	number   = value[int]
	decimal  = value[float64]
	yesno    = value[bool]
	duration = value[time.Duration]
)

// place is where in the file something stands.
type place struct {
	line, column int
	wrong        bool // what stands there has been reported
}

func (p *place) setPlace(to place) { *p = to }

// reported is the place of what has been reported: what follows from it is no
// mistake of its own.
func (p place) reported() place {
	p.wrong = true
	return p
}

// same reports whether both are the same spot of the file.
func (p place) same(other place) bool { return p.line == other.line && p.column == other.column }

// value is a scalar and where it stands; without a place of its own (a
// default) it stands where its section does.
type value[T string | int | float64 | bool | time.Duration] struct {
	place
	v   T
	set bool // written in the file
}

// list is a sequence of structures or of values.
type list[T any] struct {
	place
	items []T
	blank bool // written as a list of nothing
}

// texts is a list of texts that may be written without brackets when it holds
// a single one.
type texts struct {
	list[text]
	set bool // written in the file
}

// levels are names with a level each, such as {english: 3}.
type levels struct {
	place
	items []levelOf
	set   bool // written in the file
}

type levelOf struct {
	name  text
	level number
}
