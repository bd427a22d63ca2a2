package ariconform

import "time"

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
