package acd_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"hotline/internal/acd"
)

func (s *stage) say(format string, args ...any) {
	s.out.WriteString(strings.TrimRight("  "+fmt.Sprintf(format, args...), " ") + "\n")
}

// write writes what a step has asked for.
func (s *stage) write(out acd.Output) {
	for _, c := range out.Commands {
		s.say("do %s", s.command(c))
	}
	var refused *acd.RequestError
	if errors.As(out.Err, &refused) {
		s.say("refused %s: %s", refused.Code, strings.ReplaceAll(refused.Text, "\n", "\n    "))
	}
	recorded := map[acd.CallID]bool{}
	for _, r := range out.Records {
		recorded[r.Call] = true
	}
	for _, c := range out.Changes {
		switch {
		case c.Call != nil:
			s.news("call "+string(c.Call.Call), callText(*c.Call, s))
		case c.Agent != nil && !c.Agent.Since.IsZero(): // not those who were never there
			s.news("agent "+string(c.Agent.Agent), agentText(*c.Agent))
		case c.Callback != nil:
			s.news("callback "+string(c.Callback.ID), callbackText(*c.Callback))
		case c.Gone != nil && c.Gone.Kind == acd.KindCall && !recorded[acd.CallID(c.Gone.ID)]:
			s.news("call "+c.Gone.ID, "has ended, without a record")
		}
	}
	for _, r := range out.Records {
		s.say("record %s", recordText(r))
	}
}

// news writes a new state of something, if it reads differently from the last.
func (s *stage) news(what, state string) {
	if s.known[what] != state {
		s.known[what] = state
		s.say("%s %s", what, state)
	}
}

// text joins what is not empty.
func text(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), " ")
}

// when is the text if the condition holds.
func when(holds bool, format string, args ...any) string {
	if !holds {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

func (s *stage) command(c acd.Command) string {
	on := func(node acd.NodeID) string { return when(node != "a1", "node=%s", node) }
	switch c := c.(type) {
	case acd.Answer:
		return text("answer", string(c.Call), on(c.Node))
	case acd.Play:
		return text("play", string(c.Call), strings.Join(c.Prompts, " "), on(c.Node))
	case acd.StartMusic:
		return text("music", string(c.Call), c.Class, on(c.Node))
	case acd.StartRingback:
		return text("ringback", string(c.Call), on(c.Node))
	case acd.StopRingback:
		return text("stop-ringback", string(c.Call), on(c.Node))
	case acd.Offer:
		s.legs[legName(c.Leg)] = c.Leg
		_, _, agent, _ := c.Leg.Parse()
		return text("ring", legName(c.Leg), when(c.Number == "", "agent=%s seat=%s", agent, c.Seat), when(c.Number != "", "number=%s", c.Number), when(c.CallerID != "", "shows=%s", c.CallerID),
			fmt.Sprintf("bound=%v", c.Timeout), on(c.Node))
	case acd.CancelLeg:
		return text("cancel", legName(c.Leg), on(c.Node))
	case acd.Connect:
		return text("bridge", legName(c.Leg), on(c.Node))
	case acd.DialOut:
		return text("dial", legName(c.Leg), "number="+c.Number, "shows="+c.CallerID, fmt.Sprintf("bound=%v", c.Timeout), on(c.Node))
	case acd.Unbridge:
		return text("unbridge", string(c.Call), on(c.Node))
	case acd.Release:
		return text("release", string(c.Call), when(c.Leg != "", "leg=%s", legName(c.Leg)),
			when(c.CallerGone, "caller-gone"), when(c.LegGone, "leg-gone"), on(c.Node))
	case acd.ReplySeat:
		return text("reply", c.Channel, c.Prompt, on(c.Node))
	}
	return typeName(c)
}

func callText(c acd.CallStatus, s *stage) string {
	var agents []string
	for _, o := range c.Offers {
		if o.Outcome == "" || o.Outcome == acd.OfferAnswered {
			agents = append(agents, string(o.Agent))
		}
	}
	return text(string(c.Phase), when(c.Phase != acd.PhaseGreeting && c.Phase != acd.PhaseClosing, "%s", c.Queue),
		when(len(agents) > 0, "agent=%s", strings.Join(agents, ",")),
		when(c.Phase == acd.PhaseWaiting && c.Preferred.After(s.now), "only=%s until=%s", c.Prefers, since(c.Preferred)),
		when(c.Paused.After(s.now), "not-before=%s", since(c.Paused)),
		when(c.Points != nil, "points=%d", pointsOf(c)),
		when(!c.Resumed.IsZero(), "place=%s", since(c.Resumed)), referralText(c.Referral),
		when(!c.OnHold.IsZero(), "on-hold=%s", since(c.OnHold)), when(c.Hold > 0, "held=%v", c.Hold), ratingText(c.Rating))
}

func ratingText(r *acd.RatingStatus) string {
	if r == nil {
		return ""
	}
	return text(when(r.Grade > 0, "grade=%d", r.Grade), "until="+since(r.Due))
}

func referralText(r *acd.Referral) string {
	if r == nil || r.Leg == "" {
		return ""
	}
	return "partner=" + string(r.Partner)
}

func agentText(a acd.AgentStatus) string {
	return text(string(a.State), a.Reason, string(a.Call), when(a.State == acd.WrapUp, "until=%s", since(a.WrapUpEnds)),
		when(a.Pending != "", "then=%s", a.Pending), when(a.Leaving != "", "leaving=%s", legName(a.Leaving)), assignedText(a))
}

func assignedText(a acd.AgentStatus) string {
	if a.Assigned == nil {
		return ""
	}
	return text("assigned="+levelsText(a.Assigned.Queues), when(len(a.Assigned.Skills) > 0, "skills=%s", levelsText(a.Assigned.Skills)))
}

// levelsText writes levels as english:3,german:5.
func levelsText[K ~string](levels map[K]acd.Level) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(levels)) {
		list = append(list, fmt.Sprintf("%s:%d", name, levels[name]))
	}
	return strings.Join(list, ",")
}

