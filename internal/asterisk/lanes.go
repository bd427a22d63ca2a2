package asterisk

import "sync"

// lanes runs tasks: those of one key in the order in which they were given,
// those of different keys side by side, on a fixed number of workers. Giving a
// task never blocks.
type lanes struct {
	mu      sync.Mutex
	wake    *sync.Cond
	queues  map[string][]func() // the tasks of a key that wait or run; the first may be running
	ready   []string            // keys with a task that may start
	closed  bool
	workers sync.WaitGroup
}

func newLanes(workers int) *lanes {
	l := &lanes{queues: make(map[string][]func())}
	l.wake = sync.NewCond(&l.mu)
	for range workers {
		l.workers.Go(l.work)
	}
	return l
}

// do gives a task to the lane of key. After close it does nothing.
func (l *lanes) do(key string, task func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	q := l.queues[key]
	l.queues[key] = append(q, task)
	if len(q) == 0 {
		l.ready = append(l.ready, key)
		l.wake.Signal()
	}
}

func (l *lanes) work() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		for len(l.ready) == 0 {
			if l.closed {
				return
			}
			l.wake.Wait()
		}
		key := l.ready[0]
		l.ready = l.ready[1:]
		task := l.queues[key][0]
		l.mu.Unlock()
		task()
		l.mu.Lock()
		if rest := l.queues[key][1:]; len(rest) > 0 {
			l.queues[key] = rest
			l.ready = append(l.ready, key)
			l.wake.Signal()
		} else {
			delete(l.queues, key)
		}
	}
}

// close lets the workers finish what was given and waits for them.
func (l *lanes) close() {
	l.mu.Lock()
	l.closed = true
	l.wake.Broadcast()
	l.mu.Unlock()
	l.workers.Wait()
}
