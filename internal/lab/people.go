package lab

import (
	"fmt"
	"net/netip"
	"time"

	"hotline/internal/phonescript"
)

// People is a scenario of agents and callers for a lab: every agent registers,
// logs in at the seat by feature code and becomes ready. What is left zero in
// the callers is the caller's to fill in.
func (l *Lab) People(agents int) (phonescript.Scenario, error) {
	passwords, err := l.SeatPasswords()
	if err != nil {
		return phonescript.Scenario{}, err
	}
	return phonescript.Scenario{
		Server: l.SIP,
		Agents: phonescript.Agents{
			Seats:     span(FirstSeat, agents),
			Numbers:   span(FirstAgent, agents),
			Account:   "seat-{seat}",
			Address:   netip.AddrPortFrom(l.Seats, 0).String(),
			Register:  true,
			Passwords: passwords,
			Start:     []string{"*11{agent}", "*12"},
			Stop:      []string{"*11"},
			Answer:    phonescript.Spread{Min: 200 * time.Millisecond, Max: 1500 * time.Millisecond},
			HangsUp:   0.3,
		},
		Callers: phonescript.Callers{
			Address:     netip.AddrPortFrom(l.Callers, 0).String(),
			Dial:        l.Config.Entries[0].Number,
			FirstNumber: "13905180001",
		},
	}, nil
}

func span(first, n int) string { return fmt.Sprintf("%d-%d", first, first+n-1) }
