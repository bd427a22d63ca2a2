package app

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"hotline/internal/config"
	"hotline/internal/report"
	"hotline/internal/staffing"
)

// StaffingOptions are the flags of the staffing command. Shares are in
// percent.
type StaffingOptions struct {
	Calls    float64 // offered in one interval
	Interval time.Duration
	Talk     time.Duration // mean, of answered calls
	WrapUp   time.Duration // mean
	Patience time.Duration // mean; erlang-c ignores it
	Model    string

	Target       string // "80/15s" or "none"
	Formula      string
	ShortAbandon time.Duration
	MaxASA       time.Duration
	MaxAbandon   float64
	MaxOccupancy float64
	MinAgents    int
	Shrinkage    float64
}

// StaffingPlan is how many agents each interval needs, and what its callers
// and agents then meet. Times are in seconds, shares in [0, 1].
type StaffingPlan struct {
	Model     staffing.Model     `json:"model"`
	Interval  float64            `json:"interval_seconds"`
	Patience  *float64           `json:"patience_seconds"` // null with erlang-c
	Target    StaffingTarget     `json:"target"`
	Shrinkage float64            `json:"shrinkage"`
	Intervals []StaffingInterval `json:"intervals"`
}

// StaffingTarget is what was asked; null is what was not.
type StaffingTarget struct {
	Level        *float64         `json:"service_level"`
	Within       *float64         `json:"within_seconds"`
	Formula      staffing.Formula `json:"formula"`
	MaxASA       *float64         `json:"max_asa_seconds"`
	MaxAbandon   *float64         `json:"max_abandoned"`
	MaxOccupancy *float64         `json:"max_occupancy"`
}

// StaffingInterval is the plan of one interval.
type StaffingInterval struct {
	Start     string   `json:"start,omitempty"`
	Calls     float64  `json:"calls"`
	Handle    float64  `json:"aht_seconds"`
	Erlangs   float64  `json:"erlangs"`
	Agents    int      `json:"agents"`    // at the phone
	Scheduled int      `json:"scheduled"` // on the roster
	PWait     float64  `json:"waiting"`
	Level     *float64 `json:"service_level"` // null without a target
	ASA       float64  `json:"asa_seconds"`
	MeanWait  float64  `json:"mean_wait_seconds"` // of all calls
	P90       float64  `json:"wait_90_seconds"`   // of all calls
	Abandoned float64  `json:"abandoned"`
	Occupancy float64  `json:"occupancy"`
}

// PlanStaffing plans one interval.
func PlanStaffing(o StaffingOptions) (StaffingPlan, error) {
	if !(o.Calls >= 0 && o.Calls <= maxCalls) {
		return StaffingPlan{}, fmt.Errorf("--calls is %v; write the number of calls offered in the interval, as in 340", o.Calls)
	}
	handle, err := o.handle()
	if err != nil {
		return StaffingPlan{}, err
	}
	if handle == 0 {
		return StaffingPlan{}, errors.New("no handling time is given; write the mean talk and wrap-up times, as in --talk 216s --wrap-up 20s")
	}
	return o.plan([]demandLine{{calls: o.Calls, handle: handle}})
}

// PlanStaffingFile plans the intervals of a CSV file, which errors call name.
func PlanStaffingFile(o StaffingOptions, name string, file io.Reader) (StaffingPlan, error) {
	handle, err := o.handle()
	if err != nil {
		return StaffingPlan{}, err
	}
	lines, err := (&demandReader{name: name, length: o.Interval, handle: handle}).read(file)
	if err != nil {
		return StaffingPlan{}, err
	}
	return o.plan(lines)
}

// handle is the mean handling time in seconds that the flags give, or zero.
func (o StaffingOptions) handle() (float64, error) {
	switch {
	case o.Talk < 0 || o.WrapUp < 0:
		return 0, errors.New("--talk or --wrap-up is negative; write the mean times, as in --talk 216s --wrap-up 20s")
	case o.Talk == 0 && o.WrapUp > 0:
		return 0, errors.New("--wrap-up is given without --talk; write both, as in --talk 216s --wrap-up 20s")
	case o.Interval <= 0:
		return 0, fmt.Errorf("--interval is %v; write the length of an interval, as in --interval 15m", o.Interval)
	}
	return (o.Talk + o.WrapUp).Seconds(), nil
}

