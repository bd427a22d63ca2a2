package ariconform

import (
	"context"
	"errors"
	"net/http"
	"time"
)

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
		first.CloseNow()
		b.leave(c)
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
	{"filter after the call has ended without a connection", func(b *bench) {
		c := b.arrive("caller")
		b.lose()
		c.Hangup()
		b.absent("applications/" + app)
		b.nothingLeft()
		b.connect()
		b.note("filter: %v", b.filtered())
	}},
	{"filter that does not let through that the connection is replaced", func(b *bench) {
		first := b.socket
		b.putFilterOf("ChannelUserevent")
		b.connect()
		b.note("the second hears: %v", b.proved())
		ctx, cancel := context.WithTimeout(b.ctx, 100*time.Millisecond)
		defer cancel()
		_, told := b.wait("ApplicationReplaced", "", ctx)
		b.note("the first is told: %v", told)
		first.CloseNow()
		b.note("the second hears: %v", b.proved())
	}},
	{"connection that is opened while the former ends", func(b *bench) {
		b.openWhileTheFormerEnds("without a channel")
		c := b.arrive("caller")
		b.openWhileTheFormerEnds("with a channel")
		b.leave(c)
		b.forget("ApplicationReplaced") // it may come too late for the former
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
		b.stop(p)
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
		b.site.SetPlan("8001", Plan{After: 900 * time.Millisecond, Status: 200})
		leg := b.ring("leg", "8001")
		b.lose()
		agent, err := b.site.Rung(b.ctx, "8001")
		b.noErr(err)
		b.noErr(agent.WaitAnswered(b.ctx))
		b.isUp(leg)
		time.Sleep(200 * time.Millisecond) // the event comes a moment after the state is listed
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

// openWhileTheFormerEnds opens connections while Asterisk is about to end the former
// ones. Some of them get no application, and no event; where no channel keeps the
// application their filter is refused too. It is by chance which, so it is written
// down only that there is no third, and that another connection puts it right.
func (b *bench) openWhileTheFormerEnds(when string) {
	b.t.Helper()
	for range 12 {
		former := b.socket
		b.readers.Go(func() { former.CloseNow() })
		b.connect()
		taken := b.putFilterOf(told...)
		if b.proved() {
			continue
		}
		if kept := when == "with a channel"; taken != kept {
			b.note("%s: the filter is taken though nothing is heard: %v", when, taken)
		}
		b.disconnect()
		b.connect()
		b.putFilter()
		if !b.proved() {
			b.note("%s: another connection does not help", when)
		}
	}
	b.note("%s: what is heard and what is not was as expected", when)
}

// proved reports whether events come over the latest connection.
func (b *bench) proved() bool {
	b.t.Helper()
	b.forget("ChannelUserevent")
	if status, _ := b.ask("POST", "events/user/proof?application="+app, nil); status != http.StatusNoContent {
		return false
	}
	ctx, cancel := context.WithTimeout(b.ctx, 500*time.Millisecond)
	defer cancel()
	_, ok := b.wait("ChannelUserevent", "", ctx)
	return ok
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
