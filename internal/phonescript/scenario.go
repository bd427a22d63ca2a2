package phonescript

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"hotline/internal/phone"
)

// Scenario is who calls, who answers, and how they behave.
type Scenario struct {
	// Server is Asterisk's SIP address, "127.0.0.1:5060".
	Server string `yaml:"server"`
	// Seed of all randomness. The same seed draws the same people; the order of
	// events still depends on the system under test.
	Seed uint64 `yaml:"seed"`
	// Duration is how long callers arrive; with callers.total it may be left out.
	Duration time.Duration `yaml:"duration"`
	// WindDown is how long calls may go on, and late callers may still dial, after
	// Duration; then everybody hangs up. 30 s if zero.
	WindDown time.Duration `yaml:"wind_down"`
	Agents   Agents        `yaml:"agents"`
	Callers  Callers       `yaml:"callers"`
}

// Agents are the people at the seats.
type Agents struct {
	// Seats are the user parts of the contacts, as in "8001-8040, 8050".
	Seats string `yaml:"seats"`
	// Numbers are the agents' work numbers, one for each seat. They replace
	// {agent} in the codes.
	Numbers string `yaml:"numbers"`
	// Account is the name that the server knows a seat's phone by; {seat} is
	// replaced. "{seat}" if empty.
	Account string `yaml:"account"`
	// Address of the seats' SIP socket; port 0 takes a free one.
	Address string `yaml:"address"`
	// OwnSockets gives each seat a socket: Address's port for the first seat, the
	// following ports for the others. Needed where the server knows a seat by
	// its address and port.
	OwnSockets bool `yaml:"own_sockets"`
	// Register the seats at the server; otherwise the contacts are static.
	Register bool `yaml:"register"`
	// PasswordFile has one line for each seat: the seat, blanks, the password.
	PasswordFile string `yaml:"password_file"`
	// Passwords by seat; for scenarios made in Go.
	Passwords map[string]string `yaml:"-"`
	// Start and Stop are dialled by each seat before the first and after the
	// last call, in this order, as in "*11{agent}", "*12".
	Start []string `yaml:"start"`
	Stop  []string `yaml:"stop"`
	// Answer is how long an agent lets the phone ring.
	Answer Spread `yaml:"answer"`
	// Ignores and Refuses are the chances, 0 to 1, that an agent lets a call ring
	// on, or refuses it with 486.
	Ignores float64 `yaml:"ignores"`
	Refuses float64 `yaml:"refuses"`
	// HangsUp is the chance that the agent ends the conversation, not the caller.
	HangsUp float64 `yaml:"hangs_up"`
}

// Callers are the people who dial.
type Callers struct {
	// Address of the callers' SIP socket, the carrier's; port 0 takes a free one.
	Address string `yaml:"address"`
	// Dial is the number that they dial.
	Dial string `yaml:"dial"`
	// FirstNumber is the first caller's own number; the others count on from it.
	FirstNumber string `yaml:"first_number"`
	// Rate is the mean number of arrivals a second (Poisson). Or:
	Rate float64 `yaml:"rate"`
	// Total callers arrive at random moments within Duration.
	Total int `yaml:"total"`
	// AtOnce bounds the calls at a time; who arrives beyond waits to dial. 100 if zero.
	AtOnce int `yaml:"at_once"`
	// Patience is how long a caller waits for an agent; absent: for ever.
	Patience Spread `yaml:"patience"`
	// Talk is how long a conversation lasts, at least 1 s.
	Talk Spread `yaml:"talk"`
}

// Spread is a distribution of times: exponential with Mean, cut to Min … Max, or,
// without Mean, uniform between Min and Max.
type Spread struct {
	Mean time.Duration `yaml:"mean"`
	Min  time.Duration `yaml:"min"`
	Max  time.Duration `yaml:"max"`
}

// Load reads a scenario from a YAML file. An unknown key is an error that names
// its line. A relative password_file is looked up beside the scenario.
func Load(path string) (Scenario, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Scenario{}, fmt.Errorf("read the scenario: %w", err)
	}
	s, err := Parse(data)
	if err != nil {
		return Scenario{}, fmt.Errorf("scenario %s: %w", path, err)
	}
	if f := s.Agents.PasswordFile; f != "" && !filepath.IsAbs(f) {
		s.Agents.PasswordFile = filepath.Join(filepath.Dir(path), f)
	}
	return s, nil
}

// Parse reads a scenario from YAML and checks it.
func Parse(data []byte) (Scenario, error) {
	var s Scenario
	decoder := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict(), yaml.CustomUnmarshaler(readTime))
	if err := decoder.Decode(&s); err != nil {
		return Scenario{}, errors.New(strings.TrimSpace(yaml.FormatError(err, false, true)))
	}
	if err := s.Validate(); err != nil {
		return Scenario{}, err
	}
	return s, nil
}

// readTime reads a time as in 30s or 2m.
func readTime(out *time.Duration, data []byte) error {
	text := strings.Trim(strings.TrimSpace(string(data)), `"'`)
	d, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q is not a time, as in 500ms, 30s or 2m", text)
	}
	*out = d
	return nil
}

