package recordfile

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hotline/internal/acd"
)

// The words of records. Tests compare them with those of the engine.
var (
	Results = []acd.Result{acd.Answered, acd.Abandoned, acd.Overflowed, acd.NotReached, acd.NotOffered}
	Reasons = []acd.Reason{
		acd.CallerHungUp, acd.CallerHungUpRinging, acd.CallerHungUpAtAnswer, acd.AgentHungUp, acd.NodeLost, acd.Recovered,
		acd.Refused, acd.Shed, acd.Referred, acd.CallbackRequested, acd.CallerNotReached, acd.ClosedHours, acd.Blocked, acd.UnknownEntry,
	}
	outcomes = []acd.OfferOutcome{
		acd.OfferAnswered, acd.OfferNoAnswer, acd.OfferRefused, acd.OfferBusy, acd.OfferUnreachable, acd.OfferFailed, acd.OfferNodeFault,
		acd.OfferTaken, acd.OfferWithdrawn,
	}
	visitReasons = []acd.VisitReason{acd.VisitMoved}
	states       = []acd.AgentState{acd.NotReady, acd.Ready, acd.Ringing, acd.Talking, acd.WrapUp} // nobody is accounted for who is logged out
)

// examine decodes the record of an entry and lists what is wrong with it.
func (r *reader) examine(e *Entry) []string {
	var c checker
	if e.Kind == Call {
		e.Call = new(acd.CallRecord)
		if err := strict(e.Text, e.Call); err != nil {
			return []string{explain(err)}
		}
		c.call(*e.Call)
		if !r.want.ClockSteps {
			c.order(*e.Call)
		}
		e.Day = r.dayOf(e.Call.CountsAt())
	} else {
		e.Stint = new(acd.Stint)
		if err := strict(e.Text, e.Stint); err != nil {
			return []string{explain(err)}
		}
		c.stint(*e.Stint)
		e.Day = r.dayOf(e.Stint.From)
		if last := r.dayOf(e.Stint.To.Add(-1)); len(c.wrong) == 0 && last != e.Day {
			c.say("reaches from %s into %s: cut it at midnight", e.Day, last)
		}
	}
	if len(c.wrong) == 0 && r.Head.To != "" && (e.Day < r.Head.From || r.Head.To < e.Day) {
		c.say("belongs to %s, and the file is from %s to %s", e.Day, r.Head.From, r.Head.To)
	}
	if len(c.wrong) == 0 {
		r.twice(e, &c)
	}
	return c.wrong
}

func (r *reader) dayOf(t time.Time) string { return t.In(r.want.Location).Format(time.DateOnly) }

type checker struct{ wrong []string }

func (c *checker) say(format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
}

func (c *checker) need(there bool, field string) {
	if !there {
		c.say("%s is missing", field)
	}
}

func (c *checker) version(v int) {
	switch {
	case v == 0:
		c.say("v is missing")
	case v < 0 || v > acd.RecordVersion:
		c.say("the record has version %d, this program knows up to %d", v, acd.RecordVersion)
	}
}

func known[T ~string](c *checker, field string, value T, of []T) {
	if !slices.Contains(of, value) {
		c.say("the %s %s is not known; it is one of %v", field, quote(string(value)), of)
	}
}

// plain refuses what would be sent to a terminal, or split a name in Redis.
func (c *checker) plain(field, value string) {
	if strings.ContainsFunc(value, unicode.IsControl) || !utf8.ValidString(value) {
		c.say("the %s %s holds control characters", field, quote(value))
	}
}

// longest is longer than any call or stint lasts; more is a wrong clock.
const longest = 24 * time.Hour

// possible refuses moments that a working clock does not give.
func (c *checker) possible(from, to time.Time) {
	for _, at := range []time.Time{from, to} {
		if !at.IsZero() && (at.Year() < 2000 || at.Year() > 2100) {
			c.say("the year %d is not possible", at.Year())
			return
		}
	}
	if to.Sub(from) > longest {
		c.say("it lasts %v, longer than %v", to.Sub(from), longest)
	}
}

func (c *checker) call(r acd.CallRecord) {
	c.version(r.Version)
	c.need(r.Call != "", "call")
	c.need(r.Node != "", "node")
	c.need(!r.Arrived.IsZero(), "arrived")
	c.need(!r.Ended.IsZero(), "ended")
	if r.Direction != acd.Inbound && r.Direction != acd.Outbound { // inbound is the empty word
		c.say("the direction %s is not known; write %s, or leave it out for an inbound call", quote(string(r.Direction)), acd.Outbound)
	}
	known(c, "result", r.Result, Results)
	known(c, "reason", r.Reason, Reasons)
	for _, name := range []struct{ field, value string }{
		{"call", string(r.Call)}, {"node", string(r.Node)}, {"entry", r.Entry}, {"caller", r.Caller}, {"queue", string(r.Queue)},
		{"agent", string(r.Agent)}, {"seat", string(r.Seat)}, {"callback", string(r.Callback)}, {"partner", string(r.Partner)},
	} {
		c.plain(name.field, name.value)
	}
	c.possible(r.Arrived, r.Ended)
	for i, offer := range r.Offers {
		c.plain(fmt.Sprintf("agent of offer %d", i+1), string(offer.Agent))
		c.need(offer.Agent != "", fmt.Sprintf("agent of offer %d", i+1))
		if offer.Outcome != "" {
			known(c, fmt.Sprintf("outcome of offer %d", i+1), offer.Outcome, outcomes)
		}
	}
	if r.Outcome != "" {
		known(c, "outcome", r.Outcome, outcomes)
	}
	if r.Offered() {
		c.need(r.Queue != "", "queue")
	}
	for i, visit := range r.Visits {
		c.need(visit.Queue != "", fmt.Sprintf("queue of visit %d", i+1))
		if visit.Reason != "" {
			known(c, fmt.Sprintf("reason of visit %d", i+1), visit.Reason, visitReasons)
		}
	}
	if len(c.wrong) == 0 {
		c.result(r)
	}
}

