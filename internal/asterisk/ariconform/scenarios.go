package ariconform

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// A Scenario is something that happens at a node, and what is asked of it meanwhile.
type Scenario struct {
	Name string
	Run  func(b *bench)
}

// Scenarios are all behaviours that are compared.
func Scenarios() []Scenario {
	var all []Scenario
	for _, part := range [][]Scenario{callerScenarios, soundScenarios, legScenarios(), bridgeScenarios, outsideScenarios, socketScenarios} {
		all = append(all, part...)
	}
	return all
}

// caller is somebody who has come into the application.
type caller struct {
	Call
	id string
}

// dial lets the carrier's caller dial the entry, and waits for the channel.
func (b *bench) dial(name string) caller {
	b.t.Helper()
	return b.dialFrom(name, Carrier, "12345")
}

func (b *bench) dialFrom(name, from, number string) caller {
	b.t.Helper()
	c, err := b.site.Dial(from, number)
	b.noErr(err)
	id := b.next("StasisStart", "").Channel.ID
	b.taken["StasisStart "+id]++
	b.called(id, name)
	return caller{c, id}
}

// arrive lets a caller dial and be answered.
func (b *bench) arrive(name string) caller {
	b.t.Helper()
	c := b.dial(name)
	b.post("channels/" + c.id + "/answer")
	b.noErr(c.WaitAnswered(b.ctx))
	return c
}

// leave hangs a channel up that is in the application, and waits for its end.
func (b *bench) leave(c caller) {
	b.t.Helper()
	b.delete("channels/" + c.id)
	b.next("StasisEnd", c.id)
}

// create makes a leg and waits until it is in the application.
func (b *bench) create(name, endpoint string, more ...string) string {
	b.t.Helper()
	id := b.id(name)
	if status := b.do("POST", "channels/create", createBody(id, endpoint, more...)); status == 200 {
		start := b.next("StasisStart", id)
		b.taken["StasisStart "]++
		_ = start
	}
	return id
}

func createBody(id, endpoint string, more ...string) map[string]any {
	body := map[string]any{"endpoint": endpoint, "app": app, "appArgs": "leg", "channelId": id}
	for i := 0; i+1 < len(more); i += 2 {
		body[more[i]] = more[i+1]
	}
	return body
}

// ring makes a leg to a seat and lets it ring.
func (b *bench) ring(name, seat string) string {
	b.t.Helper()
	id := b.create(name, "PJSIP/seat-"+seat)
	b.post("channels/"+id+"/dial", "timeout", "20")
	b.state(id, "Ringing")
	return id
}

// lift makes a leg to a seat, which answers.
func (b *bench) lift(name, seat string) (string, Call) {
	b.t.Helper()
	b.site.SetPlan(seat, Plan{After: 100 * time.Millisecond, Status: 200})
	id := b.ring(name, seat)
	b.state(id, "Up")
	c, err := b.site.Rung(b.ctx, seat)
	b.noErr(err)
	b.noErr(c.WaitAnswered(b.ctx))
	return id, c
}

// state waits until a channel is told to be in a state.
func (b *bench) state(id, state string) {
	b.t.Helper()
	for b.next("ChannelStateChange", id).Channel.State != state {
	}
}

// end hangs up a leg and waits for its end.
func (b *bench) end(id string) {
	b.t.Helper()
	b.delete("channels/" + id)
	b.next("ChannelDestroyed", id)
}

// play plays prompts of the project to a channel.
func (b *bench) play(channel, name string, prompts ...string) string {
	b.t.Helper()
	id := b.id(name)
	b.playAs(channel, id, prompts...)
	return id
}

func (b *bench) playAs(channel, id string, prompts ...string) int {
	b.t.Helper()
	var media []string
	for _, p := range prompts {
		media = append(media, "sound:hotline/"+p)
	}
	return b.do("POST", "channels/"+channel+"/play/"+id, map[string]any{"media": media})
}

// bridge makes a bridge and puts channels into it.
func (b *bench) bridge(name string, channels ...string) string {
	b.t.Helper()
	id := b.id(name)
	b.post("bridges/"+id, "type", "mixing")
	for i, c := range channels {
		list := c
		if i == 0 && len(channels) == 2 {
			list += "," + channels[1]
		} else if i > 0 {
			break
		}
		b.post("bridges/"+id+"/addChannel", "channel", list)
	}
	for _, c := range channels {
		b.next("ChannelEnteredBridge", c)
	}
	return id
}

// hears writes down whether audio comes to a phone.
func (b *bench) hears(c Call, when string) {
	b.note("%s: hears something: %v", when, c.HearsAnything(b.ctx))
}

// talk connects a caller with the phone of seat 8001.
func (b *bench) talk() (c caller, leg string, agent Call, bridge string) {
	b.t.Helper()
	c = b.arrive("caller")
	leg, agent = b.lift("leg", "8001")
	bridge = b.bridge("bridge", c.id, leg)
	return c, leg, agent, bridge
}

