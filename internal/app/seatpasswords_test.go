package app

import (
	"os"
	"path/filepath"
	"testing"

	"hotline/internal/acd"
	"hotline/internal/config"
)

func TestMakeSeatPasswords(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "seats")
	cfg := &config.Config{Seats: []config.Seat{{ID: "8001"}, {ID: "8002"}, {ID: "8003", Contact: "sip:8003@10.0.0.43:5060"}}}
	cfg.Asterisk.SeatPasswordDir = dir
	for i, want := range []int{2, 0, 1} {
		if i == 2 { // a seat more
			cfg.Seats = append(cfg.Seats, config.Seat{ID: "8004"})
		}
		before, _ := cfg.SeatPasswords()
		made, err := MakeSeatPasswords(cfg)
		if err != nil || made != want {
			t.Fatalf("run %d: made %d, %v, want %d", i, made, err, want)
		}
		after, err := cfg.SeatPasswords() // refuses files that others may read
		if err != nil {
			t.Fatal(err)
		}
		for seat, password := range before {
			if after[seat] != password {
				t.Errorf("run %d: the password of seat %s has changed", i, seat)
			}
		}
		if i == 0 && (len(after["8001"].Reveal()) != 48 || after["8001"] == after["8002"]) {
			t.Errorf("passwords %q and %q", after["8001"].Reveal(), after["8002"].Reveal())
		}
		if _, known := after[acd.SeatID("8003")]; known {
			t.Error("a phone with a fixed contact was given a password")
		}
	}
	// Whatever stands under the name of a seat is not replaced.
	if err := os.Symlink("nowhere", filepath.Join(dir, "8005")); err != nil {
		t.Fatal(err)
	}
	cfg.Seats = []config.Seat{{ID: "8005"}}
	if made, err := MakeSeatPasswords(cfg); made != 0 || err != nil {
		t.Errorf("made %d, %v", made, err)
	}
}