// Validate reports the first thing that cannot be played.
func (s Scenario) Validate() error {
	if _, err := netip.ParseAddrPort(s.Server); err != nil {
		return fmt.Errorf("server: %q is not an address and port, as in 127.0.0.1:5060", s.Server)
	}
	if err := s.Agents.validate(); err != nil {
		return err
	}
	if err := s.Callers.validate(); err != nil {
		return err
	}
	if s.Callers.Dial != "" && s.Duration <= 0 {
		return errors.New("duration: must say how long callers arrive, as in 60s")
	}
	seats, _ := names(s.Agents.Seats)
	if n := len(seats) + s.atOnce(); n > phone.ToneCount {
		return fmt.Errorf("callers.at_once: %d phones at a time need more than the %d tones there are", n, phone.ToneCount)
	}
	return nil
}

func (s Scenario) atOnce() int {
	if s.Callers.AtOnce == 0 {
		return 100
	}
	return s.Callers.AtOnce
}

func (a Agents) validate() error {
	seats, err := names(a.Seats)
	if err != nil {
		return fmt.Errorf("agents.seats: %w", err)
	}
	numbers, err := names(a.Numbers)
	if err != nil {
		return fmt.Errorf("agents.numbers: %w", err)
	}
	codes := strings.Join(append(append([]string(nil), a.Start...), a.Stop...), " ")
	if strings.Contains(codes, "{agent}") && len(numbers) != len(seats) {
		return fmt.Errorf("agents.numbers: %d numbers for %d seats; each seat needs one", len(numbers), len(seats))
	}
	if len(seats) > 0 {
		if _, err := netip.ParseAddrPort(a.Address); err != nil {
			return fmt.Errorf("agents.address: %q is not an address and port, as in 127.0.0.1:0", a.Address)
		}
	}
	for _, c := range []struct {
		key   string
		value float64
	}{{"ignores", a.Ignores}, {"refuses", a.Refuses}, {"hangs_up", a.HangsUp}, {"ignores and refuses together", a.Ignores + a.Refuses}} {
		if c.value < 0 || c.value > 1 {
			return fmt.Errorf("agents.%s: %v is not a chance between 0 and 1", c.key, c.value)
		}
	}
	return a.Answer.validate("agents.answer", 0)
}

func (c Callers) validate() error {
	if c == (Callers{}) {
		return nil // agents only
	}
	if _, err := netip.ParseAddrPort(c.Address); err != nil {
		return fmt.Errorf("callers.address: %q is not an address and port, as in 127.0.0.2:0", c.Address)
	}
	if c.Dial == "" {
		return errors.New("callers.dial: must be the number to dial, as in 12345")
	}
	if n, err := strconv.ParseUint(c.FirstNumber, 10, 63); err != nil || n == 0 {
		return fmt.Errorf("callers.first_number: %q is not a number, as in 13900000001", c.FirstNumber)
	}
	if (c.Rate > 0) == (c.Total > 0) || c.Rate < 0 || c.Total < 0 {
		return errors.New("callers: give either rate (callers a second) or total, above zero")
	}
	if c.AtOnce < 0 {
		return errors.New("callers.at_once: must not be negative")
	}
	if err := c.Patience.validate("callers.patience", 0); err != nil {
		return err
	}
	return c.Talk.validate("callers.talk", time.Second)
}

func (s Spread) validate(key string, least time.Duration) error {
	switch {
	case s.Min < 0 || s.Mean < 0 || s.Max < s.Min:
		return fmt.Errorf("%s: needs 0 ≤ min ≤ max", key)
	case s.Min < least:
		return fmt.Errorf("%s.min: must be at least %s", key, least)
	case s.Mean > 0 && (s.Mean < s.Min || s.Mean > s.Max):
		return fmt.Errorf("%s.mean: must lie between min and max", key)
	}
	return nil
}

// names expands "8001-8003, 8010" to the names it stands for.
func names(list string) ([]string, error) {
	var out []string
	for part := range strings.SplitSeq(list, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			out = append(out, part)
			continue
		}
		a, errA := strconv.Atoi(first)
		b, errB := strconv.Atoi(last)
		if errA != nil || errB != nil || b < a || b-a >= 10000 {
			return nil, fmt.Errorf("%q is not a range of numbers, as in 8001-8040", part)
		}
		for n := a; n <= b; n++ {
			out = append(out, fmt.Sprintf("%0*d", len(first), n))
		}
	}
	seen := map[string]bool{}
	for _, n := range out {
		if seen[n] {
			return nil, fmt.Errorf("%s is named twice", n)
		}
		seen[n] = true
	}
	return out, nil
}

// passwords reads the password file.
func (a Agents) passwords() (map[string]string, error) {
	if a.PasswordFile == "" {
		return a.Passwords, nil
	}
	data, err := os.ReadFile(a.PasswordFile)
	if err != nil {
		return nil, fmt.Errorf("read the seats' passwords: %w", err)
	}
	out := map[string]string{}
	for i, line := range strings.Split(string(data), "\n") {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || strings.HasPrefix(fields[0], "#"):
		case len(fields) == 2:
			out[fields[0]] = fields[1]
		default:
			return nil, fmt.Errorf("%s:%d: a line must be a seat, blanks, and its password", a.PasswordFile, i+1)
		}
	}
	return out, nil
}