var callerScenarios = []Scenario{
	{"caller hangs up before the answer", func(b *bench) {
		c := b.dial("caller")
		b.list()
		c.Hangup()
		b.next("StasisEnd", c.id)
	}},
	{"caller hangs up after the answer", func(b *bench) {
		c := b.arrive("caller")
		b.do("GET", "channels/"+c.id, nil)
		b.list()
		c.Hangup()
		b.next("StasisEnd", c.id)
	}},
	{"caller is hung up before the answer", func(b *bench) {
		c := b.dial("caller")
		b.leave(c)
		status, err := c.WaitEnded(b.ctx)
		b.noErr(err)
		b.note("the phone is told %d", status)
	}},
	{"caller is hung up after the answer", func(b *bench) {
		c := b.arrive("caller")
		b.leave(c)
		_, err := c.WaitEnded(b.ctx)
		b.noErr(err)
	}},
	{"answered twice", func(b *bench) {
		c := b.arrive("caller")
		b.post("channels/" + c.id + "/answer")
		b.leave(c)
	}},
	{"requests about a channel that has gone", func(b *bench) {
		c := b.arrive("caller")
		b.leave(c)
		b.absent("channels/" + c.id)
		b.do("GET", "channels/"+c.id, nil)
		b.post("channels/" + c.id + "/answer")
		b.delete("channels/" + c.id)
		b.post("channels/"+c.id+"/dial", "timeout", "2")
		b.post("channels/"+c.id+"/moh", "mohClass", "default")
		b.delete("channels/" + c.id + "/moh")
		b.play(c.id, "play", "n-1")
		b.end(b.create("leg", "PJSIP/seat-8001", "originator", c.id))
	}},
	{"seat dials a feature code", func(b *bench) {
		c := b.dialFrom("caller", "8001", "*12")
		b.list()
		b.post("channels/" + c.id + "/answer")
		p := b.play(c.id, "reply", "n-1")
		b.next("PlaybackFinished", p)
		b.leave(c)
		_, err := c.WaitEnded(b.ctx)
		b.noErr(err)
	}},
	{"keys of a caller", func(b *bench) {
		c := b.arrive("caller")
		b.noErr(c.Press("1#"))
		b.next("ChannelDtmfReceived", c.id)
		b.next("ChannelDtmfReceived", c.id)
		b.post("channels/"+c.id+"/moh", "mohClass", "default")
		b.noErr(c.Press("2"))
		b.next("ChannelDtmfReceived", c.id)
		p := b.play(c.id, "play", "agent-ready")
		b.next("PlaybackStarted", p)
		b.noErr(c.Press("3"))
		b.next("ChannelDtmfReceived", c.id)
		b.next("PlaybackFinished", p)
		b.leave(c)
	}},
	{"wrong password", func(b *bench) {
		req, err := http.NewRequestWithContext(b.ctx, http.MethodGet, b.site.URL()+"/ari/asterisk/info", nil)
		b.noErr(err)
		req.SetBasicAuth(b.site.User(), "guessed")
		resp, err := b.http.Do(req)
		b.noErr(err)
		resp.Body.Close()
		b.note("answered with %d", resp.StatusCode)
	}},
	{"number that is no entry", func(b *bench) {
		c, err := b.site.Dial(Carrier, "99999")
		b.noErr(err)
		status, err := c.WaitEnded(b.ctx)
		b.noErr(err)
		b.note("the phone is told %d", status)
	}},
	{"node says who it is", func(b *bench) {
		status, data := b.ask("GET", "asterisk/info", nil)
		info := infoOf(data)
		b.note("asterisk/info: %d, named %s", status, info.Config.Name)
		if _, err := time.Parse("2006-01-02T15:04:05.000-0700", info.Status.Startup); err != nil {
			b.note("started %q", info.Status.Startup)
		}
	}},
}

