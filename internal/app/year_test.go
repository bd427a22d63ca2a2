package app

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/bulletin"
	"hotline/internal/calendar"
	"hotline/internal/redisstore"
	"hotline/internal/redisstore/redistest"
	"hotline/internal/traffic"
)

// What Lianyungang published of 2023; offered is what the connect rate implies.
const (
	offered2023       = 1_126_836
	answered2023      = 1_107_680
	outbound2023      = 139_412
	longTalks2023     = 27_138 // 2.45 %
	longOutbound2023  = 1_046  // 0.75 %
	meanWait2023      = 6 * time.Second
	meanTalk2023      = 216 * time.Second
	meanOutbound2023  = 140 * time.Second
	yearQueues        = 20
	yearAgents        = 300
	agentsOnDuty      = 100
	yearAttempted2023 = 160_000
)

// yearOf2023 makes the calls of a year whose totals and means are those published:
// in whichever way they are spread over days, queues and agents.
type yearOf2023 struct {
	random                     *rand.Rand
	waits, talks, outs         pairs
	serial, left, answeredLeft int
	outLeft, outAnsweredLeft   int
	longLeft, longOutLeft      int
}

// pairs draws durations whose mean is exact: every second one is what the one
// before lacks.
type pairs struct {
	mean, spread time.Duration
	other        time.Duration
	second       bool
}

func (p *pairs) draw(random *rand.Rand) time.Duration {
	if p.second = !p.second; !p.second {
		return p.other
	}
	off := time.Duration(random.Int64N(int64(2*p.spread))) - p.spread
	p.other = p.mean - off
	return p.mean + off
}

func newYear() *yearOf2023 {
	// Of those who talk no longer than ten minutes, the mean that makes the mean of
	// all come out, with 800 s for the others.
	short := func(mean time.Duration, all, long int) time.Duration {
		return (mean*time.Duration(all) - 800*time.Second*time.Duration(long)) / time.Duration(all-long)
	}
	return &yearOf2023{
		random: rand.New(rand.NewPCG(2023, 1)),
		waits:  pairs{mean: meanWait2023, spread: meanWait2023},
		talks:  pairs{mean: short(meanTalk2023, answered2023, longTalks2023), spread: 180 * time.Second},
		outs:   pairs{mean: short(meanOutbound2023, outbound2023, longOutbound2023), spread: 120 * time.Second},
		left:   offered2023, answeredLeft: answered2023, outLeft: yearAttempted2023, outAnsweredLeft: outbound2023,
		longLeft: longTalks2023, longOutLeft: longOutbound2023,
	}
}

// some decides whether the next of so many left is one of the chosen ones, such
// that in the end exactly those are.
func (y *yearOf2023) some(chosen, left int) bool { return y.random.IntN(left) < chosen }

// hourWeights of a city's day.
var hourWeights = []float64{2, 1, 1, 1, 1, 2, 3, 6, 10, 12, 12, 9, 6, 7, 10, 11, 10, 8, 6, 5, 5, 4, 3, 2}

func (y *yearOf2023) moment(day calendar.Day, loc *time.Location) time.Time {
	sum := 0.0
	for _, w := range hourWeights {
		sum += w
	}
	at, hour := y.random.Float64()*sum, 0
	for at >= hourWeights[hour] {
		at -= hourWeights[hour]
		hour++
	}
	return day.Start(loc).Add(time.Duration((float64(hour) + at/hourWeights[hour]) * float64(time.Hour))).Truncate(time.Millisecond)
}

// day makes the calls of one of so many days left.
func (y *yearOf2023) day(day calendar.Day, daysLeft int, loc *time.Location) (records []acd.CallRecord) {
	for range int(math.Round(float64(y.left) / float64(daysLeft))) {
		records = append(records, y.inbound(y.moment(day, loc)))
	}
	for range int(math.Round(float64(y.outLeft) / float64(daysLeft))) {
		records = append(records, y.outbound(y.moment(day, loc)))
	}
	slices.SortFunc(records, func(a, b acd.CallRecord) int { return a.Ended.Compare(b.Ended) })
	return records
}