func (o StaffingOptions) plan(lines []demandLine) (StaffingPlan, error) {
	model, patience, err := o.model()
	if err != nil {
		return StaffingPlan{}, err
	}
	target, err := o.target(model)
	if err != nil {
		return StaffingPlan{}, err
	}
	plan := StaffingPlan{
		Model: model, Interval: o.Interval.Seconds(), Shrinkage: o.Shrinkage / 100,
		Target: targetOf(target),
	}
	if model == staffing.ErlangA {
		plan.Patience = &patience
	}
	for _, line := range lines {
		demand := staffing.Demand{Rate: line.calls / plan.Interval, Handle: line.handle, Patience: patience}
		p, err := staffing.Required(model, demand, target)
		if err != nil {
			if line.start != "" {
				err = fmt.Errorf("interval %s: %w", line.start, err)
			}
			return StaffingPlan{}, err
		}
		interval := StaffingInterval{
			Start: line.start, Calls: line.calls, Handle: line.handle, Erlangs: demand.Load(),
			Agents: p.Agents(), Scheduled: staffing.Scheduled(p.Agents(), plan.Shrinkage),
			PWait: p.PWait(), ASA: p.MeanWaitAnswered(), MeanWait: p.MeanWait(), P90: p.WaitQuantile(0.9),
			Abandoned: p.PAbandon(), Occupancy: p.Occupancy(),
		}
		if target.Level > 0 {
			level := staffing.Level(p, target.Formula, target.Within, target.Short)
			interval.Level = &level
		}
		plan.Intervals = append(plan.Intervals, interval)
	}
	return plan, nil
}

func targetOf(t staffing.Target) StaffingTarget {
	out := StaffingTarget{
		Level: given(t.Level), Formula: t.Formula, MaxASA: given(t.MaxASA), MaxAbandon: given(t.MaxAbandon), MaxOccupancy: given(t.MaxOccupancy),
	}
	if t.Level > 0 {
		out.Within = &t.Within
	}
	return out
}

// given is nil for zero, which means that nothing was asked.
func given(x float64) *float64 {
	if x == 0 {
		return nil
	}
	return &x
}

func (o StaffingOptions) model() (staffing.Model, float64, error) {
	model := staffing.Model(o.Model)
	switch {
	case model == staffing.ErlangC:
		return model, 0, nil
	case model != staffing.ErlangA:
		return "", 0, fmt.Errorf("--model is %q; write erlang-a or erlang-c", o.Model)
	case o.Patience <= 0:
		return "", 0, errors.New("erlang-a needs the callers' mean patience; write it, as in --patience 120s, or choose --model erlang-c")
	}
	return model, o.Patience.Seconds(), nil
}

func (o StaffingOptions) target(model staffing.Model) (staffing.Target, error) {
	t := staffing.Target{
		Formula: staffing.Formula(o.Formula), Short: o.ShortAbandon.Seconds(),
		MaxASA: o.MaxASA.Seconds(), MaxAbandon: o.MaxAbandon / 100, MaxOccupancy: o.MaxOccupancy / 100,
		MinAgents: o.MinAgents,
	}
	for _, share := range []struct {
		flag  string
		value float64
	}{{"max-abandonment", o.MaxAbandon}, {"max-occupancy", o.MaxOccupancy}, {"shrinkage", o.Shrinkage}} {
		if !(share.value >= 0 && share.value < 100) {
			return t, fmt.Errorf("--%s is %v; write a percentage from 0 to less than 100", share.flag, share.value)
		}
	}
	switch {
	case o.MaxASA < 0:
		return t, fmt.Errorf("--max-asa is %v; write a duration, as in --max-asa 6s", o.MaxASA)
	case o.ShortAbandon < 0:
		return t, fmt.Errorf("--short-abandon is %v; write a duration, as in --short-abandon 5s", o.ShortAbandon)
	case o.MinAgents < 0 || o.MinAgents > staffing.MaxAgents:
		return t, fmt.Errorf("--min-agents is %d; write a number from 0 to %d", o.MinAgents, staffing.MaxAgents)
	case o.MaxAbandon > 0 && model == staffing.ErlangC:
		return t, errors.New("nobody abandons in erlang-c, so that --max-abandonment has no meaning; leave it out or choose --model erlang-a")
	}
	if o.Target != "none" {
		var err error
		if t.Level, t.Within, err = parseTarget(o.Target); err != nil {
			return t, err
		}
	} else if t.MaxASA == 0 && t.MaxAbandon == 0 && t.MaxOccupancy == 0 {
		return t, errors.New("there is no target; write --target, --max-asa, --max-abandonment or --max-occupancy")
	}
	return t, nil
}

