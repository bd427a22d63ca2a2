package ariconform

import "time"

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
		b.stop(p)
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
		b.stop(p)
		b.next("PlaybackFinished", p)
		b.took("it has ended", began)
		b.leave(c)
	}},
	{"playing prompt of several sounds is deleted", func(b *bench) {
		c := b.arrive("caller")
		p := b.play(c.id, "play", "agents-busy", "agents-busy")
		b.next("PlaybackStarted", p)
		began := time.Now()
		b.stop(p)
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
		b.stop(second)
		b.stop(first)
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
		b.stop(first)
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
		b.stop(p)
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
		b.stop(p)
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
		b.stop(p)
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
		b.stop(ring)
		b.next("PlaybackFinished", p)
		b.leave(c)
	}},
}
