package versus

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// conversation is a call as one phone has seen it, from its log of messages. A
// time that is zero has not come.
type conversation struct {
	id       string // Call-ID
	seat     string // of an agent's phone: who was rung
	invited  time.Time
	answered time.Time // the first 200 to the INVITE was sent or received
	hungUp   time.Time // the first BYE was sent or received
	over     bool      // the BYE was answered
	status   int       // the last final status of the INVITE, 200 and more
	resent   int       // INVITEs beyond the first
}

// conversations reads the log of messages of a SIPp, in the order of the calls.
func (s *sipp) conversations() ([]conversation, error) {
	f, err := os.Open(filepath.Join(s.dir, "messages.log"))
	if os.IsNotExist(err) {
		return nil, nil // nobody has called
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var list []*conversation
	byID := make(map[string]*conversation)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		// Date, time, seconds since 1970, S or R, Call-ID, CSeq, first line.
		fields := strings.SplitN(lines.Text(), "\t", 7)
		if len(fields) < 7 {
			continue // the last line may be cut off
		}
		at, err := parseSeconds(fields[2])
		if err != nil {
			return nil, fmt.Errorf("sipp's log: %w", err)
		}
		c := byID[fields[4]]
		if c == nil {
			c = &conversation{id: fields[4]}
			byID[c.id] = c
			list = append(list, c)
		}
		c.note(at, fields[5], fields[6])
	}
	out := make([]conversation, len(list))
	for i, c := range list {
		out[i] = *c
	}
	return out, nil
}

func (c *conversation) note(at time.Time, cseq, first string) {
	_, method, _ := strings.Cut(cseq, " ")
	status := 0
	if rest, ok := strings.CutPrefix(first, "SIP/2.0 "); ok {
		status, _ = strconv.Atoi(rest[:min(3, len(rest))])
	}
	switch {
	case method == "INVITE" && status == 0 && !c.invited.IsZero():
		c.resent++
	case method == "INVITE" && status == 0:
		c.invited = at
		if uri, ok := strings.CutPrefix(first, "INVITE sip:"); ok {
			c.seat, _, _ = strings.Cut(uri, "@")
		}
	case method == "INVITE" && status >= 200:
		c.status = status
		if status == 200 && c.answered.IsZero() {
			c.answered = at
		}
	case method == "BYE" && status == 0 && c.hungUp.IsZero():
		c.hungUp = at
	case method == "BYE" && status == 200:
		c.over = true
	}
}

// complete is a call that was answered, and ended by both sides.
func (c conversation) complete() bool { return !c.answered.IsZero() && c.over }

// parseSeconds reads seconds since 1970 with six decimals, exactly.
func parseSeconds(text string) (time.Time, error) {
	whole, part, _ := strings.Cut(text, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, err
	}
	micros, err := strconv.ParseInt((part + "000000")[:6], 10, 64)
	if err != nil {
		return time.Time{}, err
	}
	return time.Unix(seconds, micros*1000), nil
}

// number is the number of a caller, which callers.xml makes of what SIPp makes the
// Call-ID of: the number of the call and the process.
func (c conversation) number() string {
	id, _, _ := strings.Cut(c.id, "@")
	call, process, _ := strings.Cut(id, "-")
	return "1" + process + "0" + call
}

// gaps are the times from an agent's hanging up until that agent's phone rang
// again, of all rings between from and to for a caller who was waiting by then.
func gaps(agents []conversation, from, to time.Time, waiting func(conversation) time.Time) (list []time.Duration) {
	freed := make(map[string]time.Time)
	for _, c := range agents { // in the order in which they rang
		since := waiting(c)
		if last, ok := freed[c.seat]; ok && !c.invited.Before(from) && c.invited.Before(to) && !since.IsZero() && since.Before(last) {
			list = append(list, c.invited.Sub(last))
		}
		delete(freed, c.seat)
		if !c.hungUp.IsZero() {
			freed[c.seat] = c.hungUp
		}
	}
	return list
}

// notes are the caller's numbers by Call-ID that the agents' phones were shown.
func (s *sipp) notes() (map[string]string, error) {
	raw, err := os.ReadFile(filepath.Join(s.dir, "notes.log"))
	if err != nil {
		return nil, err
	}
	numbers := make(map[string]string)
	for line := range strings.Lines(string(raw)) {
		if id, number, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			numbers[id] = number
		}
	}
	return numbers, nil
}
