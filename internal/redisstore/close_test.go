package redisstore

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/calendar"
	"hotline/internal/traffic"
)

var evening = today.End(shanghai).Add(time.Hour)

// stints of an agent who works through midnight.
func stints() []acd.Stint {
	at := today.End(shanghai).Add(-50 * time.Minute)
	var list []acd.Stint
	for i, state := range []acd.AgentState{acd.NotReady, acd.Ready, acd.Ringing, acd.Talking, acd.WrapUp, acd.Ready} {
		s := acd.Stint{Version: acd.RecordVersion, Agent: "1001", Seat: "8001", State: state, From: at}
		if state == acd.NotReady {
			s.Reason = "meal"
		}
		at = at.Add(time.Duration(7+3*i)*time.Minute + 1234567*time.Nanosecond)
		s.To = at
		list = append(list, s)
	}
	return list
}

func TestAgentsTimeIsCountedWhereItWasSpent(t *testing.T) {
	s, m, _ := run(t, server(t).Address)
	ctx := context.Background()
	list := stints()
	s.Append(nil, nil, list)
	s.Append(nil, nil, list[2:4]) // sent again
	drained(t, s, m)
	for _, day := range []calendar.Day{today, today.Next()} {
		if differences, err := s.Verify(ctx, day); err != nil || len(differences) > 0 {
			t.Errorf("%s: %v, %v", day, differences, err)
		}
	}
	first, err := s.Day(ctx, today)
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Day(ctx, today.Next())
	if err != nil {
		t.Fatal(err)
	}
	own := first[traffic.Agent("1001")]
	if own[traffic.SumLoggedIn] != 50*60*1000 || own[traffic.NotReadyFor("meal")] != 7*60*1000+1 {
		t.Errorf("before midnight: %v", own)
	}
	own.Add(second[traffic.Agent("1001")])
	all := list[len(list)-1].To.UnixMilli() - list[0].From.UnixMilli()
	sum := own[traffic.SumReady] + own[traffic.SumNotReady] + own[traffic.SumRinging] + own[traffic.SumTalking] + own[traffic.SumWrapUp]
	if own[traffic.SumLoggedIn] != all || sum != all {
		t.Errorf("logged in %d ms, in states %d ms, want %d", own[traffic.SumLoggedIn], sum, all)
	}
	month, err := s.Month(ctx, today.Month())
	if err != nil || !reflect.DeepEqual(month[traffic.Agent("1001")], own) {
		t.Errorf("the month has %v, %v; want %v", month[traffic.Agent("1001")], err, own)
	}
}

// closeToday lets a store close today, after records and stints were written.
func closeToday(t *testing.T, s *Store) {
	t.Helper()
	if closed, err := s.CloseDay(context.Background(), today, evening); err != nil || !closed {
		t.Fatalf("CloseDay = %v, %v", closed, err)
	}
}

func TestClosedDayReadsLikeAnOpenOne(t *testing.T) {
	s, m, _ := run(t, server(t).Address)
	ctx := context.Background()
	records := calls(40, 200)
	s.Append(nil, records, stints())
	drained(t, s, m)
	before, err := s.Lines(ctx, today, today)
	if err != nil {
		t.Fatal(err)
	}
	day, _ := s.Day(ctx, today)
	if _, err := s.CloseDay(ctx, today, evening.Add(-2*time.Hour)); !errors.Is(err, ErrDayNotOver) {
		t.Errorf("before midnight: %v", err)
	}
	closeToday(t, s)
	if again, err := s.CloseDay(ctx, today, evening); again || err != nil {
		t.Errorf("a second time: %v, %v", again, err)
	}
	after, err := s.Lines(ctx, today, today)
	if err != nil || !reflect.DeepEqual(normal(before), normal(after)) {
		t.Errorf("the line before %+v\nand after %+v, %v", before, after, err)
	}
	closed, err := s.Day(ctx, today)
	if err != nil || !reflect.DeepEqual(day, closed) {
		t.Errorf("the day before %v\nand after %v, %v", day, closed, err)
	}
	if left := s.client.Keys(ctx, "hotline:{lyg}:traffic:2026-11-24*").Val(); len(left) > 0 {
		t.Errorf("keys that were packed are left: %v", left)
	}
	if differences, err := s.Verify(ctx, today); err != nil || len(differences) > 0 {
		t.Errorf("Verify: %v, %v", differences, err)
	}
	if differences, err := s.VerifyMonth(ctx, today.Month()); err != nil || len(differences) > 0 {
		t.Errorf("VerifyMonth: %v, %v", differences, err)
	}
	if differences, err := s.VerifyYear(ctx, 2026); err != nil || len(differences) > 0 {
		t.Errorf("VerifyYear: %v, %v", differences, err)
	}
}

