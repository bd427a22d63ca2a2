package ariconform

import "time"

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
		b.deleteBridge(bridge)
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
		b.absent("bridges/" + bridge)
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