// result looks whether a call's result goes with the rest of it.
func (c *checker) result(r acd.CallRecord) {
	answered, outbound := r.Result == acd.Answered, r.Direction == acd.Outbound
	switch {
	case answered:
		c.need(!r.Answered.IsZero(), "answered, of an answered call,")
		c.need(r.Agent != "", "agent, of an answered call,")
	case !r.Answered.IsZero():
		c.say("has a time in answered, and the result %s", r.Result)
	}
	c.afterTalk(r, answered)
	switch {
	case outbound != (r.Result == acd.NotReached) && !answered:
		c.say("the result %s does not go with the direction %q", r.Result, r.Direction)
	case outbound:
	case r.Result == acd.NotOffered && r.Offered():
		c.say("has a time in queued, and the result %s", r.Result)
	case r.Result != acd.NotOffered && !r.Offered():
		c.say("queued, of a call with the result %s, is missing", r.Result)
	case r.Result == acd.Overflowed && len(r.Visits) == 0:
		c.say("visits, of an overflowed call, is missing")
	}
}

// afterTalk looks whether hold and rating are those of a conversation.
func (c *checker) afterTalk(r acd.CallRecord, answered bool) {
	switch {
	case !answered && (r.Hold != 0 || r.RatingAsked || r.Rating != 0 || !r.TalkEnded.IsZero()):
		c.say("has hold_ns, rating_asked, rating or talk_ended, and the result %s", r.Result)
		return
	case r.Hold < 0 || r.Hold > longest:
		c.say("hold_ns is %d; it is 0 to %d", r.Hold, longest)
	}
	switch {
	case r.RatingAsked == r.TalkEnded.IsZero():
		c.say("rating_asked and talk_ended go together")
	case r.Rating != 0 && !r.RatingAsked:
		c.say("has a rating, and not rating_asked")
	case r.Rating < 0 || r.Rating > acd.WorstGrade:
		c.say("the rating is %d; it is %d to %d", r.Rating, acd.BestGrade, acd.WorstGrade)
	}
}

// order looks whether a call's times run forwards.
func (c *checker) order(r acd.CallRecord) {
	type moment struct {
		field string
		at    time.Time
	}
	inOrder := func(moments ...moment) {
		var before moment
		for _, m := range moments {
			if m.at.IsZero() {
				continue
			}
			if m.at.Before(before.at) {
				c.say("%s is before %s", m.field, before.field)
			}
			before = m
		}
	}
	moments := []moment{{"arrived", r.Arrived}}
	if r.Direction == acd.Inbound {
		moments = append(moments, moment{"queued", r.Queued})
	}
	for i, visit := range r.Visits {
		moments = append(moments, moment{fmt.Sprintf("entered of visit %d", i+1), visit.Entered}, moment{fmt.Sprintf("left of visit %d", i+1), visit.Left})
	}
	inOrder(append(moments, moment{"answered", r.Answered}, moment{"talk_ended", r.TalkEnded}, moment{"ended", r.Ended})...)
	if len(c.wrong) == 0 && r.Hold > max(0, r.Talk()) {
		c.say("hold_ns is longer than the conversation, %v", r.Talk())
	}
	for i, offer := range r.Offers {
		inOrder(moment{fmt.Sprintf("made of offer %d", i+1), offer.Made}, moment{fmt.Sprintf("rang of offer %d", i+1), offer.Rang},
			moment{fmt.Sprintf("ended of offer %d", i+1), offer.Ended})
	}
}

func (c *checker) stint(s acd.Stint) {
	c.version(s.Version)
	c.need(s.Agent != "", "agent")
	c.plain("agent", string(s.Agent))
	c.plain("seat", string(s.Seat))
	if strings.Trim(s.Reason, "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
		c.say("the reason %s has other than lower-case letters, digits, hyphens and underscores", quote(s.Reason))
	}
	c.possible(s.From, s.To)
	known(c, "state", s.State, states)
	c.need(!s.From.IsZero(), "from")
	c.need(!s.To.IsZero(), "to")
	switch {
	case s.From.IsZero() || s.To.IsZero():
	case !s.From.Before(s.To):
		c.say("to is not after from")
	case s.From.UnixMilli() == s.To.UnixMilli():
		c.say("from and to are in the same millisecond: that counts nothing")
	}
}