func (y *yearOf2023) record(at time.Time) acd.CallRecord {
	y.serial++
	return acd.CallRecord{
		Version: acd.RecordVersion, Call: acd.CallID("a1-" + strconv.Itoa(y.serial)), Node: "a1", Entry: "12345", Caller: "13905180000",
		Queue: acd.QueueID("queue-" + strconv.Itoa(y.random.IntN(yearQueues))), Arrived: at,
	}
}

func (y *yearOf2023) agent(at time.Time) acd.AgentID {
	shift := at.Hour() / 8
	return acd.AgentID(strconv.Itoa(1001 + shift*agentsOnDuty + y.random.IntN(agentsOnDuty)))
}

func (y *yearOf2023) inbound(at time.Time) acd.CallRecord {
	r := y.record(at)
	r.Queued = at
	answered := y.some(y.answeredLeft, y.left)
	y.left--
	if !answered {
		r.Result, r.Reason, r.Ended = acd.Abandoned, acd.CallerHungUp, at.Add(time.Duration(y.random.IntN(90_000))*time.Millisecond)
		return r
	}
	long := y.some(y.longLeft, y.answeredLeft)
	y.answeredLeft--
	r.Result, r.Reason = acd.Answered, acd.CallerHungUp
	r.Answered = at.Add(y.waits.draw(y.random))
	talk := 800 * time.Second
	if long {
		y.longLeft--
	} else {
		talk = y.talks.draw(y.random)
	}
	r.Ended = r.Answered.Add(talk)
	r.Agent, r.Seat = y.agent(at), "8001"
	r.Offers = []acd.OfferRecord{{Agent: r.Agent, Seat: r.Seat, Made: at, Rang: at.Add(100 * time.Millisecond), Ended: r.Answered, Outcome: acd.OfferAnswered}}
	return r
}

func (y *yearOf2023) outbound(at time.Time) acd.CallRecord {
	r := y.record(at)
	r.Direction, r.Agent = acd.Outbound, y.agent(at)
	answered := y.some(y.outAnsweredLeft, y.outLeft)
	y.outLeft--
	r.Result, r.Reason, r.Ended = acd.NotReached, acd.CallerNotReached, at.Add(20*time.Second)
	if !answered {
		return r
	}
	long := y.some(y.longOutLeft, y.outAnsweredLeft)
	y.outAnsweredLeft--
	r.Result, r.Reason, r.Answered = acd.Answered, acd.AgentHungUp, at.Add(8*time.Second)
	talk := 800 * time.Second
	if long {
		y.longOutLeft--
	} else {
		talk = y.outs.draw(y.random)
	}
	r.Ended = r.Answered.Add(talk)
	return r
}

// stints of the agents on duty in three shifts.
func (y *yearOf2023) stints(day calendar.Day, loc *time.Location) (stints []acd.Stint) {
	for shift := range 3 {
		for n := range agentsOnDuty {
			at := day.Start(loc).Add(time.Duration(shift) * 8 * time.Hour)
			agent := acd.AgentID(strconv.Itoa(1001 + shift*agentsOnDuty + n))
			for i := range 16 { // half an hour each
				s := acd.Stint{Version: acd.RecordVersion, Agent: agent, Seat: "8001", State: acd.Ready, From: at, To: at.Add(30 * time.Minute)}
				switch i % 4 {
				case 1:
					s.State = acd.Talking
				case 2:
					s.State = acd.WrapUp
				case 3:
					s.State, s.Reason = acd.NotReady, "break"
				}
				at = s.To
				stints = append(stints, s)
			}
		}
	}
	return stints
}

