package e2e

import (
	order "encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// zones is a folder of time zones that this process and those that it starts
// look into first ($ZONEINFO); TestMain makes it.
var zones string

// zoneWithMidnight makes a time zone in which a day ends at the given moment,
// and returns its name. The format is that of RFC 9636, version 1: a header, one
// type of local time, and its abbreviation.
func zoneWithMidnight(t *testing.T, at time.Time) string {
	t.Helper()
	const day = 24 * 60 * 60
	ahead := int32(day - at.Unix()%day) // of UTC, in seconds; from 1 to 24 hours
	if ahead > day/2 {
		ahead -= day
	}
	file := append([]byte("TZif"), make([]byte, 16)...)
	for _, count := range []uint32{0, 0, 0, 0, 1, 4} { // one type; four bytes of abbreviation
		file = order.BigEndian.AppendUint32(file, count)
	}
	file = order.BigEndian.AppendUint32(file, uint32(ahead))
	file = append(file, 0, 0) // no daylight saving, abbreviation at 0
	file = append(file, "MID\x00"...)
	if err := os.MkdirAll(filepath.Join(zones, "Test"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(zones, "Test", "Midnight"), file, 0o600); err != nil {
		t.Fatal(err)
	}
	return "Test/Midnight"
}
