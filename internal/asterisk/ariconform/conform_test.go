package ariconform_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "write the transcripts anew; only the real Asterisk may")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func transcriptFile(scenario string) string {
	return filepath.Join("testdata", strings.NewReplacer(" ", "-", ",", "").Replace(scenario)+".txt")
}

// compare compares a transcript with that of the real Asterisk.
func compare(t *testing.T, scenario, got string) {
	t.Helper()
	file := transcriptFile(scenario)
	if *update {
		noErr(t, os.MkdirAll("testdata", 0o755))
		noErr(t, os.WriteFile(file, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(file)
	noErr(t, err)
	if got != string(want) {
		t.Errorf("it behaves otherwise than in %s\n--- want\n%s\n--- got\n%s", file, want, got)
	}
}
