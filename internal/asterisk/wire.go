package asterisk

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"hotline/internal/acd"
)

// The event types that are used; the event filter lets only these through.
const (
	evStasisStart         = "StasisStart"
	evStasisEnd           = "StasisEnd"
	evChannelStateChange  = "ChannelStateChange"
	evChannelDestroyed    = "ChannelDestroyed"
	evPlaybackFinished    = "PlaybackFinished"
	evApplicationReplaced = "ApplicationReplaced"
)

var usedEvents = []string{
	evStasisStart, evStasisEnd, evChannelStateChange, evChannelDestroyed, evPlaybackFinished, evApplicationReplaced,
}

// Channel states as ARI spells them.
const (
	stateRinging = "Ringing"
	stateUp      = "Up"
)

// wireEvent is the part of an ARI event that is used; decoding it costs a
// third of the library's full decoding.
type wireEvent struct {
	Type        string      `json:"type"`
	Application string      `json:"application"`
	Args        []string    `json:"args"`
	Channel     wireChannel `json:"channel"`
	Cause       int         `json:"cause"` // Q.850
	TechCause   int         `json:"tech_cause"`
	Playback    struct {
		ID string `json:"id"`
	} `json:"playback"`
}

type wireChannel struct {
	ID     string `json:"id"`
	State  string `json:"state"`
	Caller struct {
		Number string `json:"number"`
	} `json:"caller"`
}

// eventType finds the type of a frame without decoding the whole of it. It
// returns "malformed" for what is not a JSON object with a type.
func eventType(frame []byte) string {
	var head struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(frame, &head) != nil || head.Type == "" {
		return "malformed"
	}
	return head.Type
}

// The first argument with which the dialplan enters the application says what
// kind of channel it is.
const (
	argEntry = "entry" // entry,<number dialled>[,<arrival>]
	argSeat  = "seat"  // seat,<seat>,<feature code>
	argLeg   = "leg"   // an agent's leg, made by us
)

// heldFrom is the time from which an arrival counts as held by the dialplan.
const heldFrom = time.Second

// arrival reads the true time of arrival; zero when the caller came just now.
func arrival(args []string, now time.Time) time.Time {
	if len(args) < 3 {
		return time.Time{}
	}
	seconds, err := strconv.ParseFloat(args[2], 64)
	if err != nil || seconds <= 0 || seconds > 1e11 {
		return time.Time{}
	}
	at := time.UnixMilli(int64(seconds * 1000))
	if now.Sub(at) < heldFrom {
		return time.Time{}
	}
	return at
}

// splitAppData takes the dialplan's application data apart: "app,arg,arg".
func splitAppData(data, app string) ([]string, bool) {
	rest, ok := strings.CutPrefix(data, app+",")
	if !ok {
		return nil, false
	}
	return strings.Split(rest, ","), true
}

// outcome tells from the hang-up cause (Q.850, as Asterisk translates the SIP
// status) how an offer ended that was not answered.
//
//	cause  meaning                     outcome
//	17     busy (486, 600)             busy; refused when the phone had rung
//	21     rejected (603, 403)         refused
//	19,18  no answer, no response      no answer when it had rung, else unreachable
//	16     normal                      refused when it had rung (some phones decline so), else failed
//	1,3,20,27,38  no such user or route, not registered, out of order   unreachable
func outcome(cause int, rang bool) acd.OfferOutcome {
	switch cause {
	case 17:
		if rang {
			return acd.OfferRefused
		}
		return acd.OfferBusy
	case 21:
		return acd.OfferRefused
	case 18, 19:
		if rang {
			return acd.OfferNoAnswer
		}
		return acd.OfferUnreachable
	case 16, 31:
		if rang {
			return acd.OfferRefused
		}
		return acd.OfferFailed
	case 1, 3, 20, 27, 38:
		return acd.OfferUnreachable
	}
	return acd.OfferFailed
}
