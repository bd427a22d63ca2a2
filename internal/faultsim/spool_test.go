package faultsim

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"hotline/internal/spool"
)

// spoolRoot makes a folder for the spools of a history, where a sync is quick if there is
// such a place: no host loses its memory here, and each sync of a disk takes as long as a
// tenth of a history.
// It is to be removed with the history, of which a test plays thousands.
func spoolRoot(t *testing.T) string {
	const memory = "/dev/shm"
	if info, err := os.Stat(memory); err != nil || !info.IsDir() {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(memory, "hotline-faultsim-")
	if err != nil {
		return t.TempDir()
	}
	return dir
}

// openSpool opens what the controller's former process has left on the disk of its host.
func (h *history) openSpool(controller int) *spool.Spool {
	if h.spools == "" {
		return nil
	}
	s, err := spool.Open(spool.Options{Dir: h.spoolDir(controller), Site: site})
	if err != nil {
		h.fail("the spool of controller %d: %v", controller, err)
		return nil
	}
	return s
}

// spoolDir is the folder of a controller: another one after each time it was killed.
func (h *history) spoolDir(controller int) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return filepath.Join(h.spools, strconv.Itoa(controller)+"."+strconv.Itoa(h.copies[controller]))
}

// keepSpool leaves the file of a process that is about to be killed to the next one as it is
// now. What the rest of the process writes later goes into a file that nobody reads.
func (h *history) keepSpool(p *process) {
	if p.spool == nil {
		return
	}
	text, err := os.ReadFile(p.spool.Path())
	h.mu.Lock()
	h.copies[p.controller]++
	h.mu.Unlock()
	dir := h.spoolDir(p.controller)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, filepath.Base(p.spool.Path())), text, 0o600)
	}
	if err != nil {
		h.fail("the spool of %s: %v", p.id, err)
	}
}

// Calls that began and ended while Redis was away have their records, although the one who
// led was killed before Redis was back.
func TestKilledWhileRedisIsAway(t *testing.T) {
	for _, seed := range []uint64{1, 2, 3, 5, 6, 7} {
		play(t, seed, false, func(h *history, ctx context.Context) {
			pause(ctx, time.Second)
			end := h.fault(&h.outages.store, "Redis is away")
			h.redis.Stop()
			pause(ctx, arriving)
			if p := h.leader(); p != nil {
				p.kill(false)
				h.died()
				h.redis.Start()
				pause(ctx, 5*time.Second)
				h.start(p.controller)
			}
			end()
		}).report(t, "TestKilledWhileRedisIsAway")
	}
}
