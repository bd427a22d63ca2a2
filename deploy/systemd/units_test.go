// Package systemd holds the units, and their tests.
package systemd

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// units are held to systemd's own judgement: no line that it does not know, and hardly
// anything that a process could do besides its work. At most is the exposure, in tenths,
// of which 100 is the worst.
var units = map[string]string{"hotline.service": "13", "hotline-asterisk.service": "15"}

func TestUnits(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze on this machine")
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	installed := regexp.MustCompile(`(?m)^(Exec\w+=)(/usr/local/bin/hotline|/opt/hotline/scripts/asterisk)`)
	for name, most := range units {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !installed.Match(text) {
			t.Errorf("%s runs nothing that is known here", name)
		}
		unit := filepath.Join(dir, name)
		if err := os.WriteFile(unit, installed.ReplaceAll(text, []byte("${1}"+program)), 0o644); err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		for _, args := range [][]string{{"verify", unit}, {"security", "--offline=true", "--threshold=" + most, unit}} {
			cmd := exec.Command(analyze, args...)
			cmd.Stdout, cmd.Stderr = &said, &said
			if err := cmd.Run(); err != nil {
				t.Errorf("systemd-analyze %s: %v\n%s", strings.Join(args, " "), err, said.String())
			}
			if args[0] == "verify" && strings.Contains(said.String(), name+":") {
				t.Errorf("%s", said.String())
			}
		}
	}
}