// normal makes times comparable.
func normal(lines []Line) []Line {
	for i := range lines {
		lines[i].Peaks.CallsAt, lines[i].Peaks.WaitingAt = lines[i].Peaks.CallsAt.UTC(), lines[i].Peaks.WaitingAt.UTC()
	}
	return lines
}

func TestCorrectionOfAClosedDayIsVisibleAndDated(t *testing.T) {
	s, m, _ := run(t, server(t).Address)
	ctx := context.Background()
	records := calls(41, 101)
	s.Append(nil, records[:100], stints())
	drained(t, s, m)
	closeToday(t, s)
	closing, err := s.Closing(ctx, today)
	if err != nil || closing.Calls != 100 || closing.Stints != 5 || !closing.At.Equal(evening) || len(closing.Checksum) != 64 {
		t.Errorf("closed with %+v, %v", closing, err)
	}
	began := time.Now().Add(-time.Second)
	s.Append(nil, records[100:], nil)
	s.Append(nil, records[90:], nil)
	drained(t, s, m)
	corrections, err := s.Corrections(ctx, today)
	if err != nil || len(corrections) != 1 || corrections[0].ID != string(records[100].Call) || corrections[0].At.Before(began) {
		t.Errorf("corrections: %+v, %v", corrections, err)
	}
	lines, err := s.Lines(ctx, today, today)
	if err != nil {
		t.Fatal(err)
	}
	site := lines[0].Site
	if got := site[traffic.CountOffered] + site[traffic.CountNotOffered]; got != 101 {
		t.Errorf("the line has %d calls", got)
	}
	if differences, err := s.Verify(ctx, today); err != nil || len(differences) > 0 {
		t.Errorf("Verify: %v, %v", differences, err)
	}
	// Somebody takes a record away.
	first := s.client.XRangeN(ctx, s.keys.records(today), "-", "+", 1).Val()[0]
	s.client.XDel(ctx, s.keys.records(today), first.ID)
	differences, err := s.Verify(ctx, today)
	if err != nil || len(differences) == 0 || !strings.Contains(differences[len(differences)-1].String(), "closed with 100 calls") {
		t.Errorf("Verify: %v, %v; want that the closing differs", differences, err)
	}
}