var soundScenarios = []Scenario{
	{"prompt ends by itself", func(b *bench) {
		c := b.arrive("caller")
		began := time.Now()
		p := b.play(c.id, "play", "minutes")
		b.next("PlaybackStarted", p)
		b.do("GET", "playbacks/"+p, nil)
		b.next("PlaybackFinished", p)
		b.took("the prompt has ended", began)
		b.absent("playbacks/" + p) // it is there for another moment
		b.do("GET", "playbacks/"+p, nil)
		b.delete("playbacks/" + p)
		b.leave(c)
	}},
	{"prompt before the answer", func(b *bench) {
		c := b.dial("caller")
		p := b.play(c.id, "play", "n-1")
		b.next("PlaybackFinished", p)
		b.list()
		b.leave(c)
	}},
	{"several sounds in one playback", func(b *bench) {
		c := b.arrive("caller")
		began := time.Now()
		p := b.play(c.id, "play", "n-1", "minutes")
		b.next("PlaybackFinished", p)
		b.took("both have ended", began)
		b.leave(c)
	}},
	{"playbacks queue up", func(b *bench) {
		c := b.arrive("caller")
		began := time.Now()
		first := b.play(c.id, "first", "n-1")
		second := b.play(c.id, "second", "minutes")
		b.do("GET", "playbacks/"+second, nil)
		b.next("PlaybackFinished", first)
		b.next("PlaybackFinished", second)
		b.took("both have ended", began)
		b.leave(c)
	}},
	{"playing prompt is deleted", func(b *bench) {
		c := b.arrive("caller")
		p := b.play(c.id, "play", "agents-busy")
		b.next("PlaybackStarted", p)
		began := time.Now()
		b.delete("playbacks/" + p)
		b.next("PlaybackFinished", p)
		b.took("it has ended", began)
		b.leave(c)
	}},
	{"playing prompt of several sounds is deleted", func(b *bench) {
		c := b.arrive("caller")
		p := b.play(c.id, "play", "agents-busy", "agents-busy")
		b.next("PlaybackStarted", p)
		began := time.Now()
		b.delete("playbacks/" + p)
		b.next("PlaybackFinished", p)
		b.took("it has ended", began)
		b.leave(c)
	}},
	{"queued prompt is deleted, then the playing one", func(b *bench) {
		c := b.arrive("caller")
		first := b.play(c.id, "first", "agents-busy")
		b.next("PlaybackStarted", first)
		second := b.play(c.id, "second", "agents-busy")
		began := time.Now()
		b.delete("playbacks/" + second)
		b.delete("playbacks/" + first)
		b.next("PlaybackFinished", first)
		b.next("PlaybackFinished", second)
		b.took("both have ended", began)
		b.leave(c)
	}},
	{"playing prompt is deleted, then the next plays", func(b *bench) {
		c := b.arrive("caller")
		first := b.play(c.id, "first", "agents-busy")
		b.next("PlaybackStarted", first)
		second := b.play(c.id, "second", "minutes")
		began := time.Now()
		b.delete("playbacks/" + first)
		b.next("PlaybackFinished", first)
		b.next("PlaybackStarted", second)
		b.next("PlaybackFinished", second)
		b.took("the second has ended", began)
		b.leave(c)
	}},
	{"playback under an id that is there", func(b *bench) {
		c := b.arrive("caller")
		p := b.play(c.id, "play", "agents-busy")
		b.next("PlaybackStarted", p)
		b.playAs(c.id, p, "minutes")
		b.delete("playbacks/" + p)
		b.next("PlaybackFinished", p)
		b.next("PlaybackStarted", p)
		b.leave(c)
	}},
	{"sound that is not there", func(b *bench) {
		c := b.arrive("caller")
		p := b.play(c.id, "play", "no-such-prompt")
		b.next("PlaybackFinished", p)
		b.leave(c)
	}},
	{"caller hangs up while prompts play", func(b *bench) {
		c := b.arrive("caller")
		first := b.play(c.id, "first", "agents-busy")
		b.play(c.id, "second", "agents-busy")
		b.next("PlaybackStarted", first)
		c.Hangup()
		b.next("StasisEnd", c.id)
	}},
	{"caller is hung up while prompts play", func(b *bench) {
		c := b.arrive("caller")
		first := b.play(c.id, "first", "agents-busy")
		b.play(c.id, "second", "agents-busy")
		b.next("PlaybackStarted", first)
		b.leave(c)
	}},
	{"music", func(b *bench) {
		c := b.arrive("caller")
		b.post("channels/"+c.id+"/moh", "mohClass", "default")
		b.post("channels/"+c.id+"/moh", "mohClass", "default")
		b.post("channels/" + c.id + "/moh")
		b.post("channels/"+c.id+"/moh", "mohClass", "nonesuch")
		b.delete("channels/" + c.id + "/moh")
		b.delete("channels/" + c.id + "/moh")
		b.leave(c)
	}},
	{"music before the answer", func(b *bench) {
		c := b.dial("caller")
		b.post("channels/"+c.id+"/moh", "mohClass", "default")
		b.list()
		b.leave(c)
	}},
	{"what a caller hears", func(b *bench) {
		c := b.arrive("caller")
		b.hears(c, "at first")
		b.post("channels/"+c.id+"/moh", "mohClass", "default")
		b.hears(c, "with music")
		p := b.play(c.id, "play", "n-1")
		b.next("PlaybackFinished", p)
		b.hears(c, "after a prompt over the music")
		b.post("channels/"+c.id+"/moh", "mohClass", "default")
		b.hears(c, "with music again")
		p = b.id("ring")
		b.do("POST", "channels/"+c.id+"/play/"+p, map[string]any{"media": []string{"tone:ring;tonezone=cn"}})
		b.next("PlaybackStarted", p)
		b.delete("playbacks/" + p)
		b.next("PlaybackFinished", p)
		b.hears(c, "after the ringing tone over the music")
		b.post("channels/"+c.id+"/moh", "mohClass", "default")
		b.delete("channels/" + c.id + "/moh")
		b.hears(c, "after the music")
		b.leave(c)
	}},
	{"what is heard in and after a conversation", func(b *bench) {
		c := b.arrive("caller")
		b.post("channels/"+c.id+"/moh", "mohClass", "default")
		leg, agent := b.lift("leg", "8001")
		b.hears(agent, "agent before the bridge")
		bridge := b.bridge("bridge", c.id, leg)
		b.hears(agent, "agent in the bridge")
		b.delete("channels/" + c.id + "/moh")
		agent.Hangup()
		b.next("ChannelDestroyed", leg)
		b.hears(c, "caller alone in the bridge")
		b.post("channels/"+c.id+"/moh", "mohClass", "default")
		b.hears(c, "caller alone in the bridge with music")
		b.leave(c)
		b.delete("bridges/" + bridge)
	}},
	{"what is heard on hold", func(b *bench) {
		c, leg, agent, bridge := b.talk()
		b.noErr(agent.Hold(b.ctx))
		b.next("ChannelHold", leg)
		b.hears(c, "caller on hold")
		b.hears(agent, "agent who holds")
		b.leave(c)
		b.end(leg)
		b.delete("bridges/" + bridge)
	}},
	{"ringing tone", func(b *bench) {
		c := b.arrive("caller")
		p := b.id("ring")
		b.do("POST", "channels/"+c.id+"/play/"+p, map[string]any{"media": []string{"tone:ring;tonezone=cn"}})
		b.next("PlaybackStarted", p)
		b.do("GET", "playbacks/"+p, nil)
		b.delete("playbacks/" + p)
		b.next("PlaybackFinished", p)
		b.leave(c)
	}},
	{"caller hangs up while the ringing tone plays", func(b *bench) {
		c := b.arrive("caller")
		p := b.id("ring")
		b.do("POST", "channels/"+c.id+"/play/"+p, map[string]any{"media": []string{"tone:ring;tonezone=cn"}})
		b.next("PlaybackStarted", p)
		c.Hangup()
		b.next("StasisEnd", c.id)
	}},
	{"prompt waits behind the ringing tone", func(b *bench) {
		c := b.arrive("caller")
		ring := b.id("ring")
		b.do("POST", "channels/"+c.id+"/play/"+ring, map[string]any{"media": []string{"tone:ring;tonezone=cn"}})
		b.next("PlaybackStarted", ring)
		p := b.play(c.id, "play", "n-1")
		b.delete("playbacks/" + ring)
		b.next("PlaybackFinished", p)
		b.leave(c)
	}},
}

