package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Finding is the answer to one question of `hotline check`.
type Finding struct {
	Name   string
	OK     bool
	Detail string // what was found
	Remedy string // what to do; empty when OK
}

// Oldest major version of Redis that is supported: Debian 12 has 7.0, Debian 13 has 8.0.
const oldestRedis = 7

// Check examines the Redis that the store would use. It changes nothing.
// Later questions are left out when Redis cannot be asked.
func (s *Store) Check(ctx context.Context) []Finding {
	err := s.Ping(ctx)
	var password *PasswordError
	var unreachable *UnreachableError
	switch {
	case errors.As(err, &password):
		return []Finding{
			{Name: "redis reachable", OK: true, Detail: s.address},
			{Name: "redis password", Detail: err.Error(), Remedy: "set the password of requirepass, or of the ACL user, in hotline's configuration"},
		}
	case errors.As(err, &unreachable):
		return []Finding{{Name: "redis reachable", Detail: err.Error(), Remedy: "start redis-server, or correct its address in hotline's configuration"}}
	case err != nil:
		return []Finding{{Name: "redis reachable", Detail: err.Error(), Remedy: "see the log of redis-server"}}
	}
	findings := []Finding{
		{Name: "redis reachable", OK: true, Detail: s.address},
		{Name: "redis password", OK: true, Detail: "accepted"},
		s.checkVersion(ctx),
		s.checkSetting(ctx, "redis persistence", "appendonly", "yes",
			"set appendonly yes in redis.conf, else a restart of Redis loses the day's figures"),
		s.checkSync(ctx),
		s.checkSetting(ctx, "redis eviction", "maxmemory-policy", "noeviction",
			"set maxmemory-policy noeviction in redis.conf, else Redis silently drops figures when its memory is full"),
		s.checkDays(ctx, time.Now()),
	}
	if s.seeker != nil {
		findings = append(findings, s.checkReplicas(ctx))
	}
	return findings
}

// Overdue is how long after its end a day should be closed at the latest, by people.
const Overdue = time.Hour

// checkDays looks for days that should be closed and are not.
func (s *Store) checkDays(ctx context.Context, now time.Time) Finding {
	finding := Finding{Name: "days closed", Remedy: "correct what is said of the key in Redis"}
	open, err := s.OpenDays(ctx)
	if err != nil {
		finding.Detail = err.Error()
		return finding
	}
	var late []string
	for _, day := range open {
		since := now.Sub(day.End(s.location))
		if since < Overdue {
			continue
		}
		why := ", and nothing hinders it"
		if err := s.nothingGoesOn(ctx, day, now); err != nil {
			why = ": " + err.Error()
		}
		late = append(late, fmt.Sprintf("%s ended %s ago and is not closed%s", day, since.Truncate(time.Minute), why))
		finding.Remedy = "a running hotline serve closes days; let it run, and see in its log why it does not close this one, and with hotline traffic verify --day " + day.String() + " whether counters differ"
	}
	if finding.Detail = strings.Join(late, "; "); len(late) == 0 {
		return Finding{Name: finding.Name, OK: true, Detail: "every day that ended more than an hour ago"}
	}
	return finding
}

func (s *Store) checkVersion(ctx context.Context) Finding {
	finding := Finding{Name: "redis version", Remedy: fmt.Sprintf("install Redis %d.0 or newer, as Debian 12 and 13 have it", oldestRedis)}
	info, err := s.client.Info(ctx, "server").Result()
	if err != nil {
		finding.Detail = "INFO failed: " + s.explain(err).Error()
		return finding
	}
	version := infoField(info, "redis_version")
	finding.Detail = version
	if versionOK(version) {
		finding.OK, finding.Remedy = true, ""
	}
	return finding
}

// infoField is a field of what INFO answers; empty when there is none.
func infoField(info, name string) string {
	for line := range strings.Lines(info) {
		if v, found := strings.CutPrefix(line, name+":"); found {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func versionOK(version string) bool {
	major, _, _ := strings.Cut(version, ".")
	n, err := strconv.Atoi(major)
	return err == nil && n >= oldestRedis
}

func (s *Store) checkSetting(ctx context.Context, name, setting, want, remedy string) Finding {
	values, err := s.client.ConfigGet(ctx, setting).Result()
	switch value, known := values[setting]; {
	case err != nil:
		return Finding{Name: name, Detail: "CONFIG GET " + setting + " failed: " + s.explain(err).Error(),
			Remedy: "allow CONFIG GET to hotline's user, and make sure that " + setting + " is " + want}
	case !known:
		return Finding{Name: name, Detail: "Redis does not know the setting " + setting, Remedy: remedy}
	case value != want:
		return Finding{Name: name, Detail: setting + " is " + value, Remedy: remedy}
	default:
		return Finding{Name: name, OK: true, Detail: setting + " is " + value}
	}
}

// checkReplicas tells what bounds the time for which a master that is cut off from
// its replicas takes what another will not have.
func (s *Store) checkReplicas(ctx context.Context) Finding {
	const name, setting = "redis replicas", "min-replicas-to-write"
	finding := s.checkSetting(ctx, name, setting, "1", "set min-replicas-to-write 1")
	if finding.Detail == setting+" is 0" {
		return Finding{Name: name, OK: true, Detail: setting + " is 0: a master that is cut off for longer than a minute can lose records; with 1 it takes none then"}
	}
	finding.OK = finding.OK || strings.HasPrefix(finding.Detail, setting+" is ")
	if finding.OK {
		finding.Remedy = ""
	}
	return finding
}

// checkSync tells apart what a crash of Redis or its machine can cost. With
// everysec, Redis acknowledges writes up to two seconds before they are in the
// append-only file. The store writes in batches, so that always costs little.
func (s *Store) checkSync(ctx context.Context) Finding {
	const name, setting = "redis sync", "appendfsync"
	finding := s.checkSetting(ctx, name, setting, "always", "set appendfsync always in redis.conf (everysec can lose the last two seconds of records in a crash)")
	if finding.Detail == setting+" is everysec" {
		return Finding{Name: name, OK: true, Detail: "appendfsync is everysec: a crash of Redis can lose the last two seconds of records; always loses none"}
	}
	return finding
}
