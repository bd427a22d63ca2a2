package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"hotline/internal/acd"
	"hotline/internal/config"
	"hotline/internal/report"
	"hotline/internal/requirement"
	"hotline/internal/scenario"
	"hotline/internal/sim"
	"hotline/internal/staffing"
)

// RequirementOptions are the flags of the staffing command with a scenario: of
// StaffingOptions the interval, the targets and the shrinkage.
type RequirementOptions struct {
	StaffingOptions
	Scenario string // a file, or the name of a shipped one
	Runs     int
	Seed     uint64
}

// Requirement is how many agents each interval of a scenario needs. Times are
// in seconds, shares in [0, 1]; null is what has no value.
type Requirement struct {
	Scenario  string         `json:"scenario"`
	Title     string         `json:"title,omitempty"`
	Interval  float64        `json:"interval_seconds"`
	Target    StaffingTarget `json:"target"`
	Shrinkage float64        `json:"shrinkage"`
	// Runs with the seeds from Seed on are those of the figures; as many, with
	// the seeds before, were those of the search.
	Runs      int                   `json:"runs"`
	Seed      uint64                `json:"seed"`
	Plans     int                   `json:"plans_played"`
	Settled   bool                  `json:"settled"` // false: some interval may do with fewer
	Handle    float64               `json:"erlang_aht_seconds"`
	Patience  *float64              `json:"erlang_patience_seconds"` // null: nobody gives up
	Order     []acd.AgentID         `json:"agents_in_order"`
	Intervals []RequirementInterval `json:"intervals"`
	Queues    []RequirementQueue    `json:"queues"`
}

// RequirementInterval is what one interval needs.
type RequirementInterval struct {
	Start     string  `json:"start"`
	Calls     float64 `json:"calls"`
	Erlangs   float64 `json:"erlangs"`
	Erlang    *int    `json:"erlang_a_agents"` // null: Erlang A cannot say
	Agents    int     `json:"agents"`          // at the phone
	Scheduled int     `json:"scheduled"`       // on the roster
	RequirementFigures
	Occupancy *Estimated `json:"occupancy"`
}

// RequirementQueue is what the callers of a queue meet, over the whole time.
type RequirementQueue struct {
	Queue acd.QueueID `json:"queue"`
	Calls float64     `json:"calls"`
	RequirementFigures
}

// RequirementFigures are those that intervals and queues have.
type RequirementFigures struct {
	Level     *Estimated `json:"service_level"`
	ASA       *Estimated `json:"asa_seconds"`
	Abandoned *Estimated `json:"abandoned"`
}

// Estimated is a mean over runs, with the half-width of its 95% confidence interval.
type Estimated struct {
	Mean      float64 `json:"mean"`
	HalfWidth float64 `json:"half_width_95"`
}

func estimated(e sim.Estimate) *Estimated {
	if math.IsNaN(e.Mean) {
		return nil
	}
	return &Estimated{e.Mean, e.HalfWidth}
}

func requirementFigures(f requirement.Figures) RequirementFigures {
	return RequirementFigures{Level: estimated(f.Level), ASA: estimated(f.ASA), Abandoned: estimated(f.Abandoned)}
}

// PlanScenario finds by simulation how many agents a scenario needs. A target
// that its agents cannot meet is an error.
func PlanScenario(ctx context.Context, o RequirementOptions) (Requirement, error) {
	target, err := o.target(staffing.ErlangA)
	if err != nil {
		return Requirement{}, err
	}
	s, err := scenario.Load(o.Scenario)
	if err != nil {
		return Requirement{}, err
	}
	plan, err := requirement.Search(ctx, s, requirement.Options{Length: o.Interval, Target: target, Runs: o.Runs, Seed: o.Seed})
	var short *requirement.UnreachableError
	switch {
	case errors.As(err, &short):
		return Requirement{}, fmt.Errorf("scenario %s, %s: %w", s.Name, o.targetText("en"), err)
	case err != nil:
		return Requirement{}, err
	}
	out := Requirement{
		Scenario: s.Name, Title: s.Title, Interval: o.Interval.Seconds(), Target: targetOf(target), Shrinkage: o.Shrinkage / 100,
		Runs: plan.Runs, Seed: plan.Seed, Plans: plan.Rounds, Settled: plan.Settled, Handle: plan.Handle, Order: plan.Order,
	}
	if !math.IsInf(plan.Patience, 1) {
		out.Patience = &plan.Patience
	}
	for _, i := range plan.Intervals {
		row := RequirementInterval{
			Start: i.Begin.Format("2006-01-02 15:04"), Calls: i.Demand, Erlangs: i.Demand / out.Interval * plan.Handle,
			Agents: i.Agents, Scheduled: staffing.Scheduled(i.Agents, out.Shrinkage),
			RequirementFigures: requirementFigures(i.Figures), Occupancy: estimated(i.Occupancy),
		}
		if i.Erlang > 0 {
			row.Erlang = &i.Erlang
		}
		out.Intervals = append(out.Intervals, row)
	}
	for _, q := range plan.Queues {
		out.Queues = append(out.Queues, RequirementQueue{Queue: q.ID, Calls: q.Calls, RequirementFigures: requirementFigures(q.Figures)})
	}
	return out, nil
}

