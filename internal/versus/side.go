package versus

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"hotline/internal/acd"
	"hotline/internal/app"
	"hotline/internal/config"
	"hotline/internal/devstack"
	"hotline/internal/lab"
	"hotline/internal/metrics/metricstest"
)

// Side is one of the two that are compared.
type Side string

// The sides, in the order in which they stand in tables.
const (
	AppQueue Side = "app_queue"
	Hotline  Side = "hotline"
)

// Sides lists them.
func Sides() []Side { return []Side{AppQueue, Hotline} }

// running is a started side.
type running interface {
	// sip is where callers dial, host:port.
	sip() string
	// pids are its processes by name; asterisk is one of them.
	pids() map[string]int
	// connected is how many calls were connected with an agent and have ended, by
	// its own account.
	connected(ctx context.Context) (int, error)
	// counts are its counters, which only grow; none for app_queue.
	counts(ctx context.Context) (counts, error)
	stop() error
}

// counts are what a call costs beside time; all from the start of the processes.
type counts struct {
	events, requests         float64 // of ARI
	commands, redisIn, outOf float64 // of Redis: commands and bytes
	allocations              float64 // of the controller
}

// start brings up a side for the agents of a point, whose phones are at a port, and
// has all of them ready. It keeps its files under dir.
func (s Side) start(ctx context.Context, dir, binary string, p Point, phones uint16) (running, error) {
	file, err := writeSite(dir, p.Agents, phones)
	if err != nil {
		return nil, err
	}
	instead := map[string]string{}
	if p.Silent {
		folder := filepath.Join(dir, "no-music")
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return nil, err
		}
		instead["musiconhold.conf"] = queueSilence + "directory = " + folder + "\n"
	}
	if s == AppQueue {
		return startAppQueue(ctx, dir, file, instead)
	}
	return startHotline(ctx, dir, file, binary, p.Agents, instead)
}

//go:embed queue/extensions.conf
var queueDialplan string

//go:embed queue/queues.conf
var queueQueues string

//go:embed queue/logger.conf
var queueLogger string

// queueSilence takes the place of the hold music, on both sides.
//
//go:embed queue/musiconhold.conf
var queueSilence string

// appQueue is an Asterisk that runs hotline's configuration, except for the
// dialplan, the queue and the queue's log.
type appQueue struct {
	asterisk *devstack.Asterisk
	log      string // the queue's
}

func startAppQueue(ctx context.Context, dir, file string, instead map[string]string) (*appQueue, error) {
	cfg, err := config.Load(file)
	if err != nil {
		return nil, err
	}
	params, err := app.AsteriskParams(cfg, "")
	if err != nil {
		return nil, err
	}
	queues := strings.Builder{}
	queues.WriteString(queueQueues)
	for _, seat := range params.Seats {
		fmt.Fprintf(&queues, "member => PJSIP/%s,0,%s,PJSIP/%[1]s\n", seat.Endpoint(), seat.Name)
	}
	instead["extensions.conf"], instead["queues.conf"], instead["logger.conf"] = queueDialplan, queues.String(), queueLogger
	a, err := devstack.StartAsteriskWith(ctx, filepath.Join(dir, "asterisk"), params, devstack.AsteriskOptions{Instead: instead})
	if err != nil {
		return nil, err
	}
	return &appQueue{asterisk: a, log: filepath.Join(a.Params.Dirs.Log, "queue_log")}, nil
}

func (q *appQueue) sip() string          { return q.asterisk.Params.SIPListen.String() }
func (q *appQueue) pids() map[string]int { return map[string]int{"asterisk": q.asterisk.PID()} }
func (q *appQueue) stop() error          { return q.asterisk.Stop() }

func (q *appQueue) counts(context.Context) (counts, error) { return counts{}, nil }

// connected counts the calls that the queue's log has as connected and ended.
func (q *appQueue) connected(context.Context) (int, error) {
	f, err := os.Open(q.log)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	began, n := map[string]bool{}, 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Split(lines.Text(), "|") // time, call, queue, agent, event, …
		if len(fields) < 5 {
			continue
		}
		switch fields[4] {
		case "CONNECT":
			began[fields[1]] = true
		case "COMPLETEAGENT", "COMPLETECALLER":
			if began[fields[1]] {
				n++
			}
		}
	}
	return n, nil
}

// hotline is the program with its Redis and Asterisk.
type hotline struct {
	lab *lab.Lab
}

func startHotline(ctx context.Context, dir, file, binary string, agents int, instead map[string]string) (*hotline, error) {
	l, err := lab.StartWith(ctx, file, dir, binary, instead)
	if err != nil {
		return nil, err
	}
	h := &hotline{lab: l}
	if err := h.seat(ctx, agents); err != nil {
		return nil, errors.Join(err, h.stop())
	}
	return h, nil
}

// atOnce is how many agents log in at the same time.
const atOnce = 8

// seat logs all agents in and makes them ready.
func (h *hotline) seat(ctx context.Context, agents int) error {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	next := 0
	for range atOnce {
		wg.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				over := i >= agents || failed != nil
				mu.Unlock()
				if over {
					return
				}
				agent := acd.AgentID(strconv.Itoa(firstAgent + i))
				_, err := h.lab.Client.Login(ctx, agent, acd.SeatID(strconv.Itoa(firstSeat+i)))
				if err == nil {
					_, err = h.lab.Client.SetReady(ctx, agent)
				}
				if err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return failed
}

func (h *hotline) sip() string { return h.lab.SIP }
func (h *hotline) stop() error { return h.lab.Stop() }

func (h *hotline) pids() map[string]int {
	return map[string]int{"asterisk": h.lab.Asterisk.PID(), "controller": h.lab.PID(), "redis": h.lab.Redis.PID()}
}

// connected counts the records of answered calls that are in Redis.
func (h *hotline) connected(ctx context.Context) (int, error) {
	totals, err := h.lab.Total(ctx)
	return totals.Answered, err
}

func (h *hotline) counts(ctx context.Context) (counts, error) {
	info, err := h.lab.Redis.Info(ctx)
	if err != nil {
		return counts{}, err
	}
	var c counts
	for name, into := range map[string]*float64{
		"total_commands_processed": &c.commands, "total_net_input_bytes": &c.redisIn, "total_net_output_bytes": &c.outOf,
	} {
		if *into, err = strconv.ParseFloat(info[name], 64); err != nil {
			return counts{}, fmt.Errorf("redis tells no %s: %w", name, err)
		}
	}
	s, err := h.scrape(ctx)
	if err != nil {
		return counts{}, err
	}
	c.events, _ = s.Value("hotline_asterisk_events_total")
	c.requests = float64(s.Count("hotline_asterisk_request_seconds"))
	c.allocations, _ = s.Value("go_memstats_mallocs_total")
	return c, nil
}

func (h *hotline) scrape(ctx context.Context) (metricstest.Scrape, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.lab.API+"/metrics", nil)
	if err != nil {
		return metricstest.Scrape{}, err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return metricstest.Scrape{}, err
	}
	defer resp.Body.Close()
	return metricstest.Parse(resp.Body)
}
