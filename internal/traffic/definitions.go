package traffic

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Metric names a figure. Names are stable: they are keys in JSON and columns in CSV.
type Metric string

// The figures that do not depend on Options.
const (
	Offered            Metric = "offered"
	Answered           Metric = "answered"
	Abandoned          Metric = "abandoned"
	ShortAbandoned     Metric = "short_abandons"
	Overflowed         Metric = "overflowed"
	NotOffered         Metric = "not_offered"
	CallbacksRequested Metric = "callbacks_requested"
	CallbacksAttempted Metric = "callbacks_attempted"
	CallbacksReached   Metric = "callbacks_reached"
	ConnectRate        Metric = "connect_rate"
	AbandonRate        Metric = "abandon_rate"
	AverageWait        Metric = "average_wait"
	AverageAbandon     Metric = "average_abandoned_wait"
	LongestWait        Metric = "max_wait"
	AverageTalk        Metric = "average_talk"
	LongestTalk        Metric = "max_talk"
	TalkOver10         Metric = "talk_over_10_min"
	TalkOver10Share    Metric = "talk_over_10_min_share"
	OutboundAttempted  Metric = "outbound_attempted"
	OutboundAnswered   Metric = "outbound_answered"
	OutboundTalk       Metric = "outbound_average_talk"
	OutboundOver10     Metric = "outbound_talk_over_10_min"
	OutboundOver10Part Metric = "outbound_talk_over_10_min_share"
	TotalAnswered      Metric = "total_answered"
	TotalTalk          Metric = "total_average_talk"
	TotalOver10Share   Metric = "total_talk_over_10_min_share"
	Held               Metric = "held"
	AverageHold        Metric = "average_hold"
	LongestHold        Metric = "max_hold"
	OutboundHeld       Metric = "outbound_held"
	OutboundHold       Metric = "outbound_average_hold"
	HandleTime         Metric = "average_handle_time"
	RatingsAsked       Metric = "ratings_asked"
	Rated              Metric = "rated"
	RatedShare         Metric = "rated_share"
	SatisfiedShare     Metric = "satisfied_share"
	RingTime           Metric = "ring_time"
	LoggedIn           Metric = "logged_in"
	Ready              Metric = "ready"
	NotReady           Metric = "not_ready"
	OnContact          Metric = "on_contact"
	WrapUp             Metric = "wrap_up"
	Occupancy          Metric = "occupancy"
	RONA               Metric = "rona"
	OffersRefused      Metric = "offers_refused"
	OffersNotReached   Metric = "offers_not_reached"
)

// LevelFormula is one of the published ways to compute a service level.
type LevelFormula string

// Formulas are all of them, in the order in which they are shown.
func Formulas() []LevelFormula {
	return []LevelFormula{OfOffered, OfAnswered, OfOfferedLessShort, WithAbandoned}
}

// The formulas; "within" counts durations of at most the threshold.
const (
	OfOffered          LevelFormula = "of_offered"            // answered_within / offered
	OfAnswered         LevelFormula = "of_answered"           // answered_within / answered
	OfOfferedLessShort LevelFormula = "of_offered_less_short" // answered_within / (offered - short_abandons)
	WithAbandoned      LevelFormula = "with_abandoned"        // (answered_within + abandoned_within) / (answered + abandoned)
)

// ServiceLevel is the figure of a formula at a threshold in seconds.
func ServiceLevel(formula LevelFormula, seconds int) Metric {
	return Metric("service_level_" + strconv.Itoa(seconds) + "_" + string(formula))
}

// AnsweredWithin is the figure that counts calls answered within a threshold in seconds.
func AnsweredWithin(seconds int) Metric {
	return Metric("answered_within_" + strconv.Itoa(seconds))
}

// Options choose the thresholds. The zero value means the defaults. They may
// change at any time: stored counters serve every choice.
type Options struct {
	// ShortAbandon: a call abandoned after less than so many seconds is a
	// short abandon. One of ShortAbandonBounds; default 5.
	ShortAbandon int
	// Thresholds of the service levels in seconds, each one of WaitBounds;
	// default 15 (GB/T 33358-2016) and 30 (provincial figures).
	Thresholds []int
	// Published is the formula of the service levels that stand where only one has
	// room, as in comparisons and rows of queues; default OfOffered. All others are
	// shown besides where each formula is.
	Published LevelFormula
}