// legScenarios are about the phones of seats.
func legScenarios() []Scenario {
	list := []Scenario{
		{"leg is answered and the agent hangs up", func(b *bench) {
			_, agent := b.lift("leg", "8001")
			b.list()
			agent.Hangup()
			b.next("ChannelDestroyed", b.id("leg"))
		}},
		{"leg is answered and hung up", func(b *bench) {
			leg, agent := b.lift("leg", "8001")
			b.end(leg)
			_, err := agent.WaitEnded(b.ctx)
			b.noErr(err)
		}},
		{"leg is deleted before it is dialled", func(b *bench) {
			leg := b.create("leg", "PJSIP/seat-8001")
			b.list()
			b.end(leg)
		}},
		{"leg is deleted while it rings", func(b *bench) {
			b.site.SetPlan("8001", Plan{})
			leg := b.ring("leg", "8001")
			b.list()
			b.end(leg)
		}},
		{"leg is not answered in time", func(b *bench) {
			b.site.SetPlan("8001", Plan{})
			leg := b.create("leg", "PJSIP/seat-8001")
			began := time.Now()
			b.post("channels/"+leg+"/dial", "timeout", "2")
			b.state(leg, "Ringing")
			b.next("ChannelDestroyed", leg)
			b.took("it has ended", began)
		}},
		{"leg under an id that is there", func(b *bench) {
			leg := b.create("leg", "PJSIP/seat-8001")
			b.do("POST", "channels/create", createBody(leg, "PJSIP/seat-8001"))
			c := b.dial("caller")
			b.do("POST", "channels/create", createBody(c.id, "PJSIP/seat-8001"))
			b.leave(c)
			b.end(leg)
		}},
		{"leg is dialled twice", func(b *bench) {
			b.site.SetPlan("8001", Plan{})
			leg := b.ring("leg", "8001")
			b.post("channels/"+leg+"/dial", "timeout", "20")
			b.end(leg)
			leg, _ = b.lift("second", "8001")
			b.post("channels/"+leg+"/dial", "timeout", "20")
			b.end(leg)
		}},
		{"leg is dialled before it is in the application", func(b *bench) {
			// Or just after: the reply to create does not wait for that.
			b.site.SetPlan("8001", Plan{})
			leg := b.id("leg")
			b.do("POST", "channels/create", createBody(leg, "PJSIP/seat-8001"))
			status, _ := b.ask("POST", "channels/"+leg+"/dial?timeout=20", nil)
			if status != 204 && status != 409 {
				b.note("dial: %d", status)
			}
			b.next("StasisStart", leg)
			if status == 409 {
				_, _ = b.ask("POST", "channels/"+leg+"/dial?timeout=20", nil)
			}
			b.state(leg, "Ringing")
			b.end(leg)
		}},
		{"seat without a phone", func(b *bench) {
			b.create("leg", "PJSIP/seat-8002")
			b.create("other", "PJSIP/seat-7777")
			b.list()
		}},
		{"leg with the caller as its originator", func(b *bench) {
			b.site.SetPlan("8001", Plan{})
			c := b.arrive("caller")
			leg := b.create("leg", "PJSIP/seat-8001", "originator", c.id)
			b.post("channels/"+leg+"/dial", "caller", c.id, "timeout", "20")
			b.state(leg, "Ringing")
			c.Hangup()
			b.next("StasisEnd", c.id)
			b.absent("channels/" + c.id)
			b.list()
			b.end(leg)
		}},
		{"leg with an originator that is not named as the caller", func(b *bench) {
			b.site.SetPlan("8001", Plan{})
			c := b.arrive("caller")
			leg := b.create("leg", "PJSIP/seat-8001", "originator", c.id)
			b.post("channels/"+leg+"/dial", "timeout", "20")
			b.state(leg, "Ringing")
			b.leave(c)
			b.end(leg)
		}},
		{"leg with a caller that is not its originator", func(b *bench) {
			b.site.SetPlan("8001", Plan{})
			c := b.arrive("caller")
			leg := b.create("leg", "PJSIP/seat-8001")
			b.post("channels/"+leg+"/dial", "caller", c.id, "timeout", "20")
			b.state(leg, "Ringing")
			b.leave(c)
			b.end(leg)
		}},
		{"leg is dialled for a caller who has gone", func(b *bench) {
			b.site.SetPlan("8001", Plan{})
			c := b.arrive("caller")
			leg := b.create("leg", "PJSIP/seat-8001", "originator", c.id)
			b.leave(c)
			b.absent("channels/" + c.id)
			b.post("channels/"+leg+"/dial", "caller", c.id, "timeout", "20")
			b.state(leg, "Ringing")
			b.end(leg)
		}},
		{"leg is answered after the caller has gone", func(b *bench) {
			b.site.SetPlan("8001", Plan{After: 600 * time.Millisecond, Status: 200})
			c := b.arrive("caller")
			leg := b.create("leg", "PJSIP/seat-8001", "originator", c.id)
			b.post("channels/"+leg+"/dial", "caller", c.id, "timeout", "20")
			b.state(leg, "Ringing")
			b.leave(c)
			b.state(leg, "Up")
			b.absent("channels/" + c.id)
			b.list()
			b.end(leg)
		}},
		{"requests about a leg that rings", func(b *bench) {
			b.site.SetPlan("8001", Plan{})
			leg := b.ring("leg", "8001")
			b.do("GET", "channels/"+leg, nil)
			b.post("channels/" + leg + "/answer")
			b.end(leg)
		}},
	}
	for _, refusal := range []struct {
		name string
		plan Plan
	}{
		{"busy at once", Plan{Status: 486}},
		{"busy everywhere at once", Plan{Status: 600}},
		{"busy after ringing", Plan{After: 200 * time.Millisecond, Status: 486}},
		{"declined", Plan{After: 200 * time.Millisecond, Status: 603}},
		{"forbidden", Plan{Status: 403}},
		{"not available after ringing", Plan{After: 200 * time.Millisecond, Status: 480}},
		{"not available at once", Plan{Status: 480}},
		{"request timed out", Plan{After: 200 * time.Millisecond, Status: 408}},
		{"not found", Plan{Status: 404}},
		{"server error", Plan{Status: 500}},
		{"service unavailable", Plan{Status: 503}},
	} {
		list = append(list, Scenario{"leg is refused, " + refusal.name, func(b *bench) {
			b.site.SetPlan("8001", refusal.plan)
			leg := b.create("leg", "PJSIP/seat-8001")
			b.post("channels/"+leg+"/dial", "timeout", "20")
			b.next("ChannelDestroyed", leg)
		}})
	}
	return list
}

