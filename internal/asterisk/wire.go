package asterisk

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/CyCoreSystems/ari/v5"
	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// usedEvents are the event types that the event filter lets through; all
// others are never sent once the filter is in place.
var usedEvents = []string{
	"StasisStart", "StasisEnd",
	"ChannelStateChange", "ChannelHangupRequest", "ChannelDestroyed",
	"ChannelDtmfReceived", "PlaybackFinished",
	"ChannelHold", "ChannelUnhold",
	"ApplicationReplaced",
}

// documentedEvents are the types of Asterisk 22 beside those used, so that a
// meter can name them without a stranger deciding on its labels.
var documentedEvents = []string{
	"MissingParams", "DeviceStateChanged", "PlaybackStarted", "PlaybackContinuing",
	"RecordingStarted", "RecordingFinished", "RecordingFailed",
	"ApplicationMoveFailed", "ApplicationRegistered", "ApplicationUnregistered",
	"BridgeCreated", "BridgeDestroyed", "BridgeMerged", "BridgeVideoSourceChanged",
	"BridgeBlindTransfer", "BridgeAttendedTransfer",
	"ChannelCreated", "ChannelEnteredBridge", "ChannelLeftBridge",
	"ChannelDialplan", "ChannelCallerId", "ChannelUserevent",
	"ChannelVarset", "ChannelToneDetected",
	"ChannelTalkingStarted", "ChannelTalkingFinished", "ChannelConnectedLine", "ChannelTransfer",
	"ContactStatusChange", "PeerStatusChange", "EndpointStateChange",
	"Dial", "TextMessageReceived", "CallBroadcast", "CallClaimed", "RESTResponse",
}

// knownEvents says of each documented type whether it is used.
var knownEvents = func() map[string]bool {
	m := make(map[string]bool)
	for _, t := range documentedEvents {
		m[t] = false
	}
	for _, t := range usedEvents {
		m[t] = true
	}
	return m
}()

// channel holds what is used of a channel. The library's own type knows no
// application data, and refuses the whole event for one illegible date.
type channel struct {
	ID           string       `json:"id"`
	Name         string       `json:"name"`  // PJSIP/<endpoint>-<number>
	State        string       `json:"state"` // Down, Ring, Ringing, Up, …
	Caller       ari.CallerID `json:"caller"`
	Creationtime string       `json:"creationtime"`
	// Vars are the variables that were set to be shown; any, so that a strange
	// value does not spoil the whole.
	Vars     map[string]any `json:"channelvars"`
	Dialplan struct {
		Context string `json:"context"`
		AppName string `json:"app_name"`
		AppData string `json:"app_data"`
	} `json:"dialplan"`
}

// created is when the channel came into being; zero if that is not legible.
func (c channel) created() time.Time { return parseDate(c.Creationtime) }

// parseDate reads a date of Asterisk; the answer is zero where it is not legible.
func parseDate(s string) time.Time {
	t, err := time.Parse(ari.DateFormat, s)
	if err != nil {
		return time.Time{}
	}
	return t
}

// served reports whether it is a caller whose conversation is over.
func (c channel) served() bool { return c.Vars[servedVariable] != nil }

// stasisArgs are the arguments with which the channel is in the application;
// ok is false when it is elsewhere.
func (c channel) stasisArgs(app string) (args []string, ok bool) {
	if !strings.EqualFold(c.Dialplan.AppName, "Stasis") {
		return nil, false
	}
	parts := strings.Split(c.Dialplan.AppData, ",")
	if parts[0] != app {
		return nil, false
	}
	return parts[1:], true
}

// bridge holds what is used of a bridge. The library's own type does not know when
// it was made.
type bridge struct {
	ID           string   `json:"id"`
	ChannelIDs   []string `json:"channels"`
	Creationtime string   `json:"creationtime"`
}

// wireEvent holds what is used of any event. TechCause, the SIP status behind
// a hang-up, is younger than the library.
type wireEvent struct {
	Type      string           `json:"type"`
	Args      []string         `json:"args"`
	Channel   channel          `json:"channel"`
	Playback  ari.PlaybackData `json:"playback"`
	Digit     string           `json:"digit"`
	Duration  int              `json:"duration_ms"` // of the key's tone, which has ended
	Cause     int              `json:"cause"`
	TechCause int              `json:"tech_cause"`
}

var errNoType = errors.New("no event type")

// lenient takes what encoding/json would: a strange text in a field that is not used
// must not cost the event.
var lenient = jsonv2.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// sniffType guesses the type of an event without decoding it: a nested object
// may hold a field of the same name, and the order of fields is not promised.
func sniffType(data []byte) string {
	const key = `"type":`
	i := bytes.Index(data, []byte(key))
	if i < 0 {
		return ""
	}
	rest := bytes.TrimLeft(data[i+len(key):], " \t\r\n")
	if len(rest) == 0 || rest[0] != '"' {
		return ""
	}
	end := bytes.IndexByte(rest[1:], '"')
	if end < 0 {
		return ""
	}
	return string(rest[1 : end+1])
}

// decodeEvent decodes one message. used is false, and the event holds only
// its type, for a type that nobody here needs.
func decodeEvent(data []byte) (ev wireEvent, used bool, err error) {
	if !knownEvents[sniffType(data)] {
		// Only the event's own type may decide that it is not needed: a wrong
		// guess costs a decoding, never an event.
		var own struct {
			Type string `json:"type"`
		}
		if err := jsonv2.Unmarshal(data, &own, lenient); err == nil && own.Type != "" && !knownEvents[own.Type] {
			return wireEvent{Type: own.Type}, false, nil
		}
	}
	if err := jsonv2.Unmarshal(data, &ev, lenient); err != nil {
		return wireEvent{}, false, fmt.Errorf("decoding an event: %w", err)
	}
	if ev.Type == "" {
		return wireEvent{}, false, errNoType
	}
	if !knownEvents[ev.Type] {
		return wireEvent{Type: ev.Type}, false, nil
	}
	switch ev.Type {
	case "StasisStart", "StasisEnd", "ChannelStateChange", "ChannelDtmfReceived", "ChannelHangupRequest", "ChannelDestroyed",
		"ChannelHold", "ChannelUnhold":
		if ev.Channel.ID == "" {
			return wireEvent{}, false, fmt.Errorf("event %s names no channel", ev.Type)
		}
	case "PlaybackFinished":
		if ev.Playback.ID == "" {
			return wireEvent{}, false, errors.New("event PlaybackFinished names no playback")
		}
	}
	return ev, true, nil
}

// parseEpoch reads seconds since 1970, whole or with decimals.
func parseEpoch(s string) (time.Time, bool) {
	seconds, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || !(seconds > 0 && seconds < 1e11) {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(seconds * 1000)), true
}
