package e2e

import (
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
