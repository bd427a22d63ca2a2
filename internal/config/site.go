package config

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"hotline/internal/acd"
	"hotline/internal/calendar"
)

// site checks entries, queues, seats, agents and reasons. The answer says
// which queues have agents.
func (c *checker) site(raw *file, cfg *Config, calendars map[string]*calendar.Schedule) (served map[string]bool) {
	queues := c.unique("queue")
	c.empty(raw.Queues.place, raw.Queues.blank, "queues", "a queue")
	for _, q := range raw.Queues.items {
		queues.add(q.ID.place, q.ID.v) // known also when ill-named, which is one mistake and not many
	}
	numbers, asked := c.unique("number"), make(skillsAsked)
	c.empty(raw.Entries.place, raw.Entries.blank, "entries", "a number")
	for _, e := range raw.Entries.items {
		number := c.name(e.Number, "entries.number", entryName)
		numbers.add(e.Number.place, number)
		c.knownQueue(e.Queue, "number "+e.Number.v+" leads to", queues)
		entry := acd.Entry{
			Number: number, Queue: acd.QueueID(e.Queue.v), Greeting: c.sounds(e.Greeting, "entries.greeting"),
			Priority: between(c, e.Priority, "entries.priority", -100, 100),
			Skills:   c.skills(e.Skills, "entries.skills", acd.MinLevel),
		}
		asked.add(entry.Skills)
		cfg.Entries = append(cfg.Entries, entry)
	}
	partners := c.partners(raw, cfg, numbers)
	for _, q := range raw.Queues.items {
		cfg.Queues = append(cfg.Queues, c.queue(q, queues, partners, asked, calendars))
	}
	c.seats(raw, cfg)
	c.reasons(raw, cfg)
	return c.agents(raw, cfg, queues, asked)
}

// sounds checks the names of prompts.
func (c *checker) sounds(raw list[text], key string) (names []string) {
	for _, item := range raw.items {
		names = append(names, c.name(item, key, soundName))
	}
	return names
}

// between checks the range of a value; one that was left out is as it is.
func between[T int | float64 | time.Duration](c *checker, v value[T], key string, low, high T) T {
	if v.set && (v.v < low || v.v > high) {
		c.at(v.place, "%s: %v is out of range; write %v to %v", key, v.v, low, high)
	}
	return v.v
}

// known reports a name that is not among those that were seen.
func (c *checker) known(t text, who string, among unique) {
	if _, known := among.seen[t.v]; known || !t.set {
		return
	}
	if len(among.seen) == 0 {
		c.at(t.place, "%s the unknown %s %s; add it, or remove the key", who, among.what, quoted(t.v))
		return
	}
	c.at(t.place, "%s the unknown %s %s; configured are: %s", who, among.what, quoted(t.v), strings.Join(slices.Sorted(maps.Keys(among.seen)), ", "))
}

// knownQueue passes over a file without queues, which has been reported.
func (c *checker) knownQueue(t text, who string, queues unique) {
	if len(queues.seen) > 0 {
		c.known(t, who, queues)
	}
}

func (c *checker) seats(raw *file, cfg *Config) {
	c.empty(raw.Seats.place, raw.Seats.blank, "seats", "a seat")
	seats := c.unique("seat")
	for _, s := range raw.Seats.items {
		for _, id := range c.identifiers(s.place, s.ID, s.Range, "seats") {
			if !seats.add(s.place, id) {
				continue
			}
			contact := strings.ReplaceAll(s.Contact.v, "{id}", id)
			if contact != "" && raw.Asterisk.Proxy.Listen.set {
				c.at(s.Contact.place, "seats.contact: behind asterisk.proxy a phone is known by its password and registers there; remove the contact, and give the seat a password in asterisk.seat_password_dir")
				break
			}
			if contact == "" && raw.Asterisk.SeatPasswordDir.v == "" {
				c.at(s.place, "seat %s has neither a password nor a fixed phone; set asterisk.seat_password_dir, or give the seat a contact", id)
				break
			}
			if contact != "" && !isContact(contact) {
				c.at(s.Contact.place, "seats.contact: %s is not a phone's address; write sip:user@address:port with an address and not a name, for example sip:{id}@10.0.0.1:5060", quoted(contact))
				break
			}
			cfg.Seats = append(cfg.Seats, Seat{ID: acd.SeatID(id), Contact: contact})
		}
	}
}

var sipURI = regexp.MustCompile(`^sip:(?:[A-Za-z0-9_.+*-]+@)?([^@;?]+)((?:;[A-Za-z0-9=_.-]+)*)$`)

func isContact(uri string) bool {
	m := sipURI.FindStringSubmatch(uri)
	if m == nil {
		return false
	}
	if a, err := netip.ParseAddrPort(m[1]); err == nil {
		return a.Port() != 0
	}
	_, err := netip.ParseAddr(strings.Trim(m[1], "[]"))
	return err == nil
}

// partnerLegs begins the part of a leg's name that names a partner, where an
// agent's has the work number; see acd.NewPartnerLegID.
const partnerLegs = "to-"

