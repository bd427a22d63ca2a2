package ariconform

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// app is the application that the dialplan calls.
const app = "hotline"

// told are the types of events that are looked at.
var told = []string{
	"StasisStart", "StasisEnd", "ChannelStateChange", "ChannelHangupRequest", "ChannelDestroyed",
	"ChannelDtmfReceived", "ChannelHold", "ChannelUnhold", "ChannelEnteredBridge", "ChannelLeftBridge",
	"PlaybackStarted", "PlaybackContinuing", "PlaybackFinished", "ApplicationReplaced", "ChannelUserevent",
}

// Event is what is looked at of an event.
type Event struct {
	Type    string   `json:"type"`
	Args    []string `json:"args"`
	Channel struct {
		ID     string `json:"id"`
		State  string `json:"state"`
		Caller struct {
			Number string `json:"number"`
		} `json:"caller"`
		Dialplan struct {
			AppName string `json:"app_name"`
			AppData string `json:"app_data"`
		} `json:"dialplan"`
		Creationtime string `json:"creationtime"`
	} `json:"channel"`
	Playback struct {
		ID     string `json:"id"`
		Target string `json:"target_uri"`
		State  string `json:"state"`
	} `json:"playback"`
	Bridge struct {
		ID       string   `json:"id"`
		Type     string   `json:"bridge_type"`
		Channels []string `json:"channels"`
	} `json:"bridge"`
	Digit     string `json:"digit"`
	Cause     int    `json:"cause"`
	TechCause int    `json:"tech_cause"`
}

// subject is the id of what the event is about: the channel, also for a
// playback on it.
func (e *Event) subject() string {
	switch {
	case e.Channel.ID != "":
		return e.Channel.ID
	case e.Playback.Target != "":
		return strings.TrimPrefix(e.Playback.Target, "channel:")
	case e.Bridge.ID != "":
		return e.Bridge.ID
	}
	return ""
}

// A bench runs one scenario.
type bench struct {
	t    testing.TB
	ctx  context.Context
	site Site
	http *http.Client
	name string // of the scenario, fit for an id

	socket  *websocket.Conn
	readers sync.WaitGroup

	lines   []string          // the transcript's first part
	names   map[string]string // of ids, in the transcript
	ids     []string          // in the order of their names' giving
	taken   map[string]int    // events that next has returned, by type and subject
	mu      sync.Mutex
	events  []Event       // guarded by mu
	changed chan struct{} // guarded by mu; closed and replaced when an event comes
}

// Run carries a scenario out and returns its transcript.
func Run(ctx context.Context, t testing.TB, site Site, s Scenario) string {
	t.Helper()
	b := &bench{
		t: t, ctx: ctx, site: site, name: strings.ReplaceAll(s.Name, " ", "-"),
		http:  &http.Client{Transport: site.Transport()},
		names: map[string]string{}, taken: map[string]int{}, changed: make(chan struct{}),
	}
	defer b.http.CloseIdleConnections()
	defer b.disconnect()
	b.connect()
	defer b.cleanUp()
	b.putFilter()
	s.Run(b)
	b.nothingLeft()
	return b.transcript()
}

// cleanUp removes what a scenario that failed has left.
func (b *bench) cleanUp() {
	if !b.t.Failed() {
		return
	}
	b.ctx = context.WithoutCancel(b.ctx)
	for _, kind := range []string{"channels", "bridges"} {
		var list []struct {
			ID string `json:"id"`
		}
		_, data := b.ask("GET", kind, nil)
		_ = json.Unmarshal(data, &list)
		for _, item := range list {
			_, _ = b.ask("DELETE", kind+"/"+item.ID, nil)
		}
	}
}

func (b *bench) noErr(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatalf("%v\nso far:\n%s", err, b.transcript())
	}
}

// note adds a line to the transcript.
func (b *bench) note(format string, args ...any) {
	b.lines = append(b.lines, b.rename(fmt.Sprintf(format, args...)))
}

// id makes an id for something that the scenario names.
func (b *bench) id(name string) string {
	id := name + "-" + b.name
	b.called(id, name)
	return id
}

// called gives an id a name in the transcript.
func (b *bench) called(id, name string) {
	if _, ok := b.names[id]; !ok {
		b.ids = append(b.ids, id)
	}
	b.names[id] = name
}

// rename puts names in the place of ids.
func (b *bench) rename(text string) string {
	byLength := slices.Clone(b.ids)
	slices.SortFunc(byLength, func(x, y string) int { return len(y) - len(x) })
	for _, id := range byLength {
		text = strings.ReplaceAll(text, id, b.names[id])
	}
	return text
}

