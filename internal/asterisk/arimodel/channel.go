package arimodel

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// channel is one at a node. What it is told to do is done by its thread, one
// thing after the other: a prompt that plays holds up all that follows.
type channel struct {
	n       *Node
	id      string
	state   string // Down, Ring, Ringing, Up
	caller  string // the number that it shows
	created time.Time
	// endpoint is that of its phone: seat-<seat>, or the carrier.
	endpoint string
	context  string // of the dialplan; empty for a channel made by ARI
	exten    string
	args     []string // of Stasis
	arrived  time.Time
	call     *Call // the person's end; nil for a leg that was not dialled

	app      string // the application that it is in; empty: in the dialplan
	entered  bool   // its StasisStart was told
	made     string // the application that made it, by ARI
	subs     map[string]int
	queue    []command
	working  bool
	playing  *playback
	music    string // class of the music on hold
	bridge   *bridge
	lateKey  string
	held     bool // its phone holds the other side
	phone    *Phone
	dialled  bool
	timeout  *item
	hungUp   bool
	left     bool // its thread has left the application
	gone     bool
	cause    int
	tech     int
	dialplan string // what it hears there: music or a prompt
}

// command is something that the channel's thread will do. It reports when that
// is done by calling done.
type command struct {
	run  func(done func())
	play *playback
}

// playback is one of ARI.
type playback struct {
	id      string
	ch      *channel
	media   []string
	state   string
	at      int  // the sound that plays
	young   bool // it was told that it plays, and cannot be stopped yet
	deleted bool
	next    *item
	done    func()
}

func (c *channel) appendJSON(b []byte) []byte {
	b = append(b, `{"id":`...)
	b = strconv.AppendQuote(b, c.id)
	b = append(b, `,"name":"PJSIP/`...)
	b = append(b, c.endpoint...)
	b = append(b, `-00000001","state":"`...)
	b = append(b, c.state...)
	b = append(b, `","caller":{"name":"","number":"`...)
	b = append(b, c.caller...)
	b = append(b, `"},"connected":{"name":"","number":""},"accountcode":"","creationtime":"`...)
	b = c.created.AppendFormat(b, stamp)
	b = append(b, `","language":"zh","dialplan":{"context":"`...)
	b = append(b, c.context...)
	b = append(b, `","exten":"`...)
	b = append(b, c.exten...)
	name, data := "MusicOnHold", "default,2"
	if c.app != "" || c.made != "" {
		name, data = "Stasis", strings.Join(append([]string{c.app + c.made}, c.args...), ",")
		if c.app != "" {
			data = strings.Join(append([]string{c.app}, c.args...), ",")
		}
	}
	b = append(b, `","priority":1,"app_name":"`...)
	b = append(b, name...)
	b = append(b, `","app_data":`...)
	b = strconv.AppendQuote(b, data)
	return append(b, `}}`...)
}

func (p *playback) appendJSON(b []byte) []byte {
	b = append(b, `{"id":`...)
	b = strconv.AppendQuote(b, p.id)
	b = append(b, `,"media_uri":`...)
	b = strconv.AppendQuote(b, p.media[min(p.at, len(p.media)-1)])
	b = append(b, `,"target_uri":`...)
	b = strconv.AppendQuote(b, "channel:"+p.ch.id)
	b = append(b, `,"language":"zh","state":"`...)
	b = append(b, p.state...)
	return append(b, `"}`...)
}

// --- The dialplan, as in asterisk-conf/templates/extensions.conf.

// offerStasis runs Stasis(): the channel enters the application, or is kept by
// the dialplan because nobody is connected.
func (c *channel) offerStasis() {
	const app = "hotline"
	if c.hungUp {
		return
	}
	a := c.n.apps[app]
	if a == nil || a.ws == nil {
		c.alone()
		return
	}
	c.dialplan = ""
	c.enter(app)
}

func (c *channel) enter(app string) {
	c.app, c.entered = app, true
	c.n.subscribe(app, c)
	args := make([]string, len(c.args))
	for i, a := range c.args {
		args[i] = strconv.Quote(a)
	}
	c.n.tell("StasisStart", c, `"args":[`+strings.Join(args, ",")+`],`)
	c.work()
}

