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
	for _, c := range e.calls {
		if c.Node == id && c.Phase == PhaseWaiting {
			c.queue.waiting.remove(c)
		}
	}
}

// nodeReachable lets the calls of a node be offered again.
func (e *Engine) nodeReachable(id NodeID) {
	delete(e.cutOff, id)
	for _, c := range e.calls {
		if c.Node == id && c.Phase == PhaseWaiting {
			e.await(c)
		}
	}
}

// nodeDown closes the calls that a node had.
func (e *Engine) nodeDown(id NodeID) {
	for _, c := range e.callsByArrival() {
		if c.Node == id {
			e.callLeft(c, false, NodeLost)
		}
	}
}

// await puts a waiting call into the order of its queue, unless its node
// cannot be reached or has just failed.
func (e *Engine) await(c *call) {
	if c.offerable() && !e.cutOff[c.Node] && c.pos < 0 {
		c.queue.waiting.add(c)
		e.mark(c.queue)
	}
}

// offerable reports whether a call waits, and not for its node to recover.
func (c *call) offerable() bool { return c.Phase == PhaseWaiting && c.pause.pos < 0 }

// pauseOffers lets a call wait for a while before it is offered again.
func (e *Engine) pauseOffers(c *call) {
	c.queue.waiting.remove(c)
	e.startTimer(&c.pause, e.now.Add(nodePause))
}