func (c *checker) agents(raw *file, cfg *Config, queues unique, asked skillsAsked) (served map[string]bool) {
	c.empty(raw.Agents.place, raw.Agents.blank, "agents", "an agent")
	served = make(map[string]bool)
	agents := c.unique("agent")
	for _, a := range raw.Agents.items {
		ids := c.identifiers(a.place, a.ID, a.Range, "agents")
		if strings.HasPrefix(a.ID.v, partnerLegs) {
			c.at(a.ID.place, "agents.id: %s begins with %s, which names the calls to partners; choose another work number, for example 1001", quoted(a.ID.v), partnerLegs)
		}
		c.empty(a.Queues.place, a.Queues.blank, "agents.queues", "a queue that the agent serves")
		own := c.unique("queue")
		var serves []acd.QueueID
		for _, q := range a.Queues.items {
			c.knownQueue(q, "the agent serves", queues)
			if own.add(q.place, q.v) {
				serves = append(serves, acd.QueueID(q.v))
				served[q.v] = true
			}
		}
		agent := Agent{
			Queues: serves, Levels: c.queueLevels(a.Levels, own), Skills: c.proficiencies(a.Skills, asked),
			Weight: between(c, a.Weight, "agents.weight", lightest, heaviest),
			WrapUp: between(c, a.WrapUp, "agents.wrap_up", time.Second, time.Hour),
		}
		for _, id := range ids {
			if agents.add(a.place, id) {
				name := a.Name
				name.v = strings.ReplaceAll(name.v, "{id}", id)
				agent.ID, agent.Name = acd.AgentID(id), c.title(name, "agents.name", id)
				cfg.Agents = append(cfg.Agents, agent)
			}
		}
	}
	return served
}

func (c *checker) reasons(raw *file, cfg *Config) {
	names, digits := c.unique("reason"), c.unique("digit")
	for _, r := range raw.NotReadyReasons.items {
		name := c.name(r.Name, "not_ready_reasons.name", reasonName)
		if slices.Contains(acd.ReservedReasons, name) {
			c.at(r.Name.place, "not_ready_reasons.name: %s is used by the program itself; choose another name, for example break", quoted(name))
		}
		names.add(r.Name.place, name)
		if r.Digit.v != "" && (len(r.Digit.v) != 1 || r.Digit.v[0] < '0' || r.Digit.v[0] > '9') {
			c.at(r.Digit.place, "not_ready_reasons.digit: %s is not a digit; write one digit from 0 to 9", quoted(r.Digit.v))
		}
		digits.add(r.Digit.place, r.Digit.v)
		cfg.NotReadyReasons = append(cfg.NotReadyReasons, acd.NotReadyReason{
			Name: name, Title: c.title(r.Title, "not_ready_reasons.title", name), Digit: r.Digit.v,
		})
	}
}

// widestRange is the most identifiers that one range may stand for, and mostIDs all ranges
// of a file together.
const (
	widestRange = 10_000
	mostIDs     = 100_000
)

// identifiers lists those of an item: one id, or those of a range such as
// 8002-8040.
func (c *checker) identifiers(item place, id, span text, key string) []string {
	switch {
	case id.set && span.set:
		c.at(span.place, "%s: an item has either id or range; remove one of them", key)
	case id.set:
		if name := c.name(id, key+".id", personName); name != "" {
			return []string{name}
		}
	case span.set:
		first, last, _ := strings.Cut(span.v, "-")
		from, err1 := strconv.ParseUint(first, 10, 32)
		to, err2 := strconv.ParseUint(last, 10, 32)
		if err1 != nil || err2 != nil || len(first) != len(last) || from > to || to-from >= widestRange || len(first) > 32 {
			c.at(span.place, "%s.range: %s is not a range; write first and last number with equally many digits, at most %d numbers, for example 8001-8040", key, quoted(span.v), widestRange)
			return nil
		}
		if c.ids += int(to-from) + 1; c.ids > mostIDs {
			c.at(span.place, "%s.range: the ranges of this file stand for more than %d numbers; write shorter ones", key, mostIDs)
			return nil
		}
		ids := make([]string, 0, to-from+1)
		for n := from; n <= to; n++ {
			ids = append(ids, fmt.Sprintf("%0*d", len(first), n))
		}
		return ids
	default:
		c.at(item, "%s: an item has neither id nor range; write id: \"8001\" or range: 8001-8040", key)
	}
	return nil
}

var pinFormat = regexp.MustCompile(`^[0-9]{4,12}$`)

// largestPINFile in bytes: room for some ten thousand lines.
const largestPINFile = 1 << 20

// pins reads the file of lines "agent PIN" into the agents.
func (c *checker) pins(t text, agents []Agent) {
	if !t.set {
		return
	}
	path := c.path(t)
	if !c.mayOpen(t.place, "pin_file", path) {
		return
	}
	content, err := readPrivate(path, largestPINFile)
	if err != nil {
		c.at(t.place, "pin_file: %v", err)
		return
	}
	index := make(map[string]int, len(agents))
	for i, a := range agents {
		index[string(a.ID)] = i
	}
	lines := bufio.NewScanner(strings.NewReader(content))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := setPIN(agents, index, strings.Fields(line)); err != nil {
			c.problems = append(c.problems, Problem{File: path, Line: n, Column: 1, Text: err.Error()})
		}
	}
	if err := lines.Err(); err != nil {
		c.at(t.place, "pin_file: %s has a line that is too long; write lines such as: 1001 4711", path)
	}
}

func setPIN(agents []Agent, index map[string]int, fields []string) error {
	if len(fields) != 2 || !pinFormat.MatchString(fields[1]) {
		return errors.New("this is not an agent with a PIN; write the work number, a blank and 4 to 12 digits")
	}
	i, known := index[fields[0]]
	switch {
	case !known:
		// Not quoted: whoever swapped the columns has a PIN standing there.
		return errors.New("the agent of this line is not configured; write the work number first, add the agent, or remove the line")
	case agents[i].PIN.IsSet():
		return fmt.Errorf("agent %s has a PIN already; remove one of the lines", fields[0])
	}
	agents[i].PIN = NewSecret(fields[1])
	return nil
}