var bridgeScenarios = []Scenario{
	{"conversation that the caller ends", func(b *bench) {
		c, leg, agent, bridge := b.talk()
		b.list()
		b.noErr(c.WaitHears(b.ctx, "8001"))
		b.noErr(agent.WaitHears(b.ctx, Carrier))
		c.Hangup()
		b.next("StasisEnd", c.id)
		b.absent("channels/" + c.id)
		b.list()
		b.end(leg)
		b.list()
		b.delete("bridges/" + bridge)
		b.delete("bridges/" + bridge)
		b.do("GET", "bridges/"+bridge, nil)
	}},
	{"conversation that the agent ends", func(b *bench) {
		c, leg, agent, bridge := b.talk()
		agent.Hangup()
		b.next("ChannelDestroyed", leg)
		b.list()
		b.post("bridges/"+bridge+"/removeChannel", "channel", c.id)
		b.next("ChannelLeftBridge", c.id)
		b.post("channels/"+c.id+"/moh", "mohClass", "default")
		b.list()
		b.leave(c)
		b.delete("bridges/" + bridge)
	}},
	{"bridge is deleted under a conversation", func(b *bench) {
		c, leg, _, bridge := b.talk()
		b.delete("bridges/" + bridge)
		b.next("ChannelLeftBridge", c.id)
		b.next("ChannelLeftBridge", leg)
		b.list()
		b.leave(c)
		b.end(leg)
	}},
	{"bridge under an id that is there", func(b *bench) {
		bridge := b.bridge("bridge")
		b.post("bridges/"+bridge, "type", "mixing")
		b.list()
		b.delete("bridges/" + bridge)
	}},
	{"channel is added that has gone", func(b *bench) {
		c := b.arrive("caller")
		leg, agent := b.lift("leg", "8001")
		agent.Hangup()
		b.next("ChannelDestroyed", leg)
		bridge := b.bridge("bridge")
		b.post("bridges/"+bridge+"/addChannel", "channel", c.id+","+leg)
		b.post("bridges/"+bridge+"/addChannel", "channel", leg+","+c.id)
		b.list()
		b.leave(c)
		b.delete("bridges/" + bridge)
	}},
	{"channel is added to a bridge that is not there", func(b *bench) {
		c := b.arrive("caller")
		b.post("bridges/nowhere/addChannel", "channel", c.id)
		b.post("bridges/nowhere/removeChannel", "channel", c.id)
		b.leave(c)
	}},
	{"channel is added twice", func(b *bench) {
		c, leg, _, bridge := b.talk()
		b.post("bridges/"+bridge+"/addChannel", "channel", c.id+","+leg)
		b.list()
		b.leave(c)
		b.end(leg)
		b.delete("bridges/" + bridge)
	}},
	{"channel is added to a second bridge", func(b *bench) {
		c, leg, _, bridge := b.talk()
		second := b.bridge("second")
		b.post("bridges/"+second+"/addChannel", "channel", c.id)
		b.next("ChannelEnteredBridge", c.id)
		b.list()
		b.leave(c)
		b.end(leg)
		b.delete("bridges/" + bridge)
		b.delete("bridges/" + second)
	}},
	{"channel is removed that is not in the bridge", func(b *bench) {
		c := b.arrive("caller")
		bridge := b.bridge("bridge")
		b.post("bridges/"+bridge+"/removeChannel", "channel", c.id)
		b.post("bridges/"+bridge+"/removeChannel", "channel", "nobody")
		b.leave(c)
		b.delete("bridges/" + bridge)
	}},
	{"music goes on into the bridge", func(b *bench) {
		c := b.arrive("caller")
		b.post("channels/"+c.id+"/moh", "mohClass", "default")
		leg, agent := b.lift("leg", "8001")
		bridge := b.bridge("bridge", c.id, leg)
		b.delete("channels/" + c.id + "/moh")
		b.noErr(c.WaitHears(b.ctx, "8001"))
		b.noErr(agent.WaitHears(b.ctx, Carrier))
		b.leave(c)
		b.end(leg)
		b.delete("bridges/" + bridge)
	}},
	{"bridge waits for the prompt to end", func(b *bench) {
		c := b.arrive("caller")
		leg, _ := b.lift("leg", "8001")
		p := b.play(c.id, "play", "agent-ready")
		b.next("PlaybackStarted", p)
		began := time.Now()
		bridge := b.id("bridge")
		b.post("bridges/"+bridge, "type", "mixing")
		b.post("bridges/"+bridge+"/addChannel", "channel", c.id+","+leg)
		b.took("the reply", began)
		b.next("ChannelEnteredBridge", leg)
		b.took("the agent is in", began)
		b.next("ChannelEnteredBridge", c.id)
		b.took("the caller is in", began)
		b.leave(c)
		b.end(leg)
		b.delete("bridges/" + bridge)
	}},
	{"caller hangs up while the bridge waits for the prompt", func(b *bench) {
		c := b.arrive("caller")
		leg, _ := b.lift("leg", "8001")
		p := b.play(c.id, "play", "agents-busy")
		b.next("PlaybackStarted", p)
		bridge := b.bridge("bridge")
		answered := make(chan int)
		go func() {
			status, _ := b.ask("POST", "bridges/"+bridge+"/addChannel?channel="+c.id+","+leg, nil)
			answered <- status
		}()
		time.AfterFunc(500*time.Millisecond, c.Hangup) // when the request has arrived
		b.note("added: %d", <-answered)
		b.next("StasisEnd", c.id)
		b.next("ChannelEnteredBridge", leg)
		b.absent("channels/" + c.id)
		b.list()
		b.end(leg)
		b.delete("bridges/" + bridge)
	}},
	{"prompt in the bridge", func(b *bench) {
		c, leg, _, bridge := b.talk()
		p := b.play(c.id, "play", "n-1")
		b.next("PlaybackFinished", p)
		b.leave(c)
		b.end(leg)
		b.delete("bridges/" + bridge)
	}},
	{"keys in the bridge", func(b *bench) {
		// They pass from phone to phone and are not told: the bridge does not look at them.
		c, leg, agent, bridge := b.talk()
		b.noErr(c.Press("5798"))
		b.noErr(agent.WaitKeys(b.ctx, "5798"))
		b.noErr(agent.Press("8")) // after the end of the caller's
		b.noErr(c.WaitKeys(b.ctx, "8"))
		b.post("bridges/"+bridge+"/removeChannel", "channel", c.id)
		b.next("ChannelLeftBridge", c.id)
		b.noErr(c.Press("6"))
		for b.next("ChannelDtmfReceived", c.id).Digit != "6" {
		}
		b.leave(c)
		b.end(leg)
		b.delete("bridges/" + bridge)
	}},
	{"agent holds the caller", func(b *bench) {
		c, leg, agent, bridge := b.talk()
		b.noErr(agent.Hold(b.ctx))
		b.next("ChannelHold", leg)
		b.list()
		b.noErr(agent.Resume(b.ctx))
		b.next("ChannelUnhold", leg)
		b.noErr(agent.Hold(b.ctx))
		b.next("ChannelHold", leg)
		c.Hangup()
		b.next("StasisEnd", c.id)
		b.end(leg)
		b.delete("bridges/" + bridge)
	}},
	{"caller is hung up while on hold", func(b *bench) {
		c, leg, agent, bridge := b.talk()
		b.noErr(agent.Hold(b.ctx))
		b.next("ChannelHold", leg)
		b.end(leg)
		b.list()
		b.leave(c)
		b.delete("bridges/" + bridge)
	}},
	{"leg rings in the bridge", func(b *bench) {
		c := b.arrive("caller")
		b.site.SetPlan("8001", Plan{After: 300 * time.Millisecond, Status: 200})
		leg := b.create("leg", "PJSIP/seat-8001")
		bridge := b.bridge("bridge", c.id, leg)
		b.list()
		b.post("channels/"+leg+"/dial", "timeout", "20")
		b.state(leg, "Up")
		b.noErr(c.WaitHears(b.ctx, "8001"))
		b.list()
		b.leave(c)
		b.end(leg)
		b.delete("bridges/" + bridge)
	}},
}

