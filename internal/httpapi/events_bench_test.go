package httpapi_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/httpapi"
	"hotline/internal/httpapi/live"
)

// lively is a site of 300 agents and 200 calls, of which some change between two looks.
type lively struct {
	changing int
	looks    chan struct{}
	n        int
	now      acd.Snapshot
}

func newLively(changing int) *lively {
	l := &lively{changing: changing, looks: make(chan struct{}, 1)}
	for i := range 10 {
		l.now.Queues = append(l.now.Queues, acd.QueueStatus{Queue: acd.QueueID(fmt.Sprint("queue-", i)), Title: "综合受理", Agents: map[acd.AgentState]int{acd.Talking: 20, acd.Ready: 10}})
	}
	for i := range 300 {
		l.now.Agents = append(l.now.Agents, acd.AgentStatus{
			Agent: acd.AgentID(fmt.Sprint(1000 + i)), Name: "张三", Queues: []acd.QueueID{"queue-1", "queue-2"}, Seat: "8001", State: acd.Talking, Since: noon, Call: "a1-1764000000.1",
		})
	}
	for i := range 200 {
		l.now.Calls = append(l.now.Calls, acd.CallStatus{
			Call: acd.CallID(fmt.Sprint("a1-1764000000.", i)), Node: "a1", Entry: "12345", Caller: "13812345678", Queue: "queue-1", Phase: acd.PhaseTalking,
			Arrived: noon, Queued: noon, Answered: noon, Agent: "1001", Seat: "8001", Offers: make([]acd.OfferRecord, 1),
		})
	}
	return l
}

// Snapshot copies as the engine does.
func (l *lively) Snapshot(context.Context) (acd.Snapshot, error) {
	s := acd.Snapshot{At: time.Now(), Queues: append([]acd.QueueStatus{}, l.now.Queues...)}
	for _, a := range l.now.Agents {
		s.Agents = append(s.Agents, a.Clone())
	}
	for _, c := range l.now.Calls {
		s.Calls = append(s.Calls, c.Clone())
	}
	for range l.changing {
		l.n++
		if i := l.n % 500; i < 300 {
			l.now.Agents[i].Answered++
		} else {
			l.now.Calls[i-300].Hold += time.Second
		}
	}
	select {
	case l.looks <- struct{}{}:
	default:
	}
	return s, nil
}

func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkEvents tells what streams cost, in per cent of one core, over real connections.
// That is with what the clients do, in the same process. An iteration is a look: a fifth
// of a second.
func BenchmarkEvents(b *testing.B) {
	for _, c := range []struct{ clients, changing int }{{1, 5}, {1, 40}, {1, 500}, {100, 40}, {1000, 5}, {1000, 40}} {
		b.Run(fmt.Sprintf("clients=%d/changing=%d", c.clients, c.changing), func(b *testing.B) { benchmarkEvents(b, c.clients, c.changing) })
	}
}

func benchmarkEvents(b *testing.B, clients, changing int) {
	l := newLively(changing)
	var cut cuts
	hub := live.New(live.Options{Snapshot: l.Snapshot, Meter: &cut})
	ctx, cancel := context.WithCancel(b.Context())
	var all sync.WaitGroup
	all.Go(func() { _ = hub.Run(ctx) })
	server := httptest.NewUnstartedServer(nil)
	server.Config = httpapi.NewServer(httpapi.New(httpapi.Options{Token: token, Events: hub, Ready: func() []error { return nil }}), nil)
	server.Start()
	var bytes atomic.Int64
	for range clients {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.WriteString(conn, "GET /api/v1/events HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer "+token+"\r\n\r\n"); err != nil {
			b.Fatal(err)
		}
		first := make([]byte, 4096)
		if _, err := conn.Read(first); err != nil {
			b.Fatal(err)
		}
		all.Go(func() {
			defer conn.Close()
			for {
				n, err := conn.Read(first)
				if bytes.Add(int64(n)); err != nil {
					return
				}
			}
		})
	}
	for range 10 {
		<-l.looks // the snapshots are through
	}
	bytes.Store(0)
	began, used := time.Now(), cpu(b)
	for b.Loop() {
		<-l.looks
	}
	took := time.Since(began)
	b.ReportMetric(100*(cpu(b)-used).Seconds()/took.Seconds(), "%core")
	b.ReportMetric(float64(bytes.Load())/took.Seconds()/1e6, "MB/s")
	b.ReportMetric(0, "ns/op")
	if cut.all() != "" {
		b.Errorf("cut off: %s", cut.all())
	}
	cancel()
	server.CloseClientConnections()
	server.Close()
	all.Wait()
}
