// Package aritest is a fake Asterisk for tests: it speaks ARI's HTTP and
// websocket as a script tells it to, right or wrong.
//
// In goes what a test wants Asterisk to say; out come the requests that were
// made. Only tests import it.
package aritest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// User and Password are what the server accepts.
const (
	User     = "hotline"
	Password = "secret-of-the-test"
)

// Reply is an answer to a request.
type Reply struct {
	Status int
	Body   string
	// Hang keeps the request open until the server is closed or the client
	// gives up.
	Hang bool
}

// Server is a fake Asterisk. All methods are safe for concurrent use.
type Server struct {
	http *httptest.Server
	done chan struct{}

	mu       sync.Mutex
	started  time.Time
	channels map[string]string // id -> JSON
	bridges  []string          // JSON
	requests []string          // "METHOD /path"
	script   func(method, path string) (Reply, bool)
	socket   *websocket.Conn
	sockets  int
	opening  int // event connections that the client may believe open and that are not in socket yet
	deaf     bool
	mute     bool
	changed  chan struct{} // closed and replaced at each change
}

// New starts a server; Close ends it.
func New() *Server {
	s := &Server{
		done: make(chan struct{}), started: time.Now().Add(-time.Hour),
		channels: map[string]string{}, changed: make(chan struct{}),
	}
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	return s
}

// URL is the address to configure.
func (s *Server) URL() string { return s.http.URL }

// Close ends all connections.
func (s *Server) Close() {
	close(s.done)
	s.Drop()
	s.http.CloseClientConnections()
	s.http.Close()
}

// Script answers requests before the server's own answers; it reports false
// for those it does not care about.
func (s *Server) Script(f func(method, path string) (Reply, bool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = f
}

// SetDeaf lets new event connections stay open without being read: no pong comes.
func (s *Server) SetDeaf(deaf bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deaf = deaf
}

// SetMute lets nothing come of the events that a client asks for, as Asterisk does
// when a connection has no application.
func (s *Server) SetMute(mute bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mute = mute
}

// Refuse cuts all connections and refuses new ones, as a firewall or a node
// without Asterisk does; what the node has is kept.
func (s *Server) Refuse() {
	s.http.Listener.Close()
	s.Drop()
	s.http.CloseClientConnections()
}

// Accept takes connections again, at the same address.
func (s *Server) Accept() error {
	l, err := net.Listen("tcp", s.http.Listener.Addr().String())
	if err != nil {
		return err
	}
	s.http.Listener = l // which Close closes
	go func() { _ = s.http.Config.Serve(l) }()
	return nil
}

// Restart pretends that Asterisk was started anew: nothing is left.
func (s *Server) Restart() {
	s.mu.Lock()
	s.started = time.Now()
	s.channels, s.bridges = map[string]string{}, nil
	s.mu.Unlock()
	s.Drop()
}

// SetChannel lists a channel, in the application with the arguments given;
// without state it is taken off the list.
func (s *Server) SetChannel(id, state, appData string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state == "" {
		delete(s.channels, id)
		return
	}
	s.channels[id] = Channel(id, state, appData)
}

// SetCaught lists a caller whom the dialplan holds, for want of a controller.
func (s *Server) SetCaught(id string, since time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.channels[id] = fmt.Sprintf(`{"id":%q,"name":"PJSIP/carrier-0000002a","state":"Up","caller":{"name":"","number":"13812345678"},"creationtime":%q,`+
		`"dialplan":{"context":"entry","exten":"12345","priority":6,"app_name":"MusicOnHold","app_data":"default,2"}}`,
		id, since.Format("2006-01-02T15:04:05.000-0700"))
}

// SetBridge lists one bridge and no other.
func (s *Server) SetBridge(id string, channels ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, _ := json.Marshal(map[string]any{"id": id, "bridge_type": "mixing", "channels": channels, "creationtime": "2026-11-24T02:11:00.000+0000"})
	s.bridges = []string{string(data)}
}

// Channel is a channel in JSON. Its caller is 13812345678. A leg is at seat 8001.
func Channel(id, state, appData string) string {
	endpoint := "carrier"
	if strings.HasPrefix(id, "leg_") {
		endpoint = "seat-8001"
	}
	return fmt.Sprintf(`{"id":%q,"name":"PJSIP/%s-0000002a","state":%q,"caller":{"name":"","number":"13812345678"},"creationtime":"2026-11-24T02:10:43.843+0000",`+
		`"dialplan":{"context":"trunk","exten":"12345","priority":1,"app_name":"Stasis","app_data":%q}}`, id, endpoint, state, appData)
}

// Event is a channel's event in JSON; more holds further fields, with a comma
// at the end.
func Event(eventType, channel, state, more string) string {
	return fmt.Sprintf(`{"type":%q,"timestamp":"2026-11-24T02:10:43.843+0000",%s"channel":%s,"application":"hotline"}`,
		eventType, more, Channel(channel, state, ""))
}

// Send sends messages over the event connection. A client may believe itself
// connected a moment before the server does, so Send waits a little for that.
func (s *Server) Send(messages ...string) error {
	ws, err := s.connection(5 * time.Second)
	if err != nil {
		return err
	}
	for _, m := range messages {
		if err := ws.Write(context.Background(), websocket.MessageText, []byte(m)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) connection(patience time.Duration) (*websocket.Conn, error) {
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		s.mu.Lock()
		ws, changed := s.socket, s.changed
		s.mu.Unlock()
		if ws != nil {
			return ws, nil
		}
		select {
		case <-changed:
		case <-late.C:
			return nil, errors.New("no event connection")
		}
	}
}

// tell wakes those who wait for a change; mu is held.
func (s *Server) tell() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Drop cuts the event connection without a farewell, also one that is just being opened.
func (s *Server) Drop() {
	s.mu.Lock()
	for s.opening > 0 {
		changed := s.changed
		s.mu.Unlock()
		<-changed
		s.mu.Lock()
	}
	ws := s.socket
	s.socket = nil
	s.mu.Unlock()
	if ws != nil {
		ws.CloseNow()
	}
}

// Requests are those made so far, as "METHOD /path".
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.requests...)
}