// alone is what the dialplan does when no controller is there. The queue of
// seats that rings after the time of FALLBACK_AFTER is not modelled: music goes on.
func (c *channel) alone() {
	w := c.n.w
	retry := func() { c.n.at(w.opt.Delays.Thread, "dialplan", c.id, c.offerStasis) }
	if c.context == "seats" {
		c.setState("Up")
		c.nowHears("prompt:unavailable")
		w.after(w.length("unavailable"), c.n, func() { c.hangUp(38, 0) })
		return
	}
	music := func() {
		if !c.hungUp {
			c.nowHears("music:default")
			w.after(2*time.Second, c.n, retry)
		}
	}
	if len(c.args) == 3 {
		music()
		return
	}
	c.setState("Up")
	ms := c.arrived.UnixMilli()
	c.args = append(c.args, fmt.Sprintf("%d.%03d", ms/1000, ms%1000))
	c.nowHears("prompt:system-hold")
	w.after(w.length("system-hold"), c.n, music)
}

func (c *channel) nowHears(sound string) {
	c.dialplan = sound
	c.n.w.log("%s hears %s in the dialplan", c.id, sound)
}

func (w *World) length(prompt string) time.Duration {
	if d, ok := w.opt.Prompts[prompt]; ok {
		return d
	}
	return w.opt.Prompt
}

// --- What the phone does.

// setState is what a message of the phone, or an answer of ours, brings about.
func (c *channel) setState(state string) {
	if c.hungUp || c.state == state || c.state == "Up" {
		return
	}
	c.state = state
	if state == "Up" {
		if c.timeout != nil {
			c.timeout.off = true
		}
		if c.call != nil && !c.call.in {
			call := c.call
			call.sip("200", call.lift)
		}
	}
	c.n.tell("ChannelStateChange", c, "")
}

func (c *channel) pressed(digit string) {
	if c.hungUp || c.gone {
		return
	}
	if c.bridge != nil && len(c.bridge.members) > 1 && c.playing == nil {
		// A bridge of two passes keys on below the core, which is told of the
		// last one only when the two are parted, however long ago it was pressed.
		c.lateKey = digit
		for _, other := range c.bridge.members {
			if other != c && other.call != nil {
				other.call.keys += digit
			}
		}
		return
	}
	c.tellKey(digit)
}

func (c *channel) tellKey(digit string) {
	c.n.tell("ChannelDtmfReceived", c, `"digit":"`+digit+`","duration_ms":160,`)
}

// tellLateKey tells of the key that the bridge has kept.
func (c *channel) tellLateKey() {
	digit := c.lateKey
	c.lateKey = ""
	if digit == "" {
		return
	}
	c.n.at(c.n.w.opt.Delays.Thread, "key", c.id, func() {
		if !c.hungUp {
			c.tellKey(digit)
		}
	})
}

func (c *channel) hold(hold bool) {
	if c.hungUp || c.held == hold {
		return
	}
	c.held = hold
	if hold {
		c.n.tell("ChannelHold", c, "")
	} else {
		c.n.tell("ChannelUnhold", c, "")
	}
}

// --- The thread of the channel.

// do puts a command behind the others.
func (c *channel) do(cmd command) {
	c.queue = append(c.queue, cmd)
	if c.app != "" {
		c.work()
	}
}

// work carries out the next command, if none is being carried out.
func (c *channel) work() {
	if c.working || c.hungUp || len(c.queue) == 0 {
		return
	}
	c.working = true
	c.n.at(c.n.w.opt.Delays.Thread, "command", c.id, func() {
		if c.hungUp {
			return // hangUp empties the queue
		}
		cmd := c.queue[0]
		c.queue = c.queue[1:]
		finished := func() {
			c.working = false
			c.work()
		}
		if cmd.play != nil {
			c.startPlayback(cmd.play, finished)
			return
		}
		cmd.run(finished)
	})
}

func (c *channel) startPlayback(p *playback, done func()) {
	if p.deleted {
		c.endPlayback(p, "done")
		done()
		return
	}
	p.done = done
	c.playing = p
	c.music = "" // it does not come back by itself when the playback ends
	p.young = true
	c.n.at(c.n.w.opt.Delays.Thread, "young", c.id, func() { p.young = false })
	c.playSound(p)
}

// playSound plays the sound that is next.
func (c *channel) playSound(p *playback) {
	c.n.tellPlayback("PlaybackStarted", p, "playing")
	media := p.media[p.at]
	if strings.HasPrefix(media, "tone:") {
		return // until it is deleted
	}
	name := media[strings.LastIndexByte(media, '/')+1:]
	length := c.n.w.length(name)
	missing := c.n.w.opt.Missing[name]
	if missing {
		length = time.Millisecond
	}
	// Like a delay, so that two that begin together do not end together.
	length += c.n.w.draw(c.n.w.opt.Delays.Thread, "sound", c.id)
	p.next = c.n.w.after(length, c.n, func() {
		switch {
		case missing:
			c.stopPlayback(p, "failed")
		case p.at+1 < len(p.media):
			p.at++
			c.n.tellPlayback("PlaybackContinuing", p, "continuing")
			c.playSound(p)
		default:
			c.stopPlayback(p, "done")
		}
	})
}

