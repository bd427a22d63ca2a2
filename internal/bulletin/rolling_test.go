package bulletin_test

import (
	"encoding/json"
	"testing"
	"time"

	"hotline/internal/bulletin"
	"hotline/internal/calendar"
)

// quartersUntil are those of two days, with what change does to them.
func quartersUntil(end time.Time, change func(i int, q *bulletin.Quarter)) []bulletin.Quarter {
	list := make([]bulletin.Quarter, bulletin.RollingQuarters)
	for i := range list {
		list[i].Start = end.Add(time.Duration(i-len(list)) * calendar.IntervalLength)
		change(i, &list[i])
	}
	return list
}

func TestRolling(t *testing.T) {
	end := time.Date(2026, time.November, 24, 4, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		change      func(i int, q *bulletin.Quarter)
		last, worst string
	}{
		"no calls": {func(int, *bulletin.Quarter) {},
			`{"from":"2026-11-23T04:00:00Z","to":"2026-11-24T04:00:00Z","offered":0,"answered":0,"connect_rate":null,"enough":true}`, `null`},
		"a bad hour 30 hours ago": {func(i int, q *bulletin.Quarter) {
			q.Offered, q.Answered = 10, 10
			if i >= 192-30*4 && i < 192-29*4 {
				q.Answered = 0
			}
		}, `{"from":"2026-11-23T04:00:00Z","to":"2026-11-24T04:00:00Z","offered":960,"answered":960,"connect_rate":100.00,"enough":true}`,
			`{"from":"2026-11-22T04:00:00Z","to":"2026-11-23T04:00:00Z","offered":960,"answered":920,"connect_rate":95.83,"enough":true}`},
		"95 per cent are enough": {func(i int, q *bulletin.Quarter) {
			if i >= 191 {
				q.Offered, q.Answered = 20, 19
			}
		}, `{"from":"2026-11-23T04:00:00Z","to":"2026-11-24T04:00:00Z","offered":20,"answered":19,"connect_rate":95.00,"enough":true}`,
			`{"from":"2026-11-23T04:00:00Z","to":"2026-11-24T04:00:00Z","offered":20,"answered":19,"connect_rate":95.00,"enough":true}`},
		"all windows without calls but the last": {func(i int, q *bulletin.Quarter) {
			if i >= 191 {
				q.Offered, q.Answered = 21, 19
			}
		}, `{"from":"2026-11-23T04:00:00Z","to":"2026-11-24T04:00:00Z","offered":21,"answered":19,"connect_rate":90.48,"enough":false}`,
			`{"from":"2026-11-23T04:00:00Z","to":"2026-11-24T04:00:00Z","offered":21,"answered":19,"connect_rate":90.48,"enough":false}`},
	} {
		last, worst := bulletin.Rolling(quartersUntil(end, c.change))
		for i, of := range []any{last, worst} {
			if got, err := json.Marshal(of); err != nil || string(got) != []string{c.last, c.worst}[i] {
				t.Errorf("%s: got %s, %v\nwant %s", name, got, err, []string{c.last, c.worst}[i])
			}
		}
	}
}
