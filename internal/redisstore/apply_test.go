package redisstore

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"hotline/internal/acd"
	"hotline/internal/traffic"
)

// apply runs the script once for a record, without the writer.
func apply(t testing.TB, s *Store, client redis.UniversalClient, record acd.CallRecord) (int, error) {
	t.Helper()
	scriptKeys, args := argsOf(t, s, record)
	results, err := client.Eval(context.Background(), applySource, scriptKeys, args...).Int64Slice()
	if err != nil {
		return 0, err
	}
	return 1 - len(results), nil
}

// argsOf are KEYS and ARGV of the script for one record.
func argsOf(t testing.TB, s *Store, record acd.CallRecord) ([]string, []any) {
	t.Helper()
	entry, err := countCall(record, s.location)
	if err != nil {
		t.Fatal(err)
	}
	return applyArgs(s.keys, s.sets.Latest(), dayOf(record, s.location), []countable{entry}, morning)
}

// A script that cannot do all of its work does nothing: the record counts
// when the obstacle is gone, and only then.
func TestRecordIsAppliedWhollyOrNotAtAll(t *testing.T) {
	address := address(t)
	ctx := context.Background()
	records := calls(20, 2)
	first, second := records[0], records[1]
	for i := range records {
		first, second = records[i], records[1-i]
		if second.Offered() {
			break
		}
	}
	interval := traffic.Fold(second, shanghai)[0].Interval
	wrongType := func(key func(*Store) string) func(*Store) (string, func()) {
		return func(s *Store) (string, func()) {
			name := key(s)
			s.client.Rename(ctx, name, name+":away") // fails where there is none
			s.client.Set(ctx, name, "x", 0)
			return name, func() {
				s.client.Del(ctx, name)
				s.client.Rename(ctx, name+":away", name)
			}
		}
	}
	noNumber := func(key func(*Store) string, counter traffic.Counter) func(*Store) (string, func()) {
		return func(s *Store) (string, func()) {
			name, field := key(s), counterField(traffic.Site, counter)
			before, missing := s.client.HGet(ctx, name, field).Result()
			s.client.HSet(ctx, name, field, "x")
			return name, func() {
				s.client.HDel(ctx, name, field)
				if missing == nil {
					s.client.HSet(ctx, name, field, before)
				}
			}
		}
	}
	day := func(s *Store) string { return s.keys.day(today) }
	quarter := func(s *Store) string { return s.keys.interval(interval) }
	withoutRight := func(command string) func(*Store) (string, func()) {
		return func(s *Store) (string, func()) {
			s.client.Do(ctx, "ACL", "SETUSER", "tester", "-"+command)
			return "", func() { s.client.Do(ctx, "ACL", "SETUSER", "tester", "+"+command) }
		}
	}
	for name, spoil := range map[string]func(*Store) (key string, repair func()){
		"ids of a wrong type":         wrongType(func(s *Store) string { return s.keys.counted(today) }),
		"stream of a wrong type":      wrongType(func(s *Store) string { return s.keys.records(today) }),
		"live calls of a wrong type":  wrongType(func(s *Store) string { return s.keys.live(acd.KindCall) }),
		"sets of a wrong type":        wrongType(func(s *Store) string { return s.keys.sets() }),
		"day of a wrong type":         wrongType(day),
		"interval of a wrong type":    wrongType(quarter),
		"sum of the day":              noNumber(day, traffic.CountOffered),
		"sum of the interval":         noNumber(quarter, traffic.CountOffered),
		"maximum of the day":          noNumber(day, traffic.MaxWait),
		"maximum of the interval":     noNumber(quarter, traffic.MaxWait),
		"no right to write the ids":   withoutRight("sadd"),
		"no right to let ids expire":  withoutRight("expire"),
		"no right to add a record":    withoutRight("xadd"),
		"no right to count":           withoutRight("hset"),
		"no right to end a live call": withoutRight("hdel"),
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, address, func(o *Options) { o.Site = strings.ReplaceAll(name, " ", "_") })
			s.client.Do(ctx, "ACL", "SETUSER", "tester", "reset", "on", ">x", "~*", "+@all")
			limited := redis.NewClient(&redis.Options{Addr: address, Username: "tester", Password: "x", MaxRetries: -1})
			defer limited.Close()
			if n, err := apply(t, s, limited, first); n != 1 || err != nil {
				t.Fatalf("the record before: %d, %v", n, err)
			}
			s.client.HSet(ctx, s.keys.live(acd.KindCall), string(second.Call), "{}")
			key, repair := spoil(s)
			for range 2 {
				if n, err := apply(t, s, limited, second); err == nil || !strings.Contains(err.Error(), key) {
					t.Errorf("the script answered %d, %v; want an error that names %q", n, err, key)
				}
			}
			repair()
			holds(t, s, []acd.CallRecord{first})
			if live := s.client.HExists(ctx, s.keys.live(acd.KindCall), string(second.Call)).Val(); !live {
				t.Error("the call is no longer live")
			}
			if n, err := apply(t, s, limited, second); n != 1 || err != nil {
				t.Errorf("after the repair the script answered %d, %v; want 1", n, err)
			}
			if n, err := apply(t, s, limited, second); n != 0 || err != nil {
				t.Errorf("when sent again the script answered %d, %v; want 0", n, err)
			}
			holds(t, s, []acd.CallRecord{first, second})
			if live := s.client.HExists(ctx, s.keys.live(acd.KindCall), string(second.Call)).Val(); live {
				t.Error("the call is still live")
			}
		})
	}
}

// The ids of counted calls are kept as long as a record can come again, and
// not for ever. Each call of the day renews the time.
func TestCountedIDsExpire(t *testing.T) {
	s := open(t, address(t))
	ctx := context.Background()
	for _, record := range calls(21, 2) {
		if _, err := apply(t, s, s.client, record); err != nil {
			t.Fatal(err)
		}
		left := s.client.TTL(ctx, s.keys.counted(today)).Val()
		if left <= dedupeFor-time.Hour || left > dedupeFor {
			t.Errorf("the ids expire in %s, want %s", left, dedupeFor)
		}
		s.client.Persist(ctx, s.keys.counted(today))
	}
	for _, key := range []string{s.keys.records(today), s.keys.day(today)} {
		if left := s.client.TTL(ctx, key).Val(); left >= 0 {
			t.Errorf("%s expires in %s", key, left)
		}
	}
}
