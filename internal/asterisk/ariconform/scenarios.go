package ariconform

import (
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
	b.state(c.id, "Up")
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
