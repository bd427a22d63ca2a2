package asterisk

import "sync"

// lanes carry out jobs: those of one key in order, those of different keys at
// the same time, by a bounded number of workers. Adding a job never waits.
type lanes struct {
	mu      sync.Mutex
	wake    *sync.Cond
	queues  map[string]*lane
	ready   []*lane // lanes with jobs that no worker holds
	waiting int
	idle    []chan struct{} // closed as soon as nothing is waiting
	closed  bool
	workers sync.WaitGroup
}

type lane struct {
	key  string
	jobs []func()
}

func newLanes() *lanes {
	l := &lanes{queues: map[string]*lane{}}
	l.wake = sync.NewCond(&l.mu)
	return l
}

// start sets the workers going. Jobs may be added before.
func (l *lanes) start(workers int) {
	for range workers {
		l.workers.Go(l.work)
	}
}

// add puts a job behind the others of its key. After close it is dropped.
func (l *lanes) add(key string, job func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.waiting++
	if q := l.queues[key]; q != nil {
		q.jobs = append(q.jobs, job)
		return
	}
	q := &lane{key: key, jobs: []func(){job}}
	l.queues[key] = q
	l.ready = append(l.ready, q)
	l.wake.Signal()
}

func (l *lanes) work() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		for len(l.ready) == 0 {
			if l.closed && l.waiting == 0 {
				return
			}
			l.wake.Wait()
		}
		q := l.ready[0]
		l.ready[0] = nil
		l.ready = l.ready[1:]
		job := q.jobs[0]
		q.jobs[0] = nil
		q.jobs = q.jobs[1:]

		l.mu.Unlock()
		job()
		l.mu.Lock()

		l.waiting--
		switch {
		case len(q.jobs) > 0:
			l.ready = append(l.ready, q)
			l.wake.Signal()
		default:
			delete(l.queues, q.key)
		}
		if l.waiting == 0 {
			for _, told := range l.idle {
				close(told)
			}
			l.idle = nil
		}
		if l.closed && l.waiting == 0 {
			l.wake.Broadcast()
		}
	}
}

// whenIdle is closed as soon as all jobs that were added have been carried out.
func (l *lanes) whenIdle() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	told := make(chan struct{})
	if l.waiting == 0 {
		close(told)
	} else {
		l.idle = append(l.idle, told)
	}
	return told
}

// close lets the workers finish what was added, and end; wait returns when
// they have. Whoever cannot wait cancels the jobs' context.
func (l *lanes) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.wake.Broadcast()
}

func (l *lanes) wait() { l.workers.Wait() }
