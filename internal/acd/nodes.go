package acd

import "time"

// nodePause is how long a call waits for its next offer after its node could
// not carry one out: long enough not to ring in a circle, short enough that
// nobody notices.
const nodePause = 2 * time.Second

// nodeUnreachable keeps the calls of a node from being offered: nobody could
// be connected with them. They keep their places.
func (e *Engine) nodeUnreachable(id NodeID) {
	e.cutOff[id] = true
	e.settleNode(id)
}

// nodeReachable lets the calls of a node be offered again.
func (e *Engine) nodeReachable(id NodeID) {
	delete(e.cutOff, id)
	for _, c := range e.calls {
		if c.Node == id {
			c.unseen = false // or its end would have been told
		}
	}
	e.settleNode(id)
}

func (e *Engine) settleNode(id NodeID) {
	for _, c := range e.callsByArrival() {
		if c.Node == id {
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
