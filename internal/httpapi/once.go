package httpapi

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"
)

// The headers of draft-ietf-httpapi-idempotency-key-header, and of an answer that is
// given again.
const (
	keyHeader      = "Idempotency-Key"
	replayedHeader = "Idempotency-Replayed"
)

const (
	// answerKept is how long the answer to a request with a key is kept, from its end on.
	answerKept = 10 * time.Minute
	// What is kept at most; the oldest goes out. An answer is some hundred bytes long,
	// and a list of blocked callers may have many thousand.
	mostAnswers     = 10_000
	mostAnswerBytes = 16 << 20
	longestKey      = 64
)

// repeated are the headers of an answer that are given again.
var repeated = []string{"Content-Type", "ETag", "Location"}

// answers are those to requests with a key. It is safe for concurrent use.
type answers struct {
	secret []byte // of fingerprints: bodies may hold passwords

	mu    sync.Mutex
	byKey map[place]*answer // guarded by mu; also those that are being made
	ended []*answer         // guarded by mu; the oldest first
	size  int               // guarded by mu; of bodies, in bytes
}

// place is a key of somebody; nobody sees the answers to others.
type place struct{ who, key string }

type answer struct {
	place
	fingerprint string
	ended       time.Time // zero: it is being made
	hidden      bool      // it held a secret, and its body is not kept
	status      int
	header      http.Header
	body        []byte
}

var errInProgress = refused(http.StatusConflict, "in_progress", "the request with this "+keyHeader+" is being carried out; ask again in a second for its answer")

func newAnswers() *answers {
	a := &answers{secret: make([]byte, sha256.Size), byKey: make(map[place]*answer)}
	_, _ = rand.Read(a.secret) // never fails
	return a
}

// fingerprint tells requests apart.
func (a *answers) fingerprint(r *http.Request, body []byte) string {
	h := hmac.New(sha256.New, a.secret)
	// Neither method nor path holds a line break.
	_, _ = io.WriteString(h, r.Method+"\n"+r.URL.EscapedPath()+"\n"+r.URL.RawQuery+"\n"+r.Header.Get("Content-Type")+"\n")
	_, _ = h.Write(body)
	return string(h.Sum(nil))
}

// begin finds the answer that was given before, or makes room for one that is to be
// made; end has to follow then. An error says why there is neither.
func (a *answers) begin(at place, fingerprint string, now time.Time) (before, mine *answer, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.ended) > 0 && now.Sub(a.ended[0].ended) >= answerKept {
		a.dropOldest()
	}
	known := a.byKey[at]
	switch {
	case known == nil:
		mine = &answer{place: at, fingerprint: fingerprint}
		a.byKey[at] = mine
		return nil, mine, nil
	case known.fingerprint != fingerprint:
		return nil, nil, refused(http.StatusUnprocessableEntity, "key_reused", "this "+keyHeader+" was sent with another request in the last ten minutes; draw a new one for each request")
	case known.ended.IsZero():
		return nil, nil, errInProgress
	}
	return known, nil, nil
}

// end keeps an answer, or forgets that there was a request.
func (a *answers) end(mine *answer, keep bool, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !keep {
		delete(a.byKey, mine.place)
		return
	}
	mine.ended = now
	a.ended = append(a.ended, mine)
	a.size += len(mine.body)
	for len(a.ended) > mostAnswers || a.size > mostAnswerBytes {
		a.dropOldest()
	}
}

// dropOldest forgets an answer; the caller holds mu.
func (a *answers) dropOldest() {
	oldest := a.ended[0]
	a.ended[0] = nil
	a.ended = a.ended[1:]
	a.size -= len(oldest.body)
	delete(a.byKey, oldest.place)
}

// keyOf is the key of a request; empty when it has none, or changes nothing.
func keyOf(r *http.Request) (string, error) {
	given := r.Header.Values(keyHeader)
	if len(given) == 0 || safe(r) {
		return "", nil
	}
	key := given[0]
	// By the draft it is a string of RFC 9651, in quotes; most clients leave them out.
	if len(key) >= 2 && key[0] == '"' && key[len(key)-1] == '"' {
		key = key[1 : len(key)-1]
	}
	invisible := strings.ContainsFunc(key, func(c rune) bool { return c <= ' ' || c > '~' })
	if len(given) > 1 || key == "" || len(key) > longestKey || invisible {
		return "", refused(http.StatusBadRequest, "bad_key", keyHeader+" is one string of 1 to 64 visible ASCII characters, for example a random UUID")
	}
	return key, nil
}

// once carries out a request, and one with a key only the first time: then its answer
// is given again. Whoever comes here may make the request.
func (a *api) once(do action, carryOut handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		key, err := keyOf(r)
		switch {
		case err != nil:
			return err
		case key == "":
			return carryOut(w, r)
		}
		body, err := readBody(w, r, cmp.Or(do.largest, largestBody))
		if err != nil {
			return err
		}
		before, mine, err := a.answers.begin(place{principalOf(r).Identity(), key}, a.answers.fingerprint(r, body), time.Now())
		switch {
		case err == errInProgress:
			w.Header().Set("Retry-After", "1")
			return err
		case err != nil:
			return err
		case before != nil:
			return before.again(w)
		}
		kept := &keeper{ResponseWriter: w}
		keep := false
		defer func() { a.answers.end(mine, keep, time.Now()) }() // also after a panic
		// A client that leaves comes back for the answer: what has begun goes on. Each
		// handler has a bound of its own.
		r = r.WithContext(context.WithoutCancel(r.Context()))
		r.Body = io.NopCloser(bytes.NewReader(body))
		if err := carryOut(kept, r); err != nil {
			writeProblem(kept, problemOf(err))
		}
		mine.take(kept, do.secret)
		keep = mine.status < http.StatusInternalServerError && mine.status != http.StatusTooManyRequests
		return nil
	}
}

// take keeps of an answer what may be kept.
func (a *answer) take(from *keeper, secret bool) {
	if a.status = from.status; a.status == 0 {
		a.status = http.StatusOK
	}
	if a.hidden = secret && a.status < http.StatusBadRequest; a.hidden {
		return
	}
	a.body, a.header = from.body.Bytes(), make(http.Header)
	for _, name := range repeated {
		if v := from.Header().Values(name); len(v) > 0 {
			a.header[http.CanonicalHeaderKey(name)] = v
		}
	}
}

// again gives the answer that was given before.
func (a *answer) again(w http.ResponseWriter) error {
	if a.hidden {
		return refused(http.StatusConflict, "answer_not_kept", "this request was carried out, and its answer is not kept since it held a secret; if that has not arrived, ask for another with a new "+keyHeader)
	}
	maps.Copy(w.Header(), a.header)
	w.Header().Set(replayedHeader, "true")
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that is gone needs no answer
	return nil
}

// keeper writes an answer and keeps it.
type keeper struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (k *keeper) WriteHeader(status int) {
	if k.status == 0 {
		k.status = status
	}
	k.ResponseWriter.WriteHeader(status)
}

func (k *keeper) Write(p []byte) (int, error) {
	if k.status == 0 {
		k.status = http.StatusOK
	}
	_, _ = k.body.Write(p)
	return k.ResponseWriter.Write(p)
}

// Unwrap lets a problem find the writer that logs it.
func (k *keeper) Unwrap() http.ResponseWriter { return k.ResponseWriter }
