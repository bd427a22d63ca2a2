package acd

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// nodePause is how long a call waits for its next offer after its node could
// not carry one out: long enough not to ring in a circle, short enough that
// nobody notices.
const nodePause = 2 * time.Second

// nodeUnreachable keeps the calls of a node from being offered: nobody could
// be connected with them. They keep their places.
func (e *Engine) nodeUnreachable(id NodeID) {
	e.cutOff[id] = true
	delete(e.reached, id)
	e.settleNode(id)
	e.callersCaught(CallersCaught{Node: id}) // for as long as that lasts they do not come
}

// nodeReachable lets the calls of a node be offered again.
func (e *Engine) nodeReachable(id NodeID) {
	delete(e.cutOff, id)
	e.reached[id] = true
	for _, c := range e.calls {
		if c.Node == id {
			c.unseen = false // or its end would have been told
		}
	}
	e.settleNode(id)
}

// settleNode looks again at the calls of a node, and at those that may be made from any.
func (e *Engine) settleNode(id NodeID) {
	for _, c := range e.callsByArrival() {
		if c.Node == id || c.callback != nil {
			e.settle(c)
		}
	}
}

// nodeDown closes the calls that a node had.
func (e *Engine) nodeDown(id NodeID) {
	for _, c := range e.callsByArrival() {
		if c.Node == id && (c.callback == nil || c.Phase != PhaseWaiting) {
			e.callLeft(c, false, NodeLost)
		}
	}
}

// canCommand reports whether a call's node can be commanded, as far as is known. One
// of which nothing was told, while something was told of others, may have left the
// configuration: an attempt to call back waits for one that can be chosen.
func (e *Engine) canCommand(c *call) bool {
	told := len(e.reached)+len(e.cutOff) > 0
	return !e.cutOff[c.Node] && (c.callback == nil || !told || e.reached[c.Node])
}

// chooseNode lets an attempt to call back be made from a node that is reached: that
// of the call from which it came, else where it is already, else the one with the
// fewest calls. Nobody is on the line yet who would be bound to a node. While none is
// reached it waits where it is.
func (e *Engine) chooseNode(c *call) {
	best := c.Node
	switch {
	case len(e.reached) == 0:
	case e.reached[c.callback.Node]:
		best = c.callback.Node
	case !e.reached[c.Node]:
		best = e.leastBusy()
	}
	if best != c.Node {
		c.Node = best
		e.touchCall(c)
	}
}

// leastBusy is the node, of those that are reached, with the fewest calls.
func (e *Engine) leastBusy() NodeID {
	calls := make(map[NodeID]int, len(e.reached))
	for _, c := range e.calls {
		calls[c.Node]++
	}
	return slices.MinFunc(slices.Collect(maps.Keys(e.reached)), func(a, b NodeID) int {
		return cmp.Or(cmp.Compare(calls[a], calls[b]), cmp.Compare(a, b))
	})
}

// callersCaught keeps those who came after callers who are held by a dialplan from
// being offered before them.
func (e *Engine) callersCaught(ev CallersCaught) {
	before := e.heldBackFrom()
	if ev.Since.IsZero() {
		delete(e.caught, ev.Node)
	} else {
		e.caught[ev.Node] = ev.Since
	}
	if e.heldBackFrom().Equal(before) {
		return
	}
	for _, c := range e.callsByArrival() {
		e.settle(c)
	}
}

// heldBackFrom is the moment after which nobody may have come who is offered; zero:
// everybody may be.
func (e *Engine) heldBackFrom() (first time.Time) {
	for _, since := range e.caught {
		if first.IsZero() || since.Before(first) {
			first = since
		}
	}
	return first
}

// heldBack reports whether a call must wait for callers who came before it.
func (e *Engine) heldBack(c *call) bool {
	from := e.heldBackFrom()
	return !from.IsZero() && c.Place.After(from)
}