// StandardThresholds are those of the service levels when none are chosen, in seconds:
// that of GB/T 33358-2016 and that of the provincial figures.
func StandardThresholds() []int { return []int{15, 30} }

// Definition says what a figure is.
type Definition struct {
	Key      Metric `json:"key"`
	Formula  string `json:"formula"`
	Unit     string `json:"unit"`   // calls, offers, s or %
	Source   string `json:"source"` // who fixes the definition
	ZH       string `json:"zh"`
	EN       string `json:"en"`
	Decimals int    `json:"decimals"` // with which the figure is published
	of       func(Counters) Ratio
}

// Definitions are the figures of one choice of Options, in the order in which they are shown.
type Definitions struct {
	list      []Definition
	index     map[Metric]int
	published []Metric
	threshold int // in seconds, of the first that is published
	short     int // seconds
}

// Define gives the definitions for options. The error names a threshold that
// cannot be counted, and those that can, or a formula that is none.
func Define(options Options) (*Definitions, error) {
	if options.ShortAbandon == 0 {
		options.ShortAbandon = 5
	}
	if len(options.Thresholds) == 0 {
		options.Thresholds = StandardThresholds()
	}
	if !slices.Contains(shortBounds, options.ShortAbandon) {
		return nil, fmt.Errorf("short abandons under %d s are not counted: choose one of %v", options.ShortAbandon, shortBounds)
	}
	if options.Published == "" {
		options.Published = OfOffered
	}
	if !slices.Contains(Formulas(), options.Published) {
		return nil, fmt.Errorf("%q is not a formula of a service level: choose one of %v", options.Published, Formulas())
	}
	d := &Definitions{index: map[Metric]int{}, threshold: options.Thresholds[0], short: options.ShortAbandon}
	d.list = basics(options.ShortAbandon)
	for i, seconds := range options.Thresholds {
		if !slices.Contains(waitBounds, seconds) {
			return nil, fmt.Errorf("a service level at %d s is not counted: choose among %v", seconds, waitBounds)
		}
		if slices.Contains(options.Thresholds[:i], seconds) {
			return nil, fmt.Errorf("the service level at %d s is chosen twice", seconds)
		}
		d.list = append(d.list, levels(seconds, options.ShortAbandon)...)
		d.published = append(d.published, ServiceLevel(options.Published, seconds))
	}
	for i, definition := range d.list {
		d.index[definition.Key] = i
	}
	return d, nil
}

// Standard are the definitions with the default options.
func Standard() *Definitions {
	d, err := Define(Options{})
	if err != nil {
		panic(err) // the defaults are among the bounds; a test holds this
	}
	return d
}

// List is every definition, in the order in which figures are shown.
func (d *Definitions) List() []Definition { return slices.Clone(d.list) }

// ShortAbandon is the threshold of short abandons in seconds.
func (d *Definitions) ShortAbandon() int { return d.short }

// Target is the threshold of the first service level: within it a call is to be answered.
func (d *Definitions) Target() time.Duration { return time.Duration(d.threshold) * time.Second }

// Published are the service levels by the formula that is published, in the order of
// the thresholds; at least one.
func (d *Definitions) Published() []Metric { return slices.Clone(d.published) }

// Get is one definition; false when there is none of that name.
func (d *Definitions) Get(metric Metric) (Definition, bool) {
	i, found := d.index[metric]
	if !found {
		return Definition{}, false
	}
	return d.list[i], true
}

const (
	cityReport    = "12345 annual report, table 话务服务"
	contactCentre = "contact-centre usage"
)

