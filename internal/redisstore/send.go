package redisstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/calendar"
)

// send puts a batch through one pipeline and returns, for each entry, nil when
// Redis has certainly carried it out, or why not. After a lost connection that
// is unknown; to send an entry again that was carried out does no harm.
func (s *Store) send(ctx context.Context, batch []entry) []error {
	errs := make([]error, len(batch))
	recorded := s.parkedRecords() // calls whose record is parked or in this batch
	for _, e := range batch {
		if e.record != nil {
			recorded[string(e.record.Call)] = true
		}
	}
	pipe := s.client.Pipeline()
	// The live states first: the record of a call takes it out of them for good.
	var live []int
	for i, e := range batch {
		if e.counts() || e.endsCall() && recorded[e.live.ID] {
			continue // the script removes it: never without the record, even if that is refused
		}
		live = append(live, i)
	}
	states := s.queueLive(ctx, pipe, batch, live, s.changesThrough(batch), errs)
	groups := s.groups(batch, errs)
	s.queueGroups(ctx, pipe, groups, !s.knowsApply)
	if pipe.Len() == 0 {
		return errs
	}
	err := s.exec(ctx, pipe)
	noted := states.reply != nil && states.reply.Err() != nil
	for _, g := range groups {
		noted = noted || g.reply.Err() != nil // not so for some errors of the connection, such as a refused password
	}
	if noted {
		err = nil // it is that of a reply
	}
	for _, g := range groups {
		replied := cmp.Or(g.reply.Err(), err)
		s.knowsApply = replied == nil || s.knowsApply && !redis.HasErrorPrefix(replied, "NOSCRIPT")
	}
	s.readLive(ctx, batch, states, err, errs)
	s.meter.Records(s.readGroups(ctx, batch, groups, err, errs))
	return errs
}

// exec carries a pipeline out. While Redis is busy with it, what the next batch counts
// is found out, so that Redis need not wait for that.
func (s *Store) exec(ctx context.Context, pipe redis.Pipeliner) error {
	s.mu.Lock()
	next := s.waiting.upcoming(batchLimit)
	s.mu.Unlock()
	if len(next) == 0 {
		_, err := pipe.Exec(ctx)
		return err
	}
	done := make(chan error, 1)
	go func() {
		_, err := pipe.Exec(ctx)
		done <- err
	}()
	for _, e := range next {
		_, _ = s.countable(e) // an error is told when the entry is sent
	}
	return <-done
}

// group is what one call of the script applies: entries of one day and kind.
type group struct {
	day     calendar.Day
	at      []int // in the batch
	entries []countable
	reply   *redis.Cmd
}

// groupLimit bounds how long one call of the script takes.
const groupLimit = 1024

// groups puts the records and stints of a batch together, in their order.
func (s *Store) groups(batch []entry, errs []error) []*group {
	type kind struct {
		day   calendar.Day
		stint bool
	}
	var groups []*group
	open := map[kind]*group{}
	seen := map[kind]map[string]bool{}
	for i, e := range batch {
		if !e.counts() {
			continue
		}
		c, err := s.countable(e)
		if err != nil {
			errs[i] = &entryError{err}
			continue
		}
		if len(c.increments) == 0 {
			continue // a stint of less than a millisecond
		}
		k := kind{c.increments[0].Interval.Day, c.stint}
		g := open[k]
		// The same id twice in one group would count twice.
		if g == nil || len(g.at) >= groupLimit || seen[k][c.id] {
			g = &group{day: k.day}
			open[k], seen[k] = g, map[string]bool{}
			groups = append(groups, g)
		}
		if e.supposes() || e.stint != nil {
			c.supposed = s.madeUnder(e)
		}
		seen[k][c.id] = true
		g.at = append(g.at, i)
		g.entries = append(g.entries, c)
	}
	return groups
}