// TestYearAsPublished feeds a whole year of calls through the script of live calls
// into a real Redis, closes each day, and prints the table that the city published.
// It takes minutes: HOTLINE_YEAR=1, or make year.
func TestYearAsPublished(t *testing.T) {
	if os.Getenv("HOTLINE_YEAR") == "" {
		t.Skip("takes minutes; HOTLINE_YEAR=1")
	}
	loc, err := time.LoadLocation(calendar.DefaultZone)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	server := redistest.Start(t)
	store, err := redisstore.New(redisstore.Options{Address: server.Address, Site: "lyg", Location: loc, Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- store.Run(running) }()

	rows, err := ReadYears("2022.csv", strings.NewReader(YearsHead()+"\n"+published2022))
	if err != nil {
		t.Fatal(err)
	}
	if err := store.ImportYears(ctx, map[string]traffic.Counters{"2022": rows[0].Counters}, "2022.csv", false, time.Now()); err != nil {
		t.Fatal(err)
	}
	year, began, calls := newYear(), time.Now(), 0
	days := calendar.DaysBetween(calendar.NewDay(2023, time.January, 1), calendar.NewDay(2023, time.December, 31))
	raw := redis.NewClient(&redis.Options{Network: "unix", Addr: server.Address})
	defer raw.Close()
	for i, day := range days {
		records := year.day(day, len(days)-i, loc)
		calls += len(records)
		store.Append(nil, records, year.stints(day, loc))
		if err := closeWhenWritten(ctx, store, day, loc); err != nil {
			t.Fatalf("%s: %v", day, err)
		}
		// Only the memory of the counters is of interest here.
		if i%30 == 29 || i == len(days)-1 {
			if err := dropStreams(ctx, raw); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d calls of %d days in %v, %.0f a second", calls, len(days), time.Since(began), float64(calls)/time.Since(began).Seconds())
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	info, err := raw.Info(ctx, "memory").Result()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(info) {
		if name, value, _ := strings.Cut(strings.TrimSpace(line), ":"); name == "used_memory" {
			used, err := strconv.ParseFloat(value, 64)
			if err != nil || used > 500e6 {
				t.Errorf("Redis uses %s bytes, %v", value, err)
			}
			t.Logf("Redis uses %.0f MB for a year of counters", used/1e6)
		}
	}
	table, err := store.Year(ctx, 2023)
	if err != nil {
		t.Fatal(err)
	}
	figures := traffic.Standard().Compute(table[traffic.Site])
	for metric, want := range map[traffic.Metric]string{
		traffic.Offered: fmt.Sprint(offered2023), traffic.Answered: "1107680", traffic.ConnectRate: "98.30", traffic.AverageWait: "6", traffic.AverageTalk: "216",
		traffic.TalkOver10Share: "2.45", traffic.OutboundAnswered: "139412", traffic.OutboundTalk: "140", traffic.OutboundOver10Part: "0.75",
		traffic.TotalAnswered: "1247092", traffic.TotalTalk: "208", traffic.TotalOver10Share: "2.26",
	} {
		if got := figures.Text(metric); got != want {
			t.Errorf("%s is %s, want %s", metric, got, want)
		}
	}
	began = time.Now()
	r, err := readBulletin(ctx, store, bulletin.Input{Period: bulletin.Year(2023), Location: loc, ReadAt: time.Now(), Definitions: traffic.Standard()})
	if err != nil {
		t.Fatal(err)
	}
	var csv strings.Builder
	if err := WriteBulletin(ctx, &csv, "csv", "zh", "", r); err != nil {
		t.Fatal(err)
	}
	t.Logf("the annual report took %v", time.Since(began))
	_, published, _ := strings.Cut(csv.String(), "\n")
	if want := "接听,1107680,-4.32,98.30,-0.20,6,-45.45,216,5.37,2.45,0.32\n呼出,139412,23.86,,,,,140,52.17,0.75,-0.01\n总计,1247092,-1.82,,,,,208,6.67,2.26,0.25\n"; !strings.HasPrefix(published, want) {
		t.Errorf("the report says\n%s\nand the city published\n%s", published[:min(len(published), 300)], want)
	}
	if differences, err := store.VerifyYear(ctx, 2023); err != nil || len(differences) > 0 {
		t.Errorf("VerifyYear: %d differences, %v", len(differences), err)
	}
}

// closeWhenWritten closes a day as soon as all of it is written.
func closeWhenWritten(ctx context.Context, store *redisstore.Store, day calendar.Day, loc *time.Location) error {
	for {
		closed, err := store.CloseDay(ctx, day, day.End(loc).Add(time.Hour))
		var slow *redisstore.UnreachableError // on a machine that has other things to do
		if closed || err != nil && !errors.Is(err, redisstore.ErrDayChanging) && !errors.As(err, &slow) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func dropStreams(ctx context.Context, raw *redis.Client) error {
	for _, kind := range []string{"records", "stints", "counted"} {
		names, err := raw.Keys(ctx, "hotline:{lyg}:"+kind+":*").Result()
		if err != nil {
			return err
		}
		if len(names) > 0 {
			if err := raw.Del(ctx, names...).Err(); err != nil {
				return err
			}
		}
	}
	return nil
}
