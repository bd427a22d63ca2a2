package access

import (
	"errors"
	"fmt"
	"time"
)

// Kind groups refusals by whose turn it is.
type Kind int

// The kinds.
const (
	NotLoggedIn Kind = iota // show something else to get in
	NotAllowed              // known, and without the right
	NotFound
	Conflict // at odds with what is there
	Invalid  // what was sent makes no sense
	TooMany  // wait
	Away     // Redis does not answer
)

// Refusal is a no, in one sentence for the person who asked.
type Refusal struct {
	Kind  Kind
	Code  string // stable, for programs
	Text  string
	Wait  time.Duration // with TooMany, until it is worth another try
	cause error         // with Away
}

func (r *Refusal) Error() string { return r.Text }

// Unwrap is why Redis does not answer.
func (r *Refusal) Unwrap() error { return r.cause }

func refuse(k Kind, code, format string, args ...any) *Refusal {
	return &Refusal{Kind: k, Code: code, Text: fmt.Sprintf(format, args...)}
}

func away(err error) *Refusal {
	return &Refusal{Kind: Away, Code: "redis_away", Text: "users, sessions and tokens are in Redis, which does not answer; try again when /readyz says that it does", cause: err}
}

// Cause is why the Store does not answer, when that is what err says; else nil.
func Cause(err error) error {
	var r *Refusal
	if errors.As(err, &r) && r.Kind == Away {
		return r.cause
	}
	return nil
}
