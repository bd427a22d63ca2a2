package ariconform

import (
	"net/http"
	"time"
)

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
