package acd

import "strings"

// Feature codes that an agent dials at the seat's phone.
//
//	*11<agent>[*<PIN>]  log in at this seat
//	*11                 log out
//	*12                 ready
//	*13[<digit>]        not ready, with the reason of that digit; without a
//	                    digit, with the first configured reason
const (
	codeLogin    = "*11"
	codeReady    = "*12"
	codeNotReady = "*13"
)

// seatDialled carries out a feature code and lets the phone hear what became of it.
func (e *Engine) seatDialled(ev SeatDialled) {
	prompt := e.featureCode(ev.Seat, ev.Code)
	e.command(ReplySeat{Channel: ev.Channel, Node: ev.Node, Prompt: prompt})
}

func (e *Engine) featureCode(seat SeatID, code string) (prompt string) {
	if rest, ok := strings.CutPrefix(code, codeLogin); ok && rest != "" {
		return e.loginByPhone(seat, rest)
	}
	a := e.seats[seat]
	if a == nil {
		return PromptRefused
	}
	var err *RequestError
	switch {
	case code == codeLogin:
		prompt, err = PromptLoggedOut, e.logout(a.Agent)
	case code == codeReady:
		prompt, err = PromptReady, e.setReady(a.Agent)
	case strings.HasPrefix(code, codeNotReady):
		prompt, err = PromptNotReady, e.setNotReady(a.Agent, e.reasonByDigit(code[len(codeNotReady):]))
	default:
		return PromptRefused
	}
	if err != nil {
		return PromptRefused
	}
	return prompt
}

func (e *Engine) loginByPhone(seat SeatID, dialled string) (prompt string) {
	id, pin, _ := strings.Cut(dialled, "*")
	a := e.agents[AgentID(id)]
	if a == nil || !a.pinMatches(pin) || e.login(a.Agent, seat) != nil {
		return PromptRefused
	}
	return PromptLoggedIn
}

// reasonByDigit finds a configured reason; empty when there is none.
func (e *Engine) reasonByDigit(digit string) string {
	for _, r := range e.reasons {
		if digit == "" || r.Digit == digit {
			return r.Name
		}
	}
	return ""
}