func basics(short int) []Definition {
	shortText := strconv.Itoa(short)
	return []Definition{
		{Offered, "calls that entered a queue, counted when they have ended", "calls", contactCentre, "呼入人工量", "offered", 0, amount(CountOffered)},
		{Answered, "offered calls connected with an agent", "calls", cityReport, "人工接听话务量", "answered", 0, amount(CountAnswered)},
		{Abandoned, "offered calls whose caller left before an agent was connected", "calls", contactCentre, "排队放弃量", "abandoned", 0, amount(CountAbandoned)},
		{ShortAbandoned, "abandoned after less than " + shortText + " s in the queue", "calls", contactCentre, "短时放弃量", "short abandons", 0,
			func(c Counters) Ratio { return Ratio{c.ShortAbandons(short), 1} }},
		{Overflowed, "offered calls that the rules of a queue sent elsewhere or ended, that a supervisor moved to another queue, or that were not taken on in a storm", "calls", contactCentre, "溢出量", "overflowed", 0,
			amount(CountOverflowed)},
		{NotOffered, "calls that ended before they entered a queue", "calls", contactCentre, "未进入排队量", "not offered", 0, amount(CountNotOffered)},
		{CallbacksRequested, "overflowed calls whose callers asked to be called back", "calls", contactCentre, "预约回拨量", "callbacks requested", 0,
			amount(CountCallbackAsked)},
		{CallbacksAttempted, "times that a caller was called back, asked for or after giving up", "calls", "State Council letter 2025 no. 66 (漏接电话回拨)", "回拨量", "callbacks attempted", 0,
			amount(CountCallbackTried)},
		{CallbacksReached, "callbacks in which the caller talked with an agent", "calls", contactCentre, "回拨接通量", "callbacks reached", 0,
			amount(CountCallbackReached)},
		{ConnectRate, "answered / offered", "%", cityReport + "; GB/T 33358-2016: at least 95", "人工接通率", "connect rate", 2,
			percent(CountAnswered, CountOffered)},
		{AbandonRate, "abandoned / offered", "%", contactCentre, "放弃率", "abandon rate", 2, percent(CountAbandoned, CountOffered)},
		{AverageWait, "sum of (answered - entered the queue) / answered", "s", cityReport, "平均等待时长", "average wait (answered)", 0,
			seconds(SumWait, CountAnswered)},
		{AverageAbandon, "sum of (left - entered the queue) / abandoned", "s", contactCentre, "平均放弃等待时长", "average wait (abandoned)", 0,
			seconds(SumAbandonWait, CountAbandoned)},
		{LongestWait, "longest wait, however it ended", "s", contactCentre, "最长等待时长", "longest wait", 0, longest(MaxWait, CountOffered)},
		{AverageTalk, "talk / answered", "s", cityReport, "平均通话时长", "average talk", 0, seconds(SumTalk, CountAnswered)},
		{LongestTalk, "longest talk", "s", contactCentre, "最长通话时长", "longest talk", 0, longest(MaxTalk, CountAnswered)},
		{TalkOver10, "answered calls with talk > 600 s", "calls", cityReport, "通话时长超10分钟量", "talks over 10 min", 0,
			func(c Counters) Ratio { return Ratio{c.TalkedOver(600), 1} }},
		{TalkOver10Share, "answered calls with talk > 600 s / answered", "%", cityReport, "通话时长超10分钟占比", "talks over 10 min", 2,
			func(c Counters) Ratio { return Ratio{100 * c.TalkedOver(600), c[CountAnswered]} }},
		{OutboundAttempted, "calls that the hotline placed, callbacks among them", "calls", cityReport, "呼出量", "outbound attempted", 0, amount(CountOutbound)},
		{OutboundAnswered, "calls that the hotline placed and that were answered", "calls", cityReport, "呼出接通话务量", "outbound answered", 0,
			amount(CountOutboundTalked)},
		{OutboundTalk, "outbound talk / outbound answered", "s", cityReport, "呼出平均通话时长", "outbound average talk", 0,
			seconds(SumOutboundTalk, CountOutboundTalked)},
		{OutboundOver10, "outbound answered with talk > 600 s", "calls", cityReport, "呼出通话时长超10分钟量", "outbound talks over 10 min", 0,
			func(c Counters) Ratio { return Ratio{c.OutboundTalkedOver(600), 1} }},
		{OutboundOver10Part, "outbound answered with talk > 600 s / outbound answered", "%", cityReport, "呼出通话时长超10分钟占比", "outbound talks over 10 min", 2,
			func(c Counters) Ratio { return Ratio{100 * c.OutboundTalkedOver(600), c[CountOutboundTalked]} }},
		{TotalAnswered, "answered + outbound answered", "calls", cityReport, "总话务量", "total answered", 0,
			func(c Counters) Ratio { return Ratio{c[CountAnswered] + c[CountOutboundTalked], 1} }},
		{TotalTalk, "(talk + outbound talk) / (answered + outbound answered)", "s", cityReport, "总平均通话时长", "total average talk", 0,
			func(c Counters) Ratio {
				return Ratio{c[SumTalk] + c[SumOutboundTalk], millisecondsSecond * (c[CountAnswered] + c[CountOutboundTalked])}
			}},
		{TotalOver10Share, "answered and outbound answered with talk > 600 s / (answered + outbound answered)", "%", cityReport, "总通话时长超10分钟占比", "total talks over 10 min", 2,
			func(c Counters) Ratio {
				return Ratio{100 * (c.TalkedOver(600) + c.OutboundTalkedOver(600)), c[CountAnswered] + c[CountOutboundTalked]}
			}},
		{Held, "answered calls in which the agent held the caller", "calls", contactCentre, "通话保持量", "held", 0, amount(CountHeld)},
		{AverageHold, "hold of a call, all its times on hold together / held; a part of the talk", "s", contactCentre, "平均保持时长", "average hold", 0,
			seconds(SumHold, CountHeld)},
		{LongestHold, "longest hold of a call, all its times on hold together", "s", contactCentre, "最长保持时长", "longest hold", 0, longest(MaxHold, CountHeld)},
		{OutboundHeld, "outbound answered in which the agent held the other", "calls", contactCentre, "呼出通话保持量", "outbound held", 0, amount(CountOutboundHeld)},
		{OutboundHold, "hold of an outbound call / outbound held", "s", contactCentre, "呼出平均保持时长", "outbound average hold", 0,
			seconds(SumOutboundHold, CountOutboundHeld)},
		{HandleTime, "(talk + outbound talk, hold included, + wrap-up) / (answered + outbound answered); where agents' time is counted: the site, an agent", "s", contactCentre,
			"平均处理时长", "average handle time (AHT)", 0, handleTime},
		{RatingsAsked, "answered calls, outbound too, whose callers were asked for a rating, the agent having hung up first", "calls", contactCentre, "邀请评价量", "ratings asked", 0,
			amount(CountRatingAsked)},
		{Rated, "ratings asked that were given", "calls", contactCentre, "参评量", "rated", 0, amount(CountRated)},
		{RatedShare, "rated / ratings asked", "%", contactCentre, "参评率", "share rated", 2, percent(CountRated, CountRatingAsked)},
		{SatisfiedShare, "(rated 1 + rated 2 + rated 3) / rated", "%", contactCentre, "满意率", "satisfied", 2, func(c Counters) Ratio {
			return Ratio{100 * (c.Rated(1) + c.Rated(2) + c.Rated(3)), c[CountRated]}
		}},
		graded(1, "非常满意", "very satisfied"), graded(2, "满意", "satisfied"), graded(3, "基本满意", "fairly satisfied"),
		graded(4, "不满意", "dissatisfied"), graded(5, "非常不满意", "very dissatisfied"),
		{RingTime, "time for which agents' phones rang", "s", contactCentre, "振铃时长", "ring time", 0, duration(SumRing)},
		{LoggedIn, "time for which agents were logged in", "s", contactCentre, "签入时长", "logged in", 0, duration(SumLoggedIn)},
		{Ready, "time for which agents were ready and had no call", "s", contactCentre, "示闲时长", "ready", 0, duration(SumReady)},
		{NotReady, "time for which agents were not ready", "s", contactCentre, "示忙时长", "not ready", 0, duration(SumNotReady)},
		{OnContact, "time for which agents talked or were in wrap-up", "s", contactCentre, "接触时长", "on contact", 0,
			func(c Counters) Ratio { return Ratio{c[SumTalking] + c[SumWrapUp], millisecondsSecond} }},
		{WrapUp, "time for which agents were in wrap-up", "s", contactCentre, "话后处理时长", "wrap-up", 0, duration(SumWrapUp)},
		{Occupancy, "on contact / (on contact + ready)", "%", contactCentre, "坐席利用率", "occupancy", 2,
			func(c Counters) Ratio {
				contact := c[SumTalking] + c[SumWrapUp]
				return Ratio{100 * contact, contact + c[SumReady]}
			}},
		{RONA, "offers to an agent that rang and were not answered in time", "offers", contactCentre, "振铃未接次数", "ring, no answer (RONA)", 0, amount(CountRONA)},
		{OffersRefused, "offers that the agent declined", "offers", contactCentre, "坐席拒接次数", "offers refused", 0, amount(CountRefused)},
		{OffersNotReached, "offers to a phone that was busy, did not reply or could not be rung", "offers", contactCentre, "坐席不可达次数", "offers not reached", 0,
			func(c Counters) Ratio { return Ratio{c[CountBusy] + c[CountUnreachable] + c[CountFailed], 1} }},
	}
}