// connect opens an event connection beside those that are open, and reads it.
func (b *bench) connect() {
	b.t.Helper()
	auth := base64.StdEncoding.EncodeToString([]byte(b.site.User() + ":" + b.site.Password()))
	ws, resp, err := websocket.Dial(b.ctx, b.site.URL()+"/ari/events?app="+app, &websocket.DialOptions{
		HTTPClient: b.http, HTTPHeader: http.Header{"Authorization": {"Basic " + auth}},
	})
	b.noErr(err)
	if resp.StatusCode != http.StatusSwitchingProtocols {
		b.t.Fatalf("events: %s", resp.Status)
	}
	ws.SetReadLimit(1 << 20)
	b.socket = ws
	ctx := b.ctx
	b.readers.Go(func() {
		for {
			_, data, err := ws.Read(ctx)
			if err != nil {
				return
			}
			var ev Event
			if err := json.Unmarshal(data, &ev); err != nil {
				b.t.Errorf("an event that is not legible: %s", data)
				return
			}
			b.mu.Lock()
			b.events = append(b.events, ev)
			close(b.changed)
			b.changed = make(chan struct{})
			b.mu.Unlock()
		}
	})
}

// disconnect ends the event connection, and waits until the node has done with it: a
// connection that is opened before may be left without the application.
func (b *bench) disconnect() {
	b.site.LoseSocket()
	b.readers.Wait()
	b.socket.CloseNow()
}

// putFilter asks for the events that are looked at.
func (b *bench) putFilter() {
	b.t.Helper()
	if !b.putFilterOf(told...) {
		b.t.Fatal("the filter is refused with 404")
	}
}

// putFilterOf asks for events. It reports false when there is no application.
func (b *bench) putFilterOf(types ...string) bool {
	b.t.Helper()
	type eventType struct {
		Type string `json:"type"`
	}
	var allowed []eventType
	for _, t := range types {
		allowed = append(allowed, eventType{t})
	}
	status, _ := b.ask("PUT", "applications/"+app+"/eventFilter", map[string]any{"allowed": allowed})
	if status != http.StatusOK && status != http.StatusNotFound {
		b.t.Fatalf("the filter is refused with %d", status)
	}
	return status == http.StatusOK
}

// ask makes a request and returns its answer.
func (b *bench) ask(method, path string, body any) (int, []byte) {
	b.t.Helper()
	var content io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		b.noErr(err)
		content = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(b.ctx, method, b.site.URL()+"/ari/"+path, content)
	b.noErr(err)
	req.SetBasicAuth(b.site.User(), b.site.Password())
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := b.http.Do(req)
	b.noErr(err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	b.noErr(err)
	return resp.StatusCode, data
}

// do makes a request and writes it down with its answer.
func (b *bench) do(method, path string, body any) int {
	b.t.Helper()
	status, data := b.ask(method, path, body)
	b.answered(method, path, status, data)
	return status
}

// answered writes an answer down.
func (b *bench) answered(method, path string, status int, data []byte) {
	var answer struct {
		Message string `json:"message"`
		Error   string `json:"error"`
	}
	line := fmt.Sprintf("%s %s: %d", method, path, status)
	if status/100 != 2 && json.Unmarshal(data, &answer) == nil {
		line += " " + answer.Message + answer.Error
	}
	b.note("%s", strings.TrimSpace(line))
}

func (b *bench) post(path string, query ...string) int {
	b.t.Helper()
	return b.do("POST", path+queryOf(query), nil)
}

func (b *bench) delete(path string) int {
	b.t.Helper()
	return b.do("DELETE", path, nil)
}

// stop deletes a playback. One that has just begun cannot be stopped for a moment.
func (b *bench) stop(playback string) {
	b.t.Helper()
	path := "playbacks/" + playback
	for {
		status, data := b.ask("DELETE", path, nil)
		if status != http.StatusInternalServerError {
			b.answered("DELETE", path, status, data)
			return
		}
	}
}

// deleteBridge deletes a bridge, and waits until it is not listed any more.
func (b *bench) deleteBridge(id string) {
	b.t.Helper()
	b.delete("bridges/" + id)
	b.absent("bridges/" + id)
}

// queryOf makes a query of names and values.
func queryOf(pairs []string) string {
	var parts []string
	for i := 0; i+1 < len(pairs); i += 2 {
		parts = append(parts, pairs[i]+"="+strings.ReplaceAll(url.QueryEscape(pairs[i+1]), "%2C", ","))
	}
	if len(parts) == 0 {
		return ""
	}
	return "?" + strings.Join(parts, "&")
}

// next waits for the next event of a type and a channel, playback or bridge.
func (b *bench) next(eventType, subject string) Event {
	b.t.Helper()
	ev, ok := b.wait(eventType, subject, b.ctx)
	if !ok {
		b.t.Fatalf("no %s of %s came; so far:\n%s", eventType, b.rename(subject), b.transcript())
	}
	return ev
}

func (b *bench) wait(eventType, subject string, ctx context.Context) (Event, bool) {
	key := eventType + " " + subject
	for {
		b.mu.Lock()
		changed, seen := b.changed, 0
		for _, ev := range b.events {
			if ev.Type != eventType || subject != "" && ev.subject() != subject && ev.Playback.ID != subject {
				continue
			}
			if seen++; seen > b.taken[key] {
				b.taken[key]++
				b.mu.Unlock()
				return ev, true
			}
		}
		b.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return Event{}, false
		}
	}
}

