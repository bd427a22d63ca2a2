package asterisk

import (
	"context"
	"net/http"
	"time"

	"github.com/CyCoreSystems/ari/v5"
	"go.uber.org/zap"

	"hotline/internal/acd"
)

// settled is how old a belief must be before a listing may contradict it:
// what is younger may be under way.
const settled = 3 * time.Second

// reconcile compares what Asterisk has with what is believed, and makes
// ordinary events and clean-ups of the differences.
//
//	Asterisk has                      we believe       what follows
//	caller in the application         nothing          CallArrived, unless in a conversation of a
//	                                                   former controller, which is left alone
//	no caller                         a caller         CallGone, vanished
//	leg ringing, up or not dialled    less than that   LegRinging, LegAnswered, dial
//	no leg                            a leg            LegGone
//	leg alone                         nothing          hang up
//	bridge of ours, empty             nothing          delete
func (n *node) reconcile(ctx context.Context) error {
	began := time.Now()
	var channels []listedChannel
	if err := n.rest.do(ctx, request{method: http.MethodGet, route: "/channels", path: "/channels", into: &channels}); err != nil {
		return err
	}
	var bridges []ari.BridgeData
	if err := n.rest.do(ctx, request{method: http.MethodGet, route: "/bridges", path: "/bridges", into: &bridges}); err != nil {
		return err
	}
	inBridge := make(map[string]int) // channel -> how many are in its bridge
	for _, b := range bridges {
		for _, ch := range b.ChannelIDs {
			inBridge[ch] = len(b.ChannelIDs)
		}
	}
	there := make(map[string]bool, len(channels))
	for _, ch := range channels {
		there[ch.ID] = true
		n.compareChannel(ch, inBridge[ch.ID], began)
	}
	n.missing(there, began)
	for _, b := range bridges {
		n.compareBridge(b)
	}
	return nil
}

// listedChannel is a channel in a listing. The library's type does not have
// the application that the dialplan runs.
type listedChannel struct {
	wireChannel
	Dialplan struct {
		AppName string `json:"app_name"`
		AppData string `json:"app_data"`
	} `json:"dialplan"`
}

func (n *node) compareChannel(ch listedChannel, companions int, began time.Time) {
	if id := acd.LegID(ch.ID); isLeg(id) {
		n.compareLeg(id, ch.State, companions)
		return
	}
	if ch.Dialplan.AppName != "Stasis" {
		return
	}
	args, ours := splitAppData(ch.Dialplan.AppData, n.o.App)
	if !ours || len(args) < 2 || args[0] != argEntry || companions > 1 {
		return
	}
	n.callStarted(began, acd.CallID(ch.ID), args, ch.Caller.Number)
}

func isLeg(id acd.LegID) bool {
	_, _, _, ok := id.Parse()
	return ok
}

func (n *node) compareLeg(id acd.LegID, state string, companions int) {
	l := n.legOf(id)
	if l == nil {
		if companions < 2 {
			n.log.Warn("hanging up an agent's leg that belongs to no call", zap.String("leg", string(id)))
			n.sw.lanes.do(string(id), func() { n.hangUp(string(id)) })
		}
		return
	}
	n.legStarted(id)
	n.channelState(time.Now(), string(id), state)
}

// missing reports what is believed but no longer there.
func (n *node) missing(there map[string]bool, began time.Time) {
	n.mu.Lock()
	var events []acd.Event
	for _, c := range n.calls {
		if !c.gone && !there[string(c.id)] && began.Sub(c.since) > settled {
			c.gone = true
			events = append(events, acd.CallGone{Call: c.id, Vanished: true})
		}
		for _, l := range c.legs {
			if !l.gone && l.created && !there[string(l.id)] && began.Sub(l.made) > settled {
				l.gone = true
				events = append(events, acd.LegGone{Leg: l.id, Outcome: acd.OfferFailed})
			}
		}
	}
	n.mu.Unlock()
	for _, event := range events {
		n.sw.emit(time.Now(), event)
	}
	if len(events) > 0 {
		n.log.Warn("found what had ended unseen", zap.Int("channels", len(events)))
	}
}

func (n *node) compareBridge(b ari.BridgeData) {
	id, ours := acd.ParseBridgeID(b.ID)
	if !ours || len(b.ChannelIDs) > 0 || n.with(id, func(*call) {}) {
		return
	}
	n.sw.lanes.do(string(id), func() {
		n.tolerate(id, n.send(remove("/bridges/{id}", path("bridges", b.ID))))
	})
}
