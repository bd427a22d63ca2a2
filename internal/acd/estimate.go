package acd

import "time"

// expectedWait estimates how long a caller who comes to a queue now will wait.
func (e *Engine) expectedWait(q *queue, c *call) time.Duration {
	return 0
}
