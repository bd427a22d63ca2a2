package spool

import (
	"strings"
	"testing"
)

// A spool that belongs to another site is refused: its records would be counted there.
func TestSpoolOfAnotherSite(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ site, want string }{
		{"", ""}, {"north", ""}, {"north", ""}, {"", ""},
		{"south", "holds what is of the site north, and this is the site south: give each site another spool.dir"},
		{"north", ""},
	} {
		s, err := Open(Options{Dir: dir, Site: c.site})
		if c.want == "" {
			if err != nil {
				t.Fatalf("for %q: %v", c.site, err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("for %q: %v, want %q", c.site, err, c.want)
		}
	}
}