func pointsOf(c acd.CallStatus) int {
	if c.Points == nil {
		return 0
	}
	return *c.Points
}

func callbackText(b acd.CallbackStatus) string {
	return text(string(b.State), string(b.Queue), "number="+b.Number, when(b.Missed, "missed"), "place="+since(b.Place),
		when(b.Attempts > 0, "attempts=%d", b.Attempts), when(b.Last != "", "last=%s", b.Last),
		when(b.State == acd.CallbackSpaced && !b.Next.IsZero(), "next=%s", since(b.Next)))
}

func recordText(r acd.CallRecord) string {
	var offers, visits []string
	for _, o := range r.Offers {
		offers = append(offers, fmt.Sprintf("%s:%s", o.Agent, o.Outcome))
	}
	for _, v := range r.Visits {
		visits = append(visits, fmt.Sprintf("%s:%v%s", v.Queue, v.Left.Sub(v.Entered), when(v.Reason != "", ":%s", v.Reason)))
	}
	return text(string(r.Call), string(r.Result)+"/"+string(r.Reason), string(r.Queue),
		when(r.Offered(), "wait=%v", r.Wait()), when(!r.Offered(), "not-counted-as-offered"),
		when(r.Result == acd.Answered, "talk=%v", r.Talk()), when(r.Hold > 0, "hold=%v", r.Hold),
		when(r.RatingAsked, "rating=%d after=%v", r.Rating, r.Ended.Sub(r.TalkEnded)), when(r.Agent != "", "agent=%s@%s", r.Agent, r.Seat),
		when(len(offers) > 0, "offers=%s", strings.Join(offers, ",")), when(len(visits) > 0, "visits=%s", strings.Join(visits, ",")),
		when(!r.Resumed.IsZero(), "place=%s", since(r.Resumed)), when(r.Callback != "", "callback=%s", r.Callback),
		when(r.Outcome != "", "outcome=%s", r.Outcome), when(r.Partner != "", "partner=%s", r.Partner))
}

// show writes the state of all queues and who is kept out.
func (s *stage) show() {
	for _, q := range s.e.Snapshot(s.now).Queues {
		c := q.Counts
		s.say("queue %s waiting=%d longest=%v talking=%d offered=%d answered=%d abandoned=%d overflowed=%d rona=%d",
			q.Queue, q.Waiting, q.LongestWait, q.Talking, c.Offered, c.Answered, c.Abandoned, c.Overflowed, c.RONA)
	}
	for _, b := range s.e.Callbacks() {
		s.say("listed %s %s", b.ID, callbackText(b))
	}
	for _, p := range s.e.Partners() {
		s.say("%s", text("partner", string(p.Partner), fmt.Sprintf("ringing=%d talking=%d waiting=%d rung=%d answered=%d not-taken=%d withdrawn=%d",
			p.Ringing, p.Talking, p.Waiting, p.Counts.Rung, p.Counts.Answered, p.Counts.NotTaken, p.Counts.Withdrawn),
			when(!p.Rests.IsZero(), "rests-until=%s", since(p.Rests)), when(p.Last != "", "last=%s", p.Last)))
	}
	for _, b := range s.e.Blocks(s.now) {
		s.say("blocked %s %s", b.Number, b.Reason)
	}
}
