package redisstore

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"hotline/internal/acd"
	"hotline/internal/redisstore/redistest"
)

// What docs/deploy.md says of backup and restore, with the commands that stand there.
func TestBackupIsRestored(t *testing.T) {
	redis := redistest.Start(t)
	s, _, stop := run(t, redis.Address)
	records := calls(41, 500)
	s.Append([]acd.Change{agentIn(acd.Talking, morning)}, records, nil)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	live, err := s.Load(t.Context(), morning)
	if err != nil || len(live.Agents) != 1 {
		t.Fatalf("%+v, %v", live, err)
	}
	backup := filepath.Join(t.TempDir(), "hotline.rdb")
	if out, err := exec.Command("redis-cli", "-s", redis.Address, "--rdb", backup).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}

	other := redistest.Start(t)
	o, _, ostop := run(t, other.Address)
	o.Append(nil, calls(42, 20), nil)
	if err := ostop(); err != nil {
		t.Fatal(err)
	}
	other.Kill()
	folder := filepath.Dir(other.Address)
	restore := func(args ...string) (string, error) {
		out, err := exec.Command("../../deploy/redis/restore", args...).CombinedOutput()
		return string(out), err
	}
	broken := filepath.Join(t.TempDir(), "broken.rdb")
	text, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(broken, text[:len(text)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := restore(broken, folder); err == nil || !strings.Contains(out, "nothing was changed") {
		t.Errorf("a half of a backup: %v %s", err, out)
	}
	if out, err := restore(backup); err == nil || !strings.Contains(out, "write restore FILE.rdb FOLDER") {
		t.Errorf("without the folder: %v %s", err, out)
	}
	t.Cleanup(func() { // what is set aside
		left, _ := filepath.Glob(folder + ".before-restore-*")
		for _, aside := range left {
			_ = os.RemoveAll(aside)
		}
	})
	out, err := restore(backup, folder)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	aside, err := filepath.Glob(folder + ".before-restore-*/appendonlydir")
	if err != nil || len(aside) != 1 || !strings.Contains(out, filepath.Dir(aside[0])) {
		t.Errorf("what was there is at %v, and it says: %s", aside, out)
	}

	other.Restart(t)
	holds(t, open(t, other.Address), records)
	restored, err := open(t, other.Address).Load(t.Context(), morning)
	if err != nil || !reflect.DeepEqual(restored, live) {
		t.Errorf("%+v, %v; want %+v", restored, err, live)
	}
	// And it goes on from there.
	again, am, _ := run(t, other.Address)
	more := calls(43, 10)
	again.Append(nil, append(records[:5:5], more...), nil)
	am.until(t, "what is new is counted, and what was there is not again", func() bool {
		applied, duplicates := am.counts()
		return applied == len(more) && duplicates == 5
	})
}