// outside lets the carrier deliver a call.
func (b *bench) outside(name string, more ...string) string {
	b.t.Helper()
	id := b.id(name)
	body := createBody(id, "PJSIP/"+Outside+"@carrier", more...)
	body["appArgs"] = "callback"
	body["variables"] = map[string]string{"CONNECTEDLINE(num)": "12345", "CONNECTEDLINE(name)": "12345"}
	b.do("POST", "channels/create", body)
	b.next("StasisStart", id)
	b.taken["StasisStart "]++
	return id
}

var outsideScenarios = []Scenario{
	{"callback", func(b *bench) {
		leg, agent := b.lift("leg", "8001")
		b.site.SetPlan(Outside, Plan{After: 300 * time.Millisecond, Status: 200})
		called := b.outside("called")
		b.list()
		bridge := b.id("bridge")
		b.post("bridges/"+bridge, "type", "mixing")
		b.post("bridges/"+bridge+"/addChannel", "channel", called+","+leg, "inhibitConnectedLineUpdates", "true")
		b.post("channels/"+called+"/dial", "timeout", "5")
		b.state(called, "Ringing")
		b.list()
		b.state(called, "Up")
		there, err := b.site.Rung(b.ctx, Outside)
		b.noErr(err)
		b.noErr(agent.WaitHears(b.ctx, Outside))
		b.noErr(there.WaitHears(b.ctx, "8001"))
		there.Hangup()
		b.next("ChannelDestroyed", called)
		b.end(leg)
		b.delete("bridges/" + bridge)
	}},
	{"callback that is not answered", func(b *bench) {
		leg, _ := b.lift("leg", "8001")
		b.site.SetPlan(Outside, Plan{})
		called := b.outside("called")
		bridge := b.bridge("bridge", called, leg)
		began := time.Now()
		b.post("channels/"+called+"/dial", "timeout", "2")
		b.next("ChannelDestroyed", called)
		b.took("it has ended", began)
		b.list()
		b.end(leg)
		b.delete("bridges/" + bridge)
	}},
	{"callback to a busy line", func(b *bench) {
		leg, _ := b.lift("leg", "8001")
		b.site.SetPlan(Outside, Plan{Status: 486})
		called := b.outside("called")
		bridge := b.bridge("bridge", called, leg)
		b.post("channels/"+called+"/dial", "timeout", "5")
		b.next("ChannelDestroyed", called)
		b.list()
		b.end(leg)
		b.delete("bridges/" + bridge)
	}},
	{"callback whose agent leaves", func(b *bench) {
		leg, agent := b.lift("leg", "8001")
		b.site.SetPlan(Outside, Plan{})
		called := b.outside("called")
		bridge := b.bridge("bridge", called, leg)
		b.post("channels/"+called+"/dial", "timeout", "5")
		b.state(called, "Ringing")
		agent.Hangup()
		b.next("ChannelDestroyed", leg)
		b.list()
		b.end(called)
		b.delete("bridges/" + bridge)
	}},
}