// Count is how many requests were made whose text has the prefix.
func (s *Server) Count(prefix string) int {
	n := 0
	for _, r := range s.Requests() {
		if strings.HasPrefix(r, prefix) {
			n++
		}
	}
	return n
}

// Wait waits until so many requests with the prefix were made.
func (s *Server) Wait(ctx context.Context, prefix string, n int) error {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if s.Count(prefix) >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("waiting for %d × %s among %v: %w", n, prefix, s.Requests(), ctx.Err())
		}
	}
}

// Sockets is how many event connections were opened so far.
func (s *Server) Sockets() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sockets
}

func (s *Server) note(r *http.Request) (Reply, bool) {
	path := strings.TrimPrefix(r.URL.Path, "/ari")
	s.mu.Lock()
	s.requests = append(s.requests, r.Method+" "+path)
	s.tell()
	script := s.script
	s.mu.Unlock()
	if script == nil {
		return Reply{}, false
	}
	return script(r.Method, path)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if user, password, _ := r.BasicAuth(); user != User || password != Password {
		answer(w, http.StatusUnauthorized, `{"message":"Authentication required"}`)
		return
	}
	if reply, ok := s.note(r); ok {
		if reply.Hang {
			select {
			case <-s.done:
			case <-r.Context().Done():
			}
			return
		}
		answer(w, reply.Status, reply.Body)
		return
	}
	s.mu.Lock()
	started := s.started
	s.mu.Unlock()
	switch path := strings.TrimPrefix(r.URL.Path, "/ari"); {
	case path == "/events":
		s.serveEvents(w, r)
	case path == "/asterisk/info":
		answer(w, 200, fmt.Sprintf(`{"system":{"version":"22.10.1","entity_id":"x"},"config":{"name":"a1"},"status":{"startup_time":%q}}`,
			started.Format("2006-01-02T15:04:05.000-0700")))
	case path == "/channels":
		s.mu.Lock()
		list := make([]string, 0, len(s.channels))
		for _, c := range s.channels {
			list = append(list, c)
		}
		s.mu.Unlock()
		answer(w, 200, "["+strings.Join(list, ",")+"]")
	case path == "/bridges":
		s.mu.Lock()
		list := strings.Join(s.bridges, ",")
		s.mu.Unlock()
		answer(w, 200, "["+list+"]")
	case r.Method == http.MethodGet && strings.HasPrefix(path, "/bridges/"):
		s.mu.Lock()
		i := slices.IndexFunc(s.bridges, func(b string) bool {
			return strings.Contains(b, fmt.Sprintf(`"id":%q`, strings.TrimPrefix(path, "/bridges/")))
		})
		status, body := 404, `{"message":"Bridge not found"}`
		if i >= 0 {
			status, body = 200, s.bridges[i]
		}
		s.mu.Unlock()
		answer(w, status, body)
	case r.Method == http.MethodGet && strings.HasPrefix(path, "/channels/"):
		s.mu.Lock()
		ch, ok := s.channels[strings.TrimPrefix(path, "/channels/")]
		s.mu.Unlock()
		if !ok {
			answer(w, 404, `{"message":"Channel not found"}`)
			return
		}
		answer(w, 200, ch)
	case strings.HasPrefix(path, "/events/user/"):
		s.sendUserEvent()
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodGet:
		answer(w, 404, `{"message":"Not found"}`)
	case r.Method == http.MethodPut || path == "/channels/create":
		answer(w, 200, "{}")
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// sendUserEvent sends the event that a client has asked for.
func (s *Server) sendUserEvent() {
	s.mu.Lock()
	mute := s.mute
	s.mu.Unlock()
	if mute {
		return
	}
	if ws, err := s.connection(time.Second); err == nil {
		_ = ws.Write(context.Background(), websocket.MessageText, []byte(`{"type":"ChannelUserevent","application":"hotline"}`))
	}
}

func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.opening++
	s.mu.Unlock()
	ws, err := websocket.Accept(w, r, nil)
	s.mu.Lock()
	s.opening--
	deaf := s.deaf
	if err == nil {
		s.socket = ws
		s.sockets++
	}
	s.tell()
	s.mu.Unlock()
	if err != nil {
		return
	}
	defer ws.CloseNow()
	if deaf {
		<-s.done
		return
	}
	for {
		if _, _, err := ws.Read(context.Background()); err != nil {
			return
		}
	}
}