// levels are the service levels at one threshold: each formula by its name,
// because published figures differ in which one they mean.
func levels(threshold, short int) []Definition {
	t, s := strconv.Itoa(threshold), strconv.Itoa(short)
	within := "answered within " + t + " s"
	zh, en := t+"秒接通率", t+" s service level"
	level := func(formula LevelFormula, text, source, zhOf string, of func(Counters) Ratio) Definition {
		return Definition{ServiceLevel(formula, threshold), text, "%", source, zh + "(" + zhOf + ")", en + " (" + text + ")", 2, of}
	}
	return []Definition{
		{AnsweredWithin(threshold), within, "calls", "GB/T 33358-2016 (15 s)", t + "秒内接听量", within, 0,
			func(c Counters) Ratio { return Ratio{c.AnsweredWithin(threshold), 1} }},
		level(OfOffered, within+" / offered", "provincial figures", "占呼入", func(c Counters) Ratio {
			return Ratio{100 * c.AnsweredWithin(threshold), c[CountOffered]}
		}),
		level(OfAnswered, within+" / answered", contactCentre, "占接听", func(c Counters) Ratio {
			return Ratio{100 * c.AnsweredWithin(threshold), c[CountAnswered]}
		}),
		level(OfOfferedLessShort, within+" / (offered - abandoned under "+s+" s)", contactCentre, "扣除短时放弃", func(c Counters) Ratio {
			return Ratio{100 * c.AnsweredWithin(threshold), c[CountOffered] - c.ShortAbandons(short)}
		}),
		level(WithAbandoned, "("+within+" + abandoned within "+t+" s) / (answered + abandoned)", contactCentre, "含时限内放弃", func(c Counters) Ratio {
			return Ratio{100 * (c.AnsweredWithin(threshold) + c.AbandonedWithin(threshold)), c[CountAnswered] + c[CountAbandoned]}
		}),
	}
}