// lose ends the event connection, and waits until the node has noticed.
func (b *bench) lose() {
	b.t.Helper()
	b.site.LoseSocket()
	b.readers.Wait()
}

// loseAll does the same while nothing is there that keeps the application.
func (b *bench) loseAll() {
	b.t.Helper()
	b.lose()
	b.absent("applications/" + app)
}

var socketScenarios = []Scenario{
	{"second connection replaces the first", func(b *bench) {
		c := b.arrive("caller")
		first := b.socket
		b.connect()
		b.next("ApplicationReplaced", "")
		b.leave(c)
		first.CloseNow()
	}},
	{"filter of a replaced connection", func(b *bench) {
		first := b.socket
		b.connect()
		b.next("ApplicationReplaced", "")
		b.note("filter: %v", b.filtered())
		first.CloseNow()
	}},
	{"filter after the connection was lost", func(b *bench) {
		b.loseAll()
		b.connect()
		b.note("filter: %v", b.filtered())
	}},
	{"filter after the connection was lost during a call", func(b *bench) {
		c := b.arrive("caller")
		b.lose()
		b.note("filter: %v", b.filtered())
		b.connect()
		b.note("filter: %v", b.filtered())
		b.leave(c)
	}},
	{"caller comes without a connection during a call", func(b *bench) {
		c := b.arrive("caller")
		b.lose()
		second, err := b.site.Dial(Carrier, "12345")
		b.noErr(err)
		b.noErr(second.WaitAnswered(b.ctx)) // by the dialplan, which keeps the caller
		second.Hangup()
		for len(b.listed()) > 1 {
		}
		b.connect()
		b.leave(c)
	}},
	{"nothing is told again after the connection was lost", func(b *bench) {
		c := b.arrive("caller")
		p := b.play(c.id, "play", "agents-busy")
		b.next("PlaybackStarted", p)
		b.lose()
		b.do("GET", "playbacks/"+p, nil)
		b.delete("playbacks/" + p)
		c.Hangup()
		for len(b.listed()) != 1 || b.listed()[0] != "nothing" {
		}
		b.connect()
		b.putFilter()
		b.list()
	}},
	{"calls go on without a connection", func(b *bench) {
		c, leg, agent, bridge := b.talk()
		b.lose()
		b.list()
		b.noErr(agent.WaitHears(b.ctx, Carrier))
		b.connect()
		b.putFilter()
		b.leave(c)
		b.end(leg)
		b.delete("bridges/" + bridge)
	}},
	{"leg is answered while there is no connection", func(b *bench) {
		b.site.SetPlan("8001", Plan{After: 400 * time.Millisecond, Status: 200})
		leg := b.ring("leg", "8001")
		b.lose()
		agent, err := b.site.Rung(b.ctx, "8001")
		b.noErr(err)
		b.noErr(agent.WaitAnswered(b.ctx))
		b.isUp(leg)
		b.connect()
		b.putFilter()
		b.list()
		b.end(leg)
	}},
	{"caller comes while there is no connection", func(b *bench) {
		b.loseAll()
		c, err := b.site.Dial(Carrier, "12345")
		b.noErr(err)
		b.noErr(c.WaitAnswered(b.ctx))
		// Long enough for the prompt of the dialplan and one try.
		ctx, cancel := context.WithTimeout(b.ctx, 9*time.Second)
		defer cancel()
		b.wait("nothing", "", ctx)
		b.connect()
		began := time.Now()
		b.putFilter()
		start := b.next("StasisStart", "")
		b.called(start.Channel.ID, "caller")
		if len(start.Args) == 3 {
			b.called(start.Args[2], "ARRIVED")
			b.note("held: %s %s", start.Args[0], start.Args[1])
		}
		if time.Since(began) > 2500*time.Millisecond {
			b.note("that took %v", time.Since(began))
		}
		b.list()
		b.leave(caller{c, start.Channel.ID})
	}},
	{"feature code while there is no connection", func(b *bench) {
		b.loseAll()
		c, err := b.site.Dial("8001", "*12")
		b.noErr(err)
		b.noErr(c.WaitAnswered(b.ctx))
		_, err = c.WaitEnded(b.ctx)
		b.noErr(err)
		b.connect()
		b.putFilter()
	}},
	{"leg is made while there is no connection", func(b *bench) {
		b.loseAll()
		leg := b.id("leg")
		b.do("POST", "channels/create", createBody(leg, "PJSIP/seat-8001"))
		b.absent("channels/" + leg)
		b.connect()
		b.putFilter()
		b.list()
	}},
	{"node stands still for a while", func(b *bench) {
		// Asterisk reads what its kernel has taken, though the client has gone.
		c := b.arrive("caller")
		b.site.Freeze()
		ctx, cancel := context.WithTimeout(b.ctx, 300*time.Millisecond)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodDelete, b.site.URL()+"/ari/channels/"+c.id, nil)
		b.noErr(err)
		req.SetBasicAuth(b.site.User(), b.site.Password())
		_, err = b.http.Do(req)
		b.note("no answer: %v", errors.Is(err, context.DeadlineExceeded))
		b.site.Thaw()
		b.next("StasisEnd", c.id)
		b.absent("channels/" + c.id)
		second := b.arrive("caller 2")
		b.leave(second)
	}},
	{"node is killed and started again", func(b *bench) {
		_, data := b.ask("GET", "asterisk/info", nil)
		before := infoOf(data).Status.Startup
		c := b.arrive("caller")
		b.bridge("bridge", c.id)
		b.site.Kill()
		b.readers.Wait()
		resp, err := b.http.Get(b.site.URL() + "/ari/asterisk/info")
		if err == nil {
			resp.Body.Close()
		}
		b.note("refused: %v", isRefused(err))
		c.Hangup()
		b.noErr(b.site.Start())
		b.connect()
		b.note("filter: %v", b.filtered())
		b.putFilter()
		_, data = b.ask("GET", "asterisk/info", nil)
		b.note("started anew: %v", infoOf(data).Status.Startup != before)
		b.list()
		second := b.arrive("caller 2")
		b.leave(second)
	}},
}

// filtered reports whether the application has an event filter.
func (b *bench) filtered() bool {
	b.t.Helper()
	status, data := b.ask("GET", "applications/"+app, nil)
	if status != 200 {
		b.t.Fatalf("GET applications: %d %s", status, data)
	}
	return filterOf(data)
}
