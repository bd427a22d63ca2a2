package recordfile

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"hotline/internal/acd"
	"hotline/internal/scenario"
	"hotline/internal/sim"
)

var shanghai = func() *time.Location {
	loc, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		panic(err)
	}
	return loc
}()

var here = Want{Site: "lyg", Location: shanghai}

// file writes a file of the day 2026-11-24.
func file(t testing.TB, entries ...Entry) string {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, Head{Site: "lyg", Zone: "Asia/Shanghai", From: "2026-11-24", To: "2026-11-24"})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// at is a moment of the day.
func at(clock string) time.Time {
	t, err := time.ParseInLocation(time.DateTime, "2026-11-24 "+clock, shanghai)
	if err != nil {
		panic(err)
	}
	return t
}

func answered() acd.CallRecord {
	return acd.CallRecord{
		Version: 1, Call: "a1-1", Node: "a1", Entry: "12345", Caller: "13812345678", Queue: "general",
		Arrived: at("09:00:00"), Queued: at("09:00:05"), Answered: at("09:00:11"), Ended: at("09:03:00"),
		Agent: "1001", Seat: "8001", Result: acd.Answered, Reason: acd.CallerHungUp,
		Offers: []acd.OfferRecord{{Agent: "1001", Seat: "8001", Made: at("09:00:05"), Rang: at("09:00:06"), Ended: at("09:00:11"), Outcome: acd.OfferAnswered}},
	}
}

func stint() acd.Stint {
	return acd.Stint{Version: 1, Agent: "1001", Seat: "8001", State: acd.Ready, From: at("09:00:00"), To: at("09:15:00")}
}

func entryOf(t interface{ Fatal(...any) }, id string, record any) Entry {
	text, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	kind := Stint
	if _, is := record.(acd.CallRecord); is {
		kind = Call
	}
	return Entry{Kind: kind, ID: id, Text: text}
}

// read reads all entries of a file.
func read(text string, want Want) (entries []Entry, summary Summary, err error) {
	summary, err = Read(strings.NewReader(text), want, func(e Entry) error {
		entries = append(entries, e)
		return nil
	})
	return entries, summary, err
}

// simulated are records as the engine makes them, until there are enough.
func simulated(t testing.TB, name string, enough func(acd.CallRecord) bool) (records []acd.CallRecord) {
	t.Helper()
	s, err := scenario.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, err = sim.Run(ctx, s, sim.Options{Seed: 1, Record: func(r acd.CallRecord) {
		records = append(records, r)
		if enough(r) {
			cancel()
		}
	}})
	if err != nil && ctx.Err() == nil {
		t.Fatal(err)
	}
	return records
}
