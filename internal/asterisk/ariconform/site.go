package ariconform

import (
	"context"
	"net/http"
	"time"
)

// A Site is one node and the people around it: the real Asterisk with phones,
// or the model. The node is named a1, runs the project's dialplan with the entry
// 12345, and has the trunk "carrier" and the seats 8001, with a phone, and 8002,
// without one.
type Site interface {
	// URL is where ARI is reached, without /ari, by Transport.
	URL() string
	Transport() http.RoundTripper
	User() string
	Password() string

	// Dial lets somebody dial a number: Carrier, or a seat.
	Dial(from, number string) (Call, error)
	// SetPlan says what a phone does with calls from now on: that of a seat, or
	// Outside.
	SetPlan(at string, plan Plan)
	// Rung returns the next call that has come in at a phone.
	Rung(ctx context.Context, at string) (Call, error)

	// LoseSocket ends the event connection from outside of the client, which
	// sees its end when the node has noticed.
	LoseSocket()
	// Freeze lets Asterisk stand still with its connections open, Thaw go on.
	Freeze()
	Thaw()
	// Kill ends Asterisk as a crash does; Start starts it again.
	Kill()
	Start() error
}

// The phones of a site beside those of seats.
const (
	Carrier = "13812345678" // who calls
	Outside = "13912345678" // who is called over the trunk
)

// A Plan is what a phone does with a call that comes in: it rings for a time, if
// that is not zero, and then answers (200), refuses (300 to 699) or rings on (0).
type Plan struct {
	After  time.Duration
	Status int
}

// A Call is a call at one phone.
type Call interface {
	Hangup()
	Press(digits string) error
	Hold(ctx context.Context) error
	Resume(ctx context.Context) error
	WaitAnswered(ctx context.Context) error
	// WaitEnded returns the SIP status with which the call was refused, or 0.
	WaitEnded(ctx context.Context) (status int, err error)
	// WaitKeys waits until the phone has heard keys of the other one.
	WaitKeys(ctx context.Context, digits string) error
	// HearsAnything listens for half a second, whether audio comes at all.
	HearsAnything(ctx context.Context) bool
	// WaitHears waits until the phone hears the other one's voice.
	WaitHears(ctx context.Context, other string) error
}
