package asterisk

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// httpServer is a server that counts the connections it was given.
func httpServer(t *testing.T, start func(*httptest.Server), serve http.HandlerFunc) (s *httptest.Server, connections *atomic.Int32) {
	t.Helper()
	connections = &atomic.Int32{}
	s = httptest.NewUnstartedServer(serve)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	start(s)
	t.Cleanup(s.Close)
	return s, connections
}

// ask sends a request and reads the answer.
func ask(ctx context.Context, k *keepAlive, method, url, body string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	resp, err := k.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return fmt.Sprint(resp.StatusCode, " ", string(text)), err
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if len(body) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	_, _ = w.Write(append([]byte(r.Method+" "), body...))
}

func newTestKeepAlive(t *testing.T, most int) *keepAlive {
	k := newKeepAlive(time.Second, most)
	t.Cleanup(k.CloseIdleConnections)
	return k
}

func TestRequestsShareAConnectionOneAfterTheOther(t *testing.T) {
	s, connections := httpServer(t, (*httptest.Server).Start, echo)
	k := newTestKeepAlive(t, 4)
	for i := range 20 {
		body := strings.Repeat("x", i*700) // some longer than a buffer, and none
		want := "200 POST " + body
		if i == 0 {
			want = "204 "
		}
		if got, err := ask(t.Context(), k, http.MethodPost, s.URL, body); got != want || err != nil {
			t.Fatalf("request %d: %.20q, %v", i, got, err)
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections for 20 requests one after the other, want 1", n)
	}
}

func TestRequestsSideBySideHaveConnectionsOfTheirOwn(t *testing.T) {
	const together = 6
	var here sync.WaitGroup
	here.Add(together)
	s, connections := httpServer(t, (*httptest.Server).Start, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			here.Done()
			here.Wait() // none is answered before all are here
		}
		echo(w, r)
	})
	k := newTestKeepAlive(t, 3)
	var all sync.WaitGroup
	for i := range together {
		all.Go(func() {
			body := fmt.Sprint(i)
			if got, err := ask(t.Context(), k, http.MethodPut, s.URL, body); got != "200 PUT "+body || err != nil {
				t.Errorf("request %d was answered %q, %v", i, got, err)
			}
		})
	}
	all.Wait()
	if n := connections.Load(); n != together {
		t.Errorf("%d connections for %d requests side by side", n, together)
	}
	if n := len(k.idle); n != 3 {
		t.Errorf("%d connections are kept, want 3", n)
	}
}

// A node that was restarted has closed the connections that nobody used; a request that
// may not be repeated must not meet one of them.
func TestAConnectionThatTheServerClosedIsNotUsed(t *testing.T) {
	for _, start := range []func(*httptest.Server){(*httptest.Server).Start, (*httptest.Server).StartTLS} {
		s, connections := httpServer(t, start, echo)
		k := newTestKeepAlive(t, 4)
		if s.Certificate() != nil {
			k.tls.RootCAs = x509.NewCertPool()
			k.tls.RootCAs.AddCert(s.Certificate())
		}
		for round := range 3 {
			if got, err := ask(t.Context(), k, http.MethodPost, s.URL, "a"); got != "200 POST a" || err != nil {
				t.Fatalf("round %d: %q, %v", round, got, err)
			}
			s.CloseClientConnections()
			// The end of the connection is here as soon as it can be read.
			c := k.idle[0]
			_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
			if _, err := c.r.Peek(1); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("the server has not closed the connection: %v", err)
			}
		}
		if n := connections.Load(); n != 3 {
			t.Errorf("%d connections, want 3", n)
		}
	}
}

func TestAServerThatIsNotTrustedGetsNoRequest(t *testing.T) {
	asked := false
	s, _ := httpServer(t, (*httptest.Server).StartTLS, func(http.ResponseWriter, *http.Request) { asked = true })
	s.Config.ErrorLog = nil
	if got, err := ask(t.Context(), newTestKeepAlive(t, 4), http.MethodGet, s.URL, ""); err == nil || asked {
		t.Errorf("answered %q, %v; it was asked: %v", got, err, asked)
	}
}

func TestARequestEndsWithItsContext(t *testing.T) {
	never := make(chan struct{})
	s, _ := httpServer(t, (*httptest.Server).Start, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut { // in the middle of the answer
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
		}
		<-never
	})
	defer close(never)
	k := newTestKeepAlive(t, 4)
	for _, method := range []string{http.MethodPost, http.MethodPut} {
		late, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		if _, err := ask(late, k, method, s.URL, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: a request that was not answered in time ends with %v", method, err)
		}
		cancel()
		given, giveUp := context.WithCancel(t.Context())
		time.AfterFunc(30*time.Millisecond, giveUp)
		if _, err := ask(given, k, method, s.URL, "a"); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: a request that was given up ends with %v", method, err)
		}
	}
	if len(k.idle) != 0 {
		t.Errorf("%d connections are kept on which an answer may still come", len(k.idle))
	}
}

// What was given up is not sent any more, and the node is told so at once.
func TestAConnectionWithoutAnAnswerIsReset(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	how := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			defer c.Close()
			_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
			_, err = io.Copy(io.Discard, c)
		}
		how <- err
	}()
	late, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := ask(late, newTestKeepAlive(t, 4), http.MethodPost, "http://"+l.Addr().String(), "a"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a request that was not answered ends with %v", err)
	}
	if err := <-how; !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the connection ends with %v, want a reset", err)
	}
}

func TestAConnectionIsNotKeptWhenTheServerWantsItClosed(t *testing.T) {
	s, connections := httpServer(t, (*httptest.Server).Start, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		echo(w, r)
	})
	k := newTestKeepAlive(t, 4)
	for range 2 {
		if got, err := ask(t.Context(), k, http.MethodPost, s.URL, "a"); got != "200 POST a" || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
	}
	if n := connections.Load(); n != 2 || len(k.idle) != 0 {
		t.Errorf("%d connections, %d kept; want 2 and none", n, len(k.idle))
	}
}

func TestAnAnswerThatIsNotReadDoesNotSpoilTheNext(t *testing.T) {
	s, connections := httpServer(t, (*httptest.Server).Start, echo)
	k := newTestKeepAlive(t, 4)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, strings.NewReader("not read"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := k.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got, err := ask(t.Context(), k, http.MethodPost, s.URL, "b"); got != "200 POST b" || err != nil || connections.Load() != 2 {
		t.Errorf("%q, %v, over connection %d; want the second", got, err, connections.Load())
	}
}