// WriteRequirement prints a requirement as table, csv or json, in zh or en.
func WriteRequirement(w io.Writer, format, lang string, o RequirementOptions, r Requirement) error {
	out := report.Requirement{Title: o.requirementTitle(lang, r), Notes: r.notes(lang), JSON: r}
	for _, i := range r.Intervals {
		row := report.RequirementRow{
			Start: i.Start, Calls: i.Calls, Erlangs: i.Erlangs, Agents: i.Agents, Scheduled: i.Scheduled, RequirementFigures: i.printed(),
		}
		row.Occupancy = i.Occupancy.printed()
		if i.Erlang != nil {
			row.Erlang = *i.Erlang
		}
		out.Rows = append(out.Rows, row)
	}
	for _, q := range r.Queues {
		out.Queues = append(out.Queues, report.RequirementQueue{Name: string(q.Queue), Calls: q.Calls, RequirementFigures: q.printed()})
	}
	return report.WriteRequirement(w, format, lang, out)
}

func (f RequirementFigures) printed() report.RequirementFigures {
	return report.RequirementFigures{Level: f.Level.printed(), ASA: f.ASA.printed(), Abandoned: f.Abandoned.printed()}
}

func (e *Estimated) printed() sim.Estimate {
	if e == nil {
		return sim.Estimate{Mean: math.NaN(), HalfWidth: math.NaN()}
	}
	return sim.Estimate{Mean: e.Mean, HalfWidth: e.HalfWidth}
}

func (o RequirementOptions) requirementTitle(lang string, r Requirement) string {
	word, name := wordIn(lang), r.Title
	if name == "" {
		name = r.Scenario
	}
	seeds := strconv.FormatUint(r.Seed, 10) + "–" + strconv.FormatUint(r.Seed+uint64(r.Runs)-1, 10)
	return word("坐席测算(仿真) ", "Staffing by simulation, ") + name +
		word(",时段", ", interval ") + config.PlainDuration(o.Interval) +
		word(",", ", ") + o.targetText(lang) +
		word(",", ", ") + strconv.Itoa(r.Runs) + word("次运行(种子", " runs (seeds ") + seeds + ")" +
		word(",缩减率", ", shrinkage ") + percentText(o.Shrinkage)
}

// notes tell the sum of the agents' time, and what may be wrong.
func (r Requirement) notes(lang string) []string {
	word := wordIn(lang)
	erlang, agents, known := 0.0, 0.0, true
	for _, i := range r.Intervals {
		hours := r.Interval / time.Hour.Seconds()
		agents += hours * float64(i.Agents)
		if i.Erlang == nil {
			known = false
			continue
		}
		erlang += hours * float64(*i.Erlang)
	}
	text := func(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
	sum := word("坐席小时合计:仿真 ", "Agent-hours at the phone: by simulation ") + text(agents)
	if known {
		sum += word(",Erlang A ", ", by Erlang A ") + text(erlang)
	}
	notes := []string{sum}
	if !r.Settled {
		notes = append(notes, word("搜索达到轮次上限:目标均已满足,个别时段可能还可减少坐席。",
			"The search has reached its bound of plans: the target is met, and some interval may do with fewer agents."))
	}
	return notes
}
