package asterisk

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"

	"hotline/internal/acd"
)

// Errors that a caller may tell apart with errors.Is; a *NodeError matches them.
var (
	// ErrUnauthorized: Asterisk refuses the ARI user or password.
	ErrUnauthorized = errors.New("the ARI user or password is wrong")
	// ErrUnreachable: nothing answers at the address.
	ErrUnreachable = errors.New("Asterisk does not answer") //nolint:staticcheck // a name begins the sentence
	// ErrReplaced: another controller has taken over; see Switch.Run.
	ErrReplaced = errors.New("another controller has taken over")
)

// Problem says in one word why a node cannot be used.
type Problem string

// The problems of a node.
const (
	// Starting: no attempt to connect has ended yet.
	Starting Problem = "starting"
	// Unreachable: nothing answers at the address, or too late. It may pass.
	Unreachable Problem = "unreachable"
	// WrongPassword: Asterisk refuses user and password.
	WrongPassword Problem = "wrong_password"
	// ReadOnly: the ARI user may not write.
	ReadOnly Problem = "read_only"
	// NotARI: something answers that is not Asterisk's ARI.
	NotARI Problem = "not_ari"
	// Replaced: another controller has taken the application over.
	Replaced Problem = "replaced"
)

// NodeError says why a node cannot be used; its text is one sentence with
// what to do. It never holds a password.
type NodeError struct {
	Node    acd.NodeID
	Problem Problem
	Text    string
	Err     error // the cause; may be nil
}

func (e *NodeError) Error() string { return fmt.Sprintf("node %s: %s", e.Node, e.Text) }

// Unwrap returns the cause.
func (e *NodeError) Unwrap() error { return e.Err }

// Is lets a NodeError match ErrUnauthorized, ErrUnreachable and ErrReplaced.
func (e *NodeError) Is(target error) bool {
	return (target == ErrUnauthorized && e.Problem == WrongPassword) ||
		(target == ErrUnreachable && e.Problem == Unreachable) ||
		(target == ErrReplaced && e.Problem == Replaced)
}

// Lasting reports whether only a person can put it right, so that waiting
// does not help.
func (e *NodeError) Lasting() bool {
	switch e.Problem {
	case WrongPassword, ReadOnly, NotARI, Replaced:
		return true
	}
	return false
}

// statusError is an answer of ARI other than 2xx.
type statusError struct {
	code    int
	message string
	// again: it answers the repetition of a request that may have been carried
	// out the first time.
	again bool
}

func (e *statusError) Error() string {
	return fmt.Sprintf("Asterisk answers %d %s", e.code, e.message)
}

// statusOf returns the status code of an answer, or 0.
func statusOf(err error) int {
	var s *statusError
	if errors.As(err, &s) {
		return s.code
	}
	return 0
}

// isTaken reports whether a channel was not made because another has its name.
// On a repetition that other one may be the very channel that was asked for.
func isTaken(err error) bool {
	var s *statusError
	return errors.As(err, &s) && s.code == http.StatusConflict && !s.again
}

// isNodeFault reports whether a request failed through the node: no answer, or
// one that says that it takes no requests at present.
func isNodeFault(err error) bool {
	code := statusOf(err)
	return err != nil && (code == 0 || code == http.StatusServiceUnavailable)
}

// isGone reports whether the thing that a request was about does not exist,
// or is in no state for it any more. On clean-up that counts as done.
func isGone(err error) bool {
	code := statusOf(err)
	return code == http.StatusNotFound || code == http.StatusConflict
}

// nodeError explains why a node could not be connected.
func nodeError(n Node, err error) *NodeError {
	e := &NodeError{Node: n.ID, Problem: Unreachable, Err: err}
	switch code := statusOf(err); {
	case code == http.StatusUnauthorized:
		e.Problem = WrongPassword
		e.Text = fmt.Sprintf("%s answers 401: the ARI user %q or its password is wrong; compare the controller's configuration with ari.conf", n.URL, n.Username)
	case code == http.StatusForbidden:
		e.Problem = ReadOnly
		e.Text = fmt.Sprintf("%s answers 403: the ARI user %q may only read; set read_only = no in ari.conf", n.URL, n.Username)
	case code == http.StatusNotFound:
		e.Problem = NotARI
		e.Text = fmt.Sprintf("%s answers 404: no ARI there; check the address, and that http.conf has no prefix and ari.conf enabled = yes", n.URL)
	case code == http.StatusServiceUnavailable:
		e.Text = fmt.Sprintf("%s answers 503: Asterisk is starting or has too many HTTP sessions; raise sessionlimit in http.conf if it lasts", n.URL)
	case code != 0:
		e.Text = fmt.Sprintf("%s: %v; look into Asterisk's log", n.URL, err)
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Text = fmt.Sprintf("not connected: connection refused at %s; is Asterisk running?", n.URL)
	case errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		e.Text = fmt.Sprintf("not connected: no answer from %s in time; check network and load of the node", n.URL)
	case errors.Is(err, errSilent):
		e.Text = fmt.Sprintf("not connected: %v at %s; check network and load of the node", errSilent, n.URL)
	case errors.Is(err, errDeaf):
		e.Text = fmt.Sprintf("not connected: %v at %s; connecting anew", errDeaf, n.URL)
	default:
		e.Text = fmt.Sprintf("not connected: %v at %s; is Asterisk running?", rootCause(err), n.URL)
	}
	return e
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// rootCause is the innermost error: the outer ones repeat the URL.
func rootCause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