// RatedAs is the figure that counts the calls whose callers gave a grade, from 1 (best) to 5.
func RatedAs(grade int) Metric { return Metric(gradePrefix + strconv.Itoa(grade)) }

func graded(grade int, zh, en string) Definition {
	return Definition{RatedAs(grade), "rated " + strconv.Itoa(grade) + ", " + en, "calls", contactCentre, zh + "量", "rated " + en, 0,
		func(c Counters) Ratio { return Ratio{c.Rated(grade), 1} }}
}

// handleTime has no value in rows that have calls only, as those of queues: without
// the wrap-up it would be the talk.
func handleTime(c Counters) Ratio {
	if c[SumLoggedIn] == 0 {
		return Ratio{}
	}
	return Ratio{c[SumTalk] + c[SumOutboundTalk] + c[SumWrapUp], millisecondsSecond * (c[CountAnswered] + c[CountOutboundTalked])}
}

func amount(counter Counter) func(Counters) Ratio {
	return func(c Counters) Ratio { return Ratio{c[counter], 1} }
}

func percent(part, whole Counter) func(Counters) Ratio {
	return func(c Counters) Ratio { return Ratio{100 * c[part], c[whole]} }
}

func duration(sum Counter) func(Counters) Ratio {
	return func(c Counters) Ratio { return Ratio{c[sum], millisecondsSecond} }
}

func seconds(sum, count Counter) func(Counters) Ratio {
	return func(c Counters) Ratio { return Ratio{c[sum], millisecondsSecond * c[count]} }
}

// longest has no value while nothing was measured: a maximum of nothing is not 0.
func longest(maximum, count Counter) func(Counters) Ratio {
	return func(c Counters) Ratio {
		if c[count] == 0 {
			return Ratio{}
		}
		return Ratio{c[maximum], millisecondsSecond}
	}
}
