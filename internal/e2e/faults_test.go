package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hotline/internal/faults"
)

// TestFaults is the short selection of make faults that every change passes: handover,
// takeover and restart after a crash, with a house full of calls.
func TestFaults(t *testing.T) {
	err := faults.Run(t.Context(), faults.Options{Binary: binary, Dir: t.TempDir(), Names: []string{"in-turn"}, Seed: 1}, func(r faults.Result) {
		var table strings.Builder
		if err := faults.Table(&table, []faults.Result{r}, true); err != nil {
			t.Error(err)
		}
		t.Log("\n" + table.String())
		if !r.OK {
			t.Errorf("%s: not within its limits", r.Name)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// TestFaultsOnHosts is a row in which each part of the hotline lives on a host of its
// own: the command makes their network, which a test cannot do for itself.
func TestFaultsOnHosts(t *testing.T) {
	dir := t.TempDir()
	command, results := filepath.Join(dir, "faults"), filepath.Join(dir, "results.json")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", command, "hotline/cmd/faults").CombinedOutput(); err != nil {
		t.Fatalf("build the command: %v\n%s", err, out)
	}
	// What fails is told by the results.
	out, runs := exec.CommandContext(t.Context(), command, "--binary", binary, "--dir", filepath.Join(dir, "run"),
		"--faults", "leader-host-cut", "--quick", "--verbose", "--json", results).CombinedOutput()
	t.Logf("\n%s", out)
	line, err := os.ReadFile(results)
	if err != nil {
		t.Fatalf("%v (%v)", err, runs)
	}
	var r faults.Result
	if err := json.Unmarshal(line, &r); err != nil {
		t.Fatalf("%v (%v)", err, runs)
	}
	if r.Skipped != "" {
		t.Skip(r.Skipped)
	}
	if !r.OK || runs != nil {
		t.Errorf("%s: not within its limits (%v)", r.Name, runs)
	}
}
