package redisstore

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// killedCalls is how many calls are applied while the process is killed.
const killedCalls = 50_000

// TestApplyingChild is the child: a process that applies all calls from the beginning, as one
// that replays its spool does, and tells how far it has come.
func TestApplyingChild(t *testing.T) {
	address := os.Getenv("HOTLINE_APPLY_TO")
	if address == "" {
		t.Skip("only as the child of TestKilledWhileApplying")
	}
	s, m, _ := run(t, address)
	for i, part := 0, busyDay(60, killedCalls); len(part) > 0; i++ {
		n := min(500, len(part))
		s.Append(nil, part[:n], nil)
		part = part[n:]
		m.until(t, "room in the backlog", func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			records, _ := s.unwritten()
			return records < 2000
		})
		fmt.Printf("appended %d\n", (i+1)*500)
	}
	drained(t, s, m)
	fmt.Println("all applied")
}

// A process that applies 50,000 calls is killed at random moments, and begins again
// each time. At the end each call is counted once.
func TestKilledWhileApplying(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	redis := server(t)
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	kills, done := 0, false
	for !done {
		child := exec.Command(os.Args[0], "-test.run=^TestApplyingChild$", "-test.v")
		child.Env = append(os.Environ(), "HOTLINE_APPLY_TO="+redis.Address)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		// Each life gets further than the one before, or it would never end.
		until := (kills + 1) * killedCalls / 8
		until -= random.IntN(killedCalls / 8)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			text, appended := strings.CutPrefix(lines.Text(), "appended ")
			n, _ := strconv.Atoi(text)
			if appended && n >= until && kills < 8 {
				// Some moment in the middle of a batch.
				time.Sleep(time.Duration(random.IntN(20_000)) * time.Microsecond)
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				kills++
				break
			}
			done = done || lines.Text() == "all applied"
		}
		_ = child.Wait() // killed, or done
	}
	s := open(t, redis.Address)
	counted := 0
	for _, day := range []int{0, 1} {
		differences, err := s.Verify(context.Background(), today.AddDays(day))
		if err != nil || len(differences) > 0 {
			t.Errorf("after %d kills: %v, %v", kills, differences, err)
		}
		recounted, err := s.recount(today.AddDays(day), s.Entries(context.Background(), today.AddDays(day)), nil)
		if err != nil {
			t.Fatal(err)
		}
		counted += recounted.calls
	}
	if counted != killedCalls || kills == 0 {
		t.Errorf("%d calls were counted after %d kills, want %d", counted, kills, killedCalls)
	}
}