func (c *channel) stopPlayback(p *playback, state string) {
	if p.next != nil {
		p.next.off = true
	}
	c.playing = nil
	c.endPlayback(p, state)
	p.done()
}

func (c *channel) endPlayback(p *playback, state string) {
	c.n.tellPlayback("PlaybackFinished", p, state)
	// It can be found for another moment.
	c.n.at(c.n.w.opt.Delays.Thread, "forget", c.id, func() {
		list := slices.DeleteFunc(c.n.playbacks[p.id], func(o *playback) bool { return o == p })
		if c.n.playbacks[p.id] = list; len(list) == 0 {
			delete(c.n.playbacks, p.id)
		}
	})
}

// --- The end.

// hangUp is a request to hang up, by the phone or by ARI. The thread of the
// channel follows it a moment later.
func (c *channel) hangUp(cause, tech int) {
	if c.hungUp || c.gone {
		return
	}
	c.hungUp, c.cause, c.tech = true, cause, tech
	if c.timeout != nil {
		c.timeout.off = true
	}
	c.n.tell("ChannelHangupRequest", c, `"cause":`+strconv.Itoa(cause)+`,`)
	c.n.at(c.n.w.opt.Delays.Thread, "leave", c.id, c.leave)
}

// leave ends what the channel is doing, in the order in which the real one does.
func (c *channel) leave() {
	c.left = true
	if p := c.playing; p != nil {
		if p.next != nil {
			p.next.off = true
		}
		c.playing = nil
		c.endPlayback(p, "failed")
	}
	// What waits is begun nevertheless, and fails.
	queue := c.queue
	c.queue = nil
	for _, cmd := range queue {
		switch {
		case cmd.play == nil:
			cmd.run(func() {})
		case cmd.play.deleted:
			c.endPlayback(cmd.play, "done")
		default:
			c.n.tellPlayback("PlaybackStarted", cmd.play, "playing")
			c.endPlayback(cmd.play, "failed")
		}
	}
	c.leaveBridge()
	c.endCall()
	if c.app == "" {
		c.destroy()
		return
	}
	app := c.app
	c.n.tell("StasisEnd", c, "")
	if c.context != "" {
		c.app = ""
		c.n.unsubscribe(app, c)
	}
	c.n.at(c.n.w.opt.Delays.Thread, "destroy", c.id, c.destroy)
}

func (c *channel) leaveBridge() {
	b := c.bridge
	if b == nil {
		return
	}
	c.bridge = nil
	b.members = slices.DeleteFunc(b.members, func(m *channel) bool { return m == c })
	c.n.tell("ChannelLeftBridge", c, bridgeField(b))
	c.tellLateKey()
	if len(b.members) == 1 {
		b.members[0].tellLateKey()
	}
}

func bridgeField(b *bridge) string {
	return `"bridge":{"id":` + strconv.Quote(b.id) + `,"bridge_type":"` + b.kind + `","technology":"simple_bridge","channels":[]},`
}

func (c *channel) destroy() {
	cause, tech := c.cause, c.tech
	if !c.dialled && c.made != "" && c.state == "Down" {
		cause, tech = causeNormal, 603
	}
	if len(c.subs) > 0 && (c.context != "" || c.state == "Down" && !c.dialled) {
		// Told twice of: the thread ends it once more.
		c.n.tell("ChannelHangupRequest", c, `"cause":16,`)
	}
	delete(c.n.channels, c.id)
	c.n.order = slices.DeleteFunc(c.n.order, func(o *channel) bool { return o == c })
	c.n.tell("ChannelDestroyed", c, `"cause":`+strconv.Itoa(cause)+`,"cause_txt":"","tech_cause":`+strconv.Itoa(tech)+`,`)
	c.gone = true
	for name := range c.subs {
		if a := c.n.apps[name]; a != nil {
			a.subs -= c.subs[name]
			c.n.collect()
		}
	}
	clear(c.subs)
}

// endCall lets the person's phone know.
func (c *channel) endCall() {
	call := c.call
	if call == nil || call.over {
		return
	}
	status := 0
	if !call.up && !call.in {
		status = 603
	}
	w := c.n.w
	w.after(w.draw(w.opt.Delays.SIP, "bye to", c.id), nil, func() { call.finish(status) })
}
