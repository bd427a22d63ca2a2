package view

import (
	"time"

	"hotline/internal/acd"
)

// FinishedCalls are calls of a day that have ended, the newest first.
type FinishedCalls struct {
	Day   string         `json:"day"`
	Calls []FinishedCall `json:"calls"`
	Next  *string        `json:"next"` // null: there are no more
}

// FinishedCall is a call that has ended.
type FinishedCall struct {
	ID        acd.CallID     `json:"call"`
	Place     string         `json:"place"`
	Node      acd.NodeID     `json:"node"`
	Entry     string         `json:"entry"`
	Caller    string         `json:"caller"` // masked
	Direction acd.Direction  `json:"direction"`
	Queue     acd.QueueID    `json:"queue,omitempty"`
	Arrived   time.Time      `json:"arrived"`
	Queued    time.Time      `json:"queued,omitzero"`
	Answered  time.Time      `json:"answered,omitzero"`
	Ended     time.Time      `json:"ended"`
	Wait      *Seconds       `json:"wait"` // null: was not offered
	Talk      *Seconds       `json:"talk"` // null: was not answered
	Hold      Seconds        `json:"hold,omitzero"`
	Agent     acd.AgentID    `json:"agent,omitempty"`
	Seat      acd.SeatID     `json:"seat,omitempty"`
	Partner   acd.PartnerID  `json:"partner,omitempty"`
	Callback  acd.CallbackID `json:"callback,omitempty"`
	Rating    int            `json:"rating,omitempty"`
	Result    acd.Result     `json:"result"`
	Reason    acd.Reason     `json:"reason"`
	Offers    int            `json:"offers"` // how many agents it was offered to
}

// inbound is the direction that records leave out.
const inbound acd.Direction = "inbound"

// OfRecord shows a call record, with its caller's number masked unless it is to be full.
func OfRecord(r acd.CallRecord, place string, full bool) FinishedCall {
	c := FinishedCall{
		ID: r.Call, Place: place, Node: r.Node, Entry: r.Entry, Caller: r.Caller, Direction: r.Direction, Queue: r.Queue,
		Arrived: r.Arrived, Queued: r.Queued, Answered: r.Answered, Ended: r.Ended, Hold: Seconds(r.Hold), Agent: r.Agent, Seat: r.Seat,
		Partner: r.Partner, Callback: r.Callback, Rating: r.Rating, Result: r.Result, Reason: r.Reason, Offers: len(r.Offers),
	}
	if !full {
		c.Caller = acd.Mask(r.Caller)
	}
	if r.Direction == acd.Inbound {
		c.Direction = inbound
	}
	if r.Offered() {
		wait := Seconds(r.Wait())
		c.Wait = &wait
	}
	if r.Result == acd.Answered {
		talk := Seconds(r.Talk())
		c.Talk = &talk
	}
	return c
}
