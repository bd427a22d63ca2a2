package ariconform

import "time"

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