// madeUnder is the token of the lease under which a record was made; 0 when there was none.
func (s *Store) madeUnder(e entry) uint64 {
	if !e.found {
		return s.token.Load()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.spool.countedUnder
}

// countable says what a record or stint counts; only the writer calls it.
func (s *Store) countable(e entry) (countable, error) {
	p := e.ready
	switch {
	case p.known:
	case e.stint != nil:
		p.counted, p.err = countStint(*e.stint, s.location)
	default:
		p.counted, p.err = countCall(*e.record, s.location)
	}
	p.known = true
	return p.counted, p.err
}

// queueGroups puts a call of the script for each group into a pipeline; with load its text of
// 7 kB is sent along.
func (s *Store) queueGroups(ctx context.Context, pipe redis.Pipeliner, groups []*group, load bool) {
	for n, g := range groups {
		scriptKeys, args := applyArgs(s.keys, s.sets.Latest(), g.day, g.entries, time.Now())
		g.reply = queueApply(ctx, pipe, load && n == 0, scriptKeys, args)
	}
}

func (g *group) fail(err error, errs []error) {
	for _, i := range g.at {
		errs[i] = err
	}
}

// errGoesOn is that of a record whose call goes on under another controller.
var errGoesOn = errors.New("the call goes on under another controller")

// readGroups sets errs from the replies of the script. What was counted before is
// left out, as is what another controller goes on with, and the rest of its group sent again. An obstacle that lies in one entry
// fails its whole group: then each is tried by itself. It returns how many were
// applied now, and how many had been before.
func (s *Store) readGroups(ctx context.Context, batch []entry, groups []*group, execErr error, errs []error) (applied, duplicates int) {
	var doubtful []int
	var again []*group
	for _, g := range groups {
		before, goesOn, err := g.result(execErr)
		switch {
		case err != nil && len(g.at) > 1 && concernsEntry(err):
			for n := range g.at {
				again = append(again, &group{day: g.day, at: g.at[n : n+1], entries: g.entries[n : n+1]})
			}
		case err != nil:
			g.fail(err, errs)
		case len(before)+len(goesOn) == 0:
			applied += len(g.at)
		default:
			rest := &group{day: g.day}
			for n, i := range g.at {
				switch {
				case goesOn[n]:
					errs[i] = errGoesOn
				case !before[n]:
					rest.at, rest.entries = append(rest.at, i), append(rest.entries, g.entries[n])
				case batch[i].refused == nil || batch[i].record == nil:
					duplicates++
				default:
					doubtful = append(doubtful, i)
				}
			}
			if len(rest.at) > 0 {
				again = append(again, rest)
			}
		}
	}
	if len(doubtful) > 0 {
		duplicates += s.confirm(ctx, batch, doubtful, errs)
	}
	if len(again) == 0 {
		return applied, duplicates
	}
	pipe := s.client.Pipeline()
	s.queueGroups(ctx, pipe, again, true)
	_, err := pipe.Exec(ctx)
	for _, g := range again {
		if g.reply.Err() != nil {
			err = nil
		}
	}
	a, d := s.readGroups(ctx, batch, again, err, errs)
	return applied + a, duplicates + d
}

// result says which entries of the group had been applied before, and of which the call
// goes on; none when all were applied now.
func (g *group) result(execErr error) (before, goesOn map[int]bool, err error) {
	if err := cmp.Or(g.reply.Err(), execErr); err != nil {
		return nil, nil, err
	}
	indices, err := g.reply.Int64Slice()
	if err != nil {
		return nil, nil, fmt.Errorf("the script answered %v", g.reply.Val())
	}
	before, goesOn = make(map[int]bool, len(indices)), map[int]bool{}
	for _, i := range indices {
		if i < 0 {
			goesOn[int(-i)-1] = true
		} else {
			before[int(i)-1] = true
		}
	}
	return before, goesOn, nil
}

// confirm makes sure of records that Redis had refused and now calls
// duplicates. That is so when an attempt whose reply was lost, or another
// controller, has written them; but then they are among the day's records. It
// sets errs and returns how many are.
func (s *Store) confirm(ctx context.Context, batch []entry, doubtful []int, errs []error) (found int) {
	wanted := map[calendar.Day]map[string]bool{}
	for _, i := range doubtful {
		day := dayOf(*batch[i].record, s.location)
		if wanted[day] == nil {
			wanted[day] = map[string]bool{}
		}
		wanted[day][string(batch[i].record.Call)] = true
	}
	failures := map[calendar.Day]error{}
	for day, ids := range wanted {
		failures[day] = s.eachMessage(ctx, s.keys.records(day), "+", func(message redis.XMessage) error {
			id, _ := message.Values["call"].(string)
			delete(ids, id)
			return nil
		})
	}
	for _, i := range doubtful {
		id, day := string(batch[i].record.Call), dayOf(*batch[i].record, s.location)
		switch {
		case failures[day] != nil:
			errs[i] = failures[day]
		case wanted[day][id]:
			errs[i] = &entryError{fmt.Errorf("call %s is in %s and its record is not in %s: remove the id from the set, and the record is applied",
				id, s.keys.counted(day), s.keys.records(day))}
		default:
			found++
		}
	}
	return found
}

// dayOf is the day in which a call counts.
func dayOf(record acd.CallRecord, loc *time.Location) calendar.Day {
	return calendar.DayOf(record.CountsAt(), loc)
}

// logAnothers tells that an entry is left to the controller that leads now.
func (s *Store) logAnothers(e entry) {
	if e.stint != nil {
		s.log.Debug("an agent's time is another controller's to account for", zap.String("agent", string(e.stint.Agent)))
		return
	}
	s.log.Warn("a call that was thought to have ended goes on under another controller, which will write its record",
		zap.String("call", string(e.record.Call)), zap.String("reason", string(e.record.Reason)))
}

// settle forgets the entries of the batch in flight that are written, or another's, parks
// those that are refused one by one, and returns the rest with its first error.
func (s *Store) settle(batch []entry, errs []error) (rest []entry, hindrance error) {
	var refused, written, left []entry
	var oldest time.Time // of what was written
	for i, e := range batch {
		err := errs[i]
		switch {
		case fenced(err) && !e.counts():
			continue // another controller writes its own
		case errors.Is(err, errGoesOn):
			s.logAnothers(e)
			left = append(left, e)
			continue
		case err == nil:
			if e.counts() {
				written = append(written, e)
			}
			if oldest.IsZero() || e.at.Before(oldest) {
				oldest = e.at
			}
			if e.parked {
				s.logParked(e, nil)
			}
			continue
		case concernsEntry(err):
			s.logParked(e, err)
			if !e.parked && !e.counts() {
				e.wasParked, e.seq = true, 0 // numbered anew by park
			}
			e.parked, e.refused, e.due = true, err, time.Now().Add(s.parkRetry)
			refused = append(refused, e)
			continue
		case wasRefused(err) && e.record != nil && !e.parked:
			e.refused = err
		}
		hindrance = cmp.Or(hindrance, err)
		rest = append(rest, e)
	}
	s.mu.Lock()
	s.inFlight = rest
	for _, e := range written {
		s.recall(e, time.Now())
	}
	s.leave(left)
	s.park(batch, refused)
	records, changes := s.unwritten()
	parkedRecords := countRecords(s.parked)
	parkedChanges := len(s.parked) - parkedRecords
	s.mu.Unlock()

	s.meter.Waiting(records, changes)
	s.meter.Parked(parkedRecords, parkedChanges)
	if hindrance == nil && !oldest.IsZero() {
		s.meter.Lag(time.Since(oldest))
	}
	return rest, hindrance
}
