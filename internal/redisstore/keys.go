package redisstore

import (
	"fmt"
	"strconv"
	"strings"

	"hotline/internal/access"
	"hotline/internal/acd"
	"hotline/internal/calendar"
	"hotline/internal/traffic"
)

// keys builds the name of every key. All names of a site share the hash tag
// {site}, so that a Redis cluster keeps together what one script touches.
//
//	hotline:{site}:live:call                  hash   call id → the call in progress, as JSON;
//	                                                 likewise agent, callback, queue, partner, block, talked, place, site
//	hotline:{site}:live:version               string acd.StateVersion of whoever wrote them
//	hotline:{site}:live:through               hash   token, seq: of the lease under which they were written, and how far
//	hotline:{site}:lease                      hash   token and holder of the lease; expires
//	hotline:{site}:fence                      string token of the last lease that was given
//	hotline:{site}:alive                      string when a holder of the lease last said so, ms since 1970
//	hotline:{site}:server                     hash   run id of the Redis that was asked for the lease, and since when
//	hotline:{site}:free                       string there when the last holder has given the lease back
//	hotline:{site}:controllers                hash   id → Controller as JSON
//	hotline:{site}:records:2026-11-24         stream fields call, record: calls offered on that day
//	hotline:{site}:stints:2026-11-24          stream fields call, record: what agents did on that day
//	hotline:{site}:records:2026-11-24:restoring, likewise stints: archived entries, while they are put back
//	hotline:{site}:counted:2026-11-24         set    ids of the entries of both streams; expires
//	hotline:{site}:open                       set    days of which something was counted and that are not closed
//	hotline:{site}:sets                       hash   day that is open → least set of counters with which it was counted
//	hotline:{site}:closed                     hash   day → what it was closed with, as JSON
//	hotline:{site}:importing                  zset   day and import under way, by the time until when it holds the day open
//	hotline:{site}:imported                   hash   month or year → Imported, as JSON
//	hotline:{site}:corrections:2026-11-24     list   what came after the day was closed
//	hotline:{site}:packed:2026-11-24          hash   day, intervals → counters of a closed day, packed
//	hotline:{site}:lines:2026                 hash   day → Line of a closed day, as JSON
//	hotline:{site}:traffic:2026               hash   counters of the year's closed days
//	hotline:{site}:traffic:2026-11            hash   counters of the month's closed days
//	hotline:{site}:traffic:2026-11-24         hash   counters of the day
//	hotline:{site}:traffic:2026-11-24:37      hash   counters of the day's interval 37
//	hotline:{site}:access:users               hash   name → user with the hash of the password, as JSON
//	hotline:{site}:access:sessions            hash   SHA-256 of the secret → session, as JSON; likewise tokens
//	hotline:{site}:configurations             list   AppliedConfiguration as JSON, the newest first
//	hotline:{site}:configurations:texts       hash   version → text of the configuration file
//	hotline:{site}:audit                      stream field entry: what was done over the API and by whom, as JSON
//
// Records have a stream for each day, not one for the site: a day is then
// recounted by reading exactly its own calls, however late they were written,
// and old days can be archived or dropped as a whole.
//
// A counter's field is its dimension key and its name: site:|offered,
// queue:general|wait_ms.
type keys struct{ prefix string }

func newKeys(site string) (keys, error) {
	if site == "" || strings.ContainsAny(site, "{}: \t\r\n") {
		return keys{}, fmt.Errorf("%q cannot name a site in Redis: use letters, digits, - and _", site)
	}
	return keys{prefix: "hotline:{" + site + "}:"}, nil
}

func (k keys) live(kind acd.Kind) string       { return k.prefix + "live:" + string(kind) }
func (k keys) stateVersion() string            { return k.prefix + "live:version" }
func (k keys) through() string                 { return k.prefix + "live:through" }
func (k keys) lease() string                   { return k.prefix + "lease" }
func (k keys) fence() string                   { return k.prefix + "fence" }
func (k keys) alive() string                   { return k.prefix + "alive" }
func (k keys) server() string                  { return k.prefix + "server" }
func (k keys) free() string                    { return k.prefix + "free" }
func (k keys) controllers() string             { return k.prefix + "controllers" }
func (k keys) records(day calendar.Day) string { return k.prefix + "records:" + day.String() }
func (k keys) counted(day calendar.Day) string { return k.prefix + "counted:" + day.String() }
func (k keys) stints(day calendar.Day) string  { return k.prefix + "stints:" + day.String() }
func (k keys) open() string                    { return k.prefix + "open" }
func (k keys) sets() string                    { return k.prefix + "sets" }
func (k keys) importing() string               { return k.prefix + "importing" }
func (k keys) imported() string                { return k.prefix + "imported" }
func (k keys) closed() string                  { return k.prefix + "closed" }
func (k keys) packed(day calendar.Day) string  { return k.prefix + "packed:" + day.String() }
func (k keys) lines(year int) string           { return k.prefix + fmt.Sprintf("lines:%04d", year) }
func (k keys) day(day calendar.Day) string     { return k.prefix + "traffic:" + day.String() }
func (k keys) month(m calendar.Month) string   { return k.prefix + "traffic:" + m.String() }
func (k keys) year(year int) string            { return k.prefix + fmt.Sprintf("traffic:%04d", year) }

func (k keys) access(shelf access.Shelf) string { return k.prefix + "access:" + string(shelf) }
func (k keys) audit() string                    { return k.prefix + "audit" }
func (k keys) configurations() string           { return k.prefix + "configurations" }
func (k keys) configurationTexts() string       { return k.prefix + "configurations:texts" }

// restoring names the stream into which the entries of another are put back.
func (k keys) restoring(stream string) string { return stream + ":restoring" }

func (k keys) corrections(day calendar.Day) string {
	return k.prefix + "corrections:" + day.String()
}

func (k keys) interval(i calendar.Interval) string {
	return k.day(i.Day) + ":" + strconv.Itoa(i.Index)
}

const fieldSeparator = "|"

func counterField(key traffic.Key, counter traffic.Counter) string {
	return key.String() + fieldSeparator + string(counter)
}

// parseCounterField is the inverse of counterField. A queue's id may hold the
// separator, a counter's name never does.
func parseCounterField(field string) (traffic.Key, traffic.Counter, bool) {
	at := strings.LastIndex(field, fieldSeparator)
	if at < 0 {
		return traffic.Key{}, "", false
	}
	key, ok := traffic.ParseKey(field[:at])
	return key, traffic.Counter(field[at+1:]), ok
}