// parseTarget reads a service level such as 80/15s: percent and threshold.
func parseTarget(text string) (level, within float64, err error) {
	percent, after, cut := strings.Cut(text, "/")
	level, numberErr := strconv.ParseFloat(percent, 64)
	threshold, durationErr := time.ParseDuration(after)
	if !cut || numberErr != nil || durationErr != nil || !(level > 0 && level < 100) || threshold < 0 {
		return 0, 0, fmt.Errorf("--target is %q; write percent and seconds, as in 80/15s, or none", text)
	}
	return level / 100, threshold.Seconds(), nil
}

// WriteStaffing prints a plan as table, csv or json, in zh or en.
func WriteStaffing(w io.Writer, format, lang string, o StaffingOptions, plan StaffingPlan) error {
	out := report.Staffing{Title: o.title(lang), JSON: plan}
	for _, i := range plan.Intervals {
		row := report.StaffingRow{
			Start: i.Start, Calls: i.Calls, Handle: i.Handle, Erlangs: i.Erlangs, Agents: i.Agents, Scheduled: i.Scheduled,
			Level: math.NaN(), ASA: i.ASA, P90: i.P90, Abandon: i.Abandoned, Occupancy: i.Occupancy,
		}
		if i.Level != nil {
			row.Level = *i.Level
		}
		if plan.Model == staffing.ErlangC {
			row.Abandon = math.NaN()
		}
		out.Rows = append(out.Rows, row)
	}
	return report.WriteStaffing(w, format, lang, out)
}

// title tells the assumptions of a plan.
func (o StaffingOptions) title(lang string) string {
	word := wordIn(lang)
	parts := []string{word("坐席测算 ", "Staffing, ") + o.Model, word("时段", "interval ") + config.PlainDuration(o.Interval)}
	if o.Model == string(staffing.ErlangA) {
		parts = append(parts, word("平均耐心", "patience ")+config.PlainDuration(o.Patience))
	}
	parts = append(parts, o.targetText(lang), word("缩减率", "shrinkage ")+percentText(o.Shrinkage))
	return strings.Join(parts, word(",", ", "))
}

// targetText tells what is asked.
func (o StaffingOptions) targetText(lang string) string {
	word := wordIn(lang)
	var parts []string
	if o.Target != "none" {
		parts = append(parts, word("目标", "target ")+o.Target+" "+o.Formula)
	}
	if o.MaxASA > 0 {
		parts = append(parts, word("平均等待≤", "ASA ≤ ")+config.PlainDuration(o.MaxASA))
	}
	if o.MaxAbandon > 0 {
		parts = append(parts, word("放弃率≤", "abandoned ≤ ")+percentText(o.MaxAbandon))
	}
	if o.MaxOccupancy > 0 {
		parts = append(parts, word("占用率≤", "occupancy ≤ ")+percentText(o.MaxOccupancy))
	}
	return strings.Join(parts, word(",", ", "))
}

// wordIn chooses between a Chinese and an English text.
func wordIn(lang string) func(zh, en string) string {
	return func(zh, en string) string {
		if lang == "zh" {
			return zh
		}
		return en
	}
}

func percentText(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) + "%" }