// forget leaves out of the transcript what has come of a type.
func (b *bench) forget(eventType string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = slices.DeleteFunc(b.events, func(ev Event) bool { return ev.Type == eventType })
	delete(b.taken, eventType+" ")
}

// took writes down how long something took: at once, or in whole seconds. On a busy
// machine things take longer, never shorter.
func (b *bench) took(what string, since time.Time) {
	d := time.Since(since)
	if d < 700*time.Millisecond {
		b.note("%s: at once", what)
		return
	}
	b.note("%s: after %v", what, (d + 300*time.Millisecond).Truncate(time.Second))
}

// list writes down what the node has.
func (b *bench) list() {
	b.t.Helper()
	for _, line := range b.listed() {
		b.note("listed: %s", line)
	}
}

func (b *bench) listed() []string {
	b.t.Helper()
	var channels []json.RawMessage
	var bridges []json.RawMessage
	for path, out := range map[string]any{"channels": &channels, "bridges": &bridges} {
		status, data := b.ask("GET", path, nil)
		if status != 200 {
			b.t.Fatalf("GET %s: %d", path, status)
		}
		b.noErr(json.Unmarshal(data, out))
	}
	var lines []string
	last := map[string]string{} // one that changes meanwhile is listed twice
	for _, raw := range channels {
		var ev Event
		b.noErr(json.Unmarshal(raw, &ev.Channel))
		last[ev.Channel.ID] = b.rename("channel " + ev.Channel.ID + " " + channelText(&ev))
	}
	for _, line := range last {
		lines = append(lines, line)
	}
	for _, raw := range bridges {
		var ev Event
		b.noErr(json.Unmarshal(raw, &ev.Bridge))
		var names []string
		for _, id := range ev.Bridge.Channels {
			names = append(names, b.rename(id))
		}
		slices.Sort(names)
		lines = append(lines, b.rename("bridge "+ev.Bridge.ID+" "+ev.Bridge.Type+" ["+strings.Join(names, " ")+"]"))
	}
	slices.Sort(lines)
	if len(lines) == 0 {
		lines = []string{"nothing"}
	}
	return lines
}

// absent waits until something is not there any more.
func (b *bench) absent(path string) {
	b.t.Helper()
	for {
		if status, _ := b.ask("GET", path, nil); status == http.StatusNotFound {
			return
		}
	}
}

// isUp waits until a channel is listed as answered.
func (b *bench) isUp(id string) {
	b.t.Helper()
	for {
		var ev Event
		_, data := b.ask("GET", "channels/"+id, nil)
		if json.Unmarshal(data, &ev.Channel); ev.Channel.State == "Up" {
			return
		}
	}
}

// nothingLeft waits until the node has neither channels nor bridges.
func (b *bench) nothingLeft() {
	b.t.Helper()
	for {
		lines := b.listed()
		if lines[0] == "nothing" {
			return
		}
		if b.ctx.Err() != nil {
			b.t.Fatalf("left behind: %q; so far:\n%s", lines, b.transcript())
		}
	}
}

func channelText(e *Event) string {
	c := &e.Channel
	text := c.State
	if c.Dialplan.AppName != "" {
		text += " in " + c.Dialplan.AppName + "(" + c.Dialplan.AppData + ")"
	}
	if c.Caller.Number != "" {
		text += " of " + c.Caller.Number
	}
	if _, err := time.Parse("2006-01-02T15:04:05.000-0700", c.Creationtime); err != nil {
		text += " created " + c.Creationtime
	}
	return text
}

// transcript is what was asked and answered, and what was told of each channel.
func (b *bench) transcript() string {
	var out strings.Builder
	for _, line := range b.lines {
		fmt.Fprintln(&out, line)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range append(slices.Clone(b.ids), "") {
		first := true
		for i := range b.events {
			ev := &b.events[i]
			if ev.subject() != id || ev.Type == "ChannelUserevent" {
				continue
			}
			if first {
				fmt.Fprintf(&out, "\n%s\n", strings.TrimSpace(b.names[id]+" is told of:"))
				first = false
			}
			fmt.Fprintf(&out, "  %s\n", b.rename(eventText(ev)))
		}
	}
	return out.String()
}

func eventText(e *Event) string {
	text := e.Type
	switch e.Type {
	case "StasisStart":
		text += " " + strings.Join(e.Args, ",") + " " + channelText(e)
	case "ChannelStateChange":
		text += " " + channelText(e)
	case "ChannelDestroyed":
		text += fmt.Sprintf(" %s cause %d tech %d", e.Channel.State, e.Cause, e.TechCause)
	case "ChannelDtmfReceived":
		text += " " + e.Digit
	case "PlaybackStarted", "PlaybackContinuing", "PlaybackFinished":
		text += " " + e.Playback.ID + " " + e.Playback.State
	case "ChannelEnteredBridge", "ChannelLeftBridge":
		text += " " + e.Bridge.ID
	}
	return text
}