func TestDayIsNotClosedTooEarly(t *testing.T) {
	s, m, _ := run(t, server(t).Address)
	ctx := context.Background()
	records := calls(42, 30)
	live := acd.CallStatus{Call: "late", Phase: acd.PhaseTalking, Arrived: today.End(shanghai).Add(-time.Second), Queued: today.End(shanghai).Add(-time.Second)}
	s.Append([]acd.Change{{Call: &live}}, records[:29], nil)
	drained(t, s, m)
	if _, err := s.CloseDay(ctx, today, evening); !errors.Is(err, ErrCallsGoOn) {
		t.Errorf("while a call goes on: %v", err)
	}
	s.Append([]acd.Change{gone("late")}, nil, nil)
	drained(t, s, m)
	// A record comes between the recount and the closing.
	_, recounted, err := s.recounted(ctx, today, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := apply(t, s, s.client, records[29]); n != 1 || err != nil {
		t.Fatalf("applying a record: %d, %v", n, err)
	}
	closing := Closing{LastCall: recounted.lastCall, LastStint: recounted.lastStint}
	if _, err := s.pack(ctx, today, closing, Line{}, recounted.DayTraffic); !errors.Is(err, ErrDayChanging) {
		t.Errorf("while something is counted: %v", err)
	}
	// The counters are not a recount.
	s.client.HIncrBy(ctx, s.keys.day(today), "site:|offered", 1)
	var differ *DifferencesError
	if _, err := s.CloseDay(ctx, today, evening); !errors.As(err, &differ) || len(differ.Differences) != 1 {
		t.Errorf("with a wrong counter: %v", err)
	}
	s.client.HIncrBy(ctx, s.keys.day(today), "site:|offered", -1)
	closeToday(t, s)
	holds(t, s, records)
}

// What is still to be written for other days, as there always is, holds nothing up:
// the time of agents who are logged in is counted just before a day is closed.
func TestOtherDaysDoNotHoldUpTheClosing(t *testing.T) {
	s, m, stop := run(t, server(t).Address)
	ctx := context.Background()
	s.Append(nil, calls(43, 30), nil)
	drained(t, s, m)
	if err := stop(); err != nil { // what is appended from here on waits
		t.Fatal(err)
	}
	tomorrow := today.End(shanghai).Add(time.Minute)
	stint := func(from time.Time) []acd.Stint {
		return []acd.Stint{{Version: acd.RecordVersion, Agent: "1001", State: acd.Ready, From: from, To: from.Add(time.Minute)}}
	}
	late := acd.CallStatus{Call: "late", Phase: acd.PhaseWaiting, Arrived: tomorrow.Add(-time.Hour)}
	s.Append([]acd.Change{{Call: &late}}, nil, nil)
	if _, err := s.CloseDay(ctx, today, evening); !errors.Is(err, ErrCallsGoOn) {
		t.Errorf("with a call of the day that is not written yet: %v", err)
	}
	late.Arrived = tomorrow
	s.Append([]acd.Change{{Call: &late}}, nil, stint(tomorrow.Add(-time.Hour)))
	if _, err := s.CloseDay(ctx, today, evening); !errors.Is(err, ErrDayChanging) {
		t.Errorf("with a stint of the day that is not written yet: %v", err)
	}
	s.waiting = backlog{}
	s.Append([]acd.Change{{Call: &late}}, nil, stint(tomorrow))
	closeToday(t, s)
}

// The calls of a controller that died stay listed as in progress.
func TestCallsOfTheDeadDoNotKeepADayOpen(t *testing.T) {
	s, m, _ := run(t, server(t).Address)
	ctx := context.Background()
	s.Append([]acd.Change{{Call: &acd.CallStatus{Call: "dead", Phase: acd.PhaseTalking, Arrived: morning, Queued: morning}}}, calls(44, 30), nil)
	drained(t, s, m)
	if _, err := s.CloseDay(ctx, today, today.End(shanghai).Add(giveUpCalls)); !errors.Is(err, ErrCallsGoOn) {
		t.Errorf("after a day: %v", err)
	}
	if closed, err := s.CloseDay(ctx, today, today.End(shanghai).Add(giveUpCalls+time.Second)); !closed || err != nil {
		t.Errorf("after more than a day: %v, %v", closed, err)
	}
}

// A day that cannot be closed wholly is as before.
func TestDayIsClosedWhollyOrNotAtAll(t *testing.T) {
	address := server(t).Address
	ctx := context.Background()
	for name, spoil := range map[string]func(*Store) (repair func()){
		"lines of a wrong type": func(s *Store) func() {
			s.client.Set(ctx, s.keys.lines(2026), "x", 0)
			return func() { s.client.Del(ctx, s.keys.lines(2026)) }
		},
		"no right to delete": func(s *Store) func() {
			s.client.Do(ctx, "ACL", "SETUSER", "default", "-del")
			return func() { s.client.Do(ctx, "ACL", "SETUSER", "default", "+del") }
		},
		"a counter of the month that is not a number": func(s *Store) func() {
			s.client.HSet(ctx, s.keys.month(today.Month()), "site:|offered", "x")
			return func() { s.client.HDel(ctx, s.keys.month(today.Month()), "site:|offered") }
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, m, _ := run(t, address, func(o *Options) { o.Site = strings.ReplaceAll(name, " ", "_") })
			records := calls(45, 40)
			s.Append(nil, records, stints())
			drained(t, s, m)
			repair := spoil(s)
			if closed, err := s.CloseDay(ctx, today, evening); err == nil || closed {
				t.Errorf("closed: %v, %v", closed, err)
			}
			repair()
			if open, err := s.OpenDays(ctx); err != nil || len(open) != 2 {
				t.Errorf("open days: %v, %v", open, err)
			}
			if differences, err := s.Verify(ctx, today); err != nil || len(differences) > 0 {
				t.Errorf("after it: %v, %v", differences, err)
			}
			if differences, err := s.VerifyMonth(ctx, today.Month()); err != nil || len(differences) > 0 {
				t.Errorf("the month after it: %v, %v", differences, err)
			}
			closeToday(t, s)
			if differences, err := s.VerifyMonth(ctx, today.Month()); err != nil || len(differences) > 0 {
				t.Errorf("the month after closing: %v, %v", differences, err)
			}
		})
	}
}
