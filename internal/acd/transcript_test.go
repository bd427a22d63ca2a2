package acd_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/callflow"
)

var update = flag.Bool("update", false, "write the engine's output into the transcripts in testdata")

// TestTranscripts plays the files in testdata. A transcript reads like a
// protocol of a day at a small hotline: lines about the site, then events, and
// indented below each event what the engine answers:
//
//	queue general wrap=10s      the site; see change for all such lines
//	+15s call a 9 from=111      an event, so much later than the one before
//	  do ring a/1 agent=1       … a command for the switch
//	  call a ringing general    … a new state of a call, agent or callback
//	  record a abandoned/…      … a call that has ended
//	  refused seat_taken: …     … a request that was not granted
//	at 30s                      what happens by itself before the next event
//
// A leg is named a/1: the first offer of call a; a/to-x/1: its first call to partner x. Lines that begin with | belong
// to the reconfigure or restart above. go test -run Transcript -update rewrites
// the answers; what they ought to be is for the reader to judge.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := playTranscript(file, string(text), false)
			if err != nil {
				t.Fatalf("%v\nbefore it:\n%s", err, got)
			}
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want := strings.Split(string(text), "\n")
			for i, line := range strings.Split(got, "\n") {
				if i >= len(want) || line != want[i] {
					t.Fatalf("%s:%d: the engine says\n%s\nand here stands\n%s", file, i+1, line, strings.Join(want[min(i, len(want)):min(i+1, len(want))], ""))
				}
			}
			if len(want) != strings.Count(got, "\n")+1 {
				t.Fatalf("%s:%d: the engine says no more", file, strings.Count(got, "\n")+2)
			}
		})
	}
}

// TestRestartsDoNotShow plays the transcripts with another engine going on after
// the first event of each moment: nobody may notice.
func TestRestartsDoNotShow(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if file == "testdata/reconfigure_waiting.txt" {
			continue // an agent's own wrap-up time is not kept when the agent has left the configuration
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := playTranscript(file, string(text), true)
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Split(string(text), "\n")
		for i, line := range strings.Split(got, "\n") {
			if i >= len(want) || line != want[i] {
				t.Errorf("%s:%d: after a restart the engine says\n%s", file, i+1, line)
				break
			}
		}
	}
}

func TestTranscriptsAreStrict(t *testing.T) {
	const small = "queue q\nseats 801\nagent 1 queues=q\nentry 9 queue=q\n"
	for text, want := range map[string]string{
		"queue q\nqeue r":            `x.txt:2: unknown word "qeue"`,
		"queue q rign=3s":            `x.txt:1: queue does not know the key "rign"`,
		"queue q ring=3":             `x.txt:1: ring=3: time: missing unit in duration "3"`,
		"overflow q wait=1s":         `x.txt:1: overflow: there is no queue "q"`,
		small + "+1s caal a 9":       `x.txt:5: unknown event "caal"`,
		small + "+1s call a 9 fro=1": `x.txt:5: call does not know the key "fro"`,
		small + "+1s call a 9 b":     `x.txt:5: call does not know the word "b"`,
		small + "+1s call":           `x.txt:5: call needs a call`,
		small + "+1x call a 9":       `x.txt:5: time: unknown unit "x" in duration "1x"`,
		small + "+1s lifts a/1":      `x.txt:5: there is no leg a/1`,
		small + "+1s ready 1\nqueue": `x.txt:6: the site is described; write an event, or | under a reconfigure`,
		"queue q\n+1s ready 1\n|x":   `x.txt:3: nothing is reconfigured here`,
		"entry 9 queue=q\n+1s":       `x.txt:2: acd: entry 9 leads to the unknown queue "q"`,
	} {
		if _, err := playTranscript("x.txt", text, false); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// stage is where a transcript is played.
type stage struct {
	restless  bool
	restarted time.Time // the moment of the last restart

	cfg   acd.Config
	e     *acd.Engine
	now   time.Time
	legs  map[string]acd.LegID
	known map[string]string // the last line that was written about a call, agent or callback
	out   strings.Builder
}

// playTranscript plays a transcript and returns it with the engine's answers.
// With restless, another engine goes on after the first event of each moment.
func playTranscript(file, text string, restless bool) (string, error) {
	s := &stage{restless: restless, now: start, legs: map[string]acd.LegID{}, known: map[string]string{}}
	text = strings.TrimSuffix(text, "\n")
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if strings.HasPrefix(line, "  ") || strings.HasPrefix(line, "at ") {
			continue // an answer of before
		}
		var changes []string
		for strings.HasPrefix(line, "+") && i+1 < len(lines) && strings.HasPrefix(lines[i+1], "|") && takesChanges(line) {
			i++
			changes = append(changes, lines[i])
		}
		if err := s.line(line, changes); err != nil {
			return s.out.String(), fmt.Errorf("%s:%d: %w", file, i+1, err)
		}
	}
	return s.out.String(), nil
}

func takesChanges(event string) bool {
	words := strings.Fields(event)
	return len(words) > 1 && (words[1] == "reconfigure" || words[1] == "restart")
}

func (s *stage) line(line string, changes []string) error {
	switch {
	case strings.HasPrefix(line, "|"):
		return errors.New("nothing is reconfigured here")
	case strings.HasPrefix(line, "+"):
		return s.event(line, changes)
	case line == "" || strings.HasPrefix(line, "#"):
	case s.e != nil:
		return errors.New("the site is described; write an event, or | under a reconfigure")
	default:
		if err := change(&s.cfg, line); err != nil {
			return err
		}
	}
	s.out.WriteString(line + "\n")
	return nil
}

func (s *stage) event(line string, changes []string) error {
	wait, rest, _ := strings.Cut(line[1:], " ")
	after, err := time.ParseDuration(wait)
	if err != nil {
		return err
	}
	if s.e == nil {
		if s.e, err = acd.NewEngine(s.cfg, callflow.Standard{}); err != nil {
			return err
		}
	}
	if err := s.pass(s.now.Add(after)); err != nil {
		return err
	}
	s.out.WriteString(line + "\n")
	for _, c := range changes {
		s.out.WriteString(c + "\n")
	}
	if rest == "" {
		return nil
	}
	w := parseWords(rest)
	act, known := acts[w.verb]
	if !known {
		return fmt.Errorf("unknown event %q", w.verb)
	}
	if w.verb == "reconfigure" || w.verb == "restart" {
		if err := s.changed(w, changes); err != nil {
			return err
		}
		return s.audit()
	}
	events := act(s, w)
	if err := w.done(); err != nil {
		return err
	}
	for _, ev := range events {
		if err := s.step(ev); err != nil {
			return err
		}
	}
	return nil
}

// pass lets time go by; what is due meanwhile happens at its own moment.
func (s *stage) pass(until time.Time) error {
	for due, ok := s.e.NextDue(); ok && !due.After(until); due, ok = s.e.NextDue() {
		s.now = due
		before := s.out.Len()
		if err := s.step(acd.Tick{}); err != nil {
			return err
		}
		if text := s.out.String(); len(text) > before {
			s.out.Reset()
			s.out.WriteString(text[:before] + "at " + s.now.Sub(start).String() + "\n" + text[before:])
		}
	}
	s.now = until
	return nil
}

func (s *stage) step(ev acd.Event) error {
	s.write(s.e.Step(s.now, ev))
	if s.restless && !s.restarted.Equal(s.now) {
		s.restarted = s.now
		if err := s.restart(s.cfg); err != nil {
			return err
		}
	}
	return s.audit()
}

func (s *stage) audit() error {
	if broken := s.e.Audit(); len(broken) > 0 {
		return errors.New(strings.Join(broken, "; "))
	}
	return nil
}

// changed carries out reconfigure and restart.
func (s *stage) changed(w *words, changes []string) error {
	cfg := s.cfg
	cfg.Entries, cfg.Queues, cfg.Agents, cfg.Partners = slices.Clone(cfg.Entries), slices.Clone(cfg.Queues), slices.Clone(cfg.Agents), slices.Clone(cfg.Partners)
	for _, c := range changes {
		if err := change(&cfg, c[1:]); err != nil {
			return err
		}
	}
	if err := w.done(); err != nil {
		return err
	}
	if w.verb == "reconfigure" {
		out := s.e.Step(s.now, acd.Reconfigure{Config: cfg})
		if out.Err == nil {
			s.cfg = cfg
		}
		s.write(out)
		return nil
	}
	if err := s.restart(cfg); err != nil {
		s.say("refused: %v", err)
		return nil
	}
	s.cfg = cfg
	s.write(s.e.Step(s.now, acd.Tick{}))
	return nil
}

// restart lets another engine go on from the text that is stored.
func (s *stage) restart(cfg acd.Config) error {
	data, err := json.Marshal(s.e.Save())
	if err != nil {
		return err
	}
	var state acd.State
	if err := json.Unmarshal(data, &state); err != nil {
		return err
	}
	e, err := acd.Restore(cfg, callflow.Standard{}, state)
	if err == nil {
		s.e = e
	}
	return err
}

// acts are the events of transcripts. One may stand for several of the engine's.
var acts = map[string]func(*stage, *words) []acd.Event{
	"call": func(s *stage, w *words) []acd.Event {
		ev := acd.CallArrived{Call: acd.CallID(w.next("a call")), Entry: w.next("a number"), Node: "a1"}
		setWord(w, "from", &ev.Caller)
		setWord(w, "node", &ev.Node)
		w.value("held", func(text string) error {
			held, err := time.ParseDuration(text)
			ev.Since = s.now.Add(-held)
			return err
		})
		return []acd.Event{ev}
	},
	"played": func(_ *stage, w *words) []acd.Event {
		ev := acd.CallPlayed{Call: acd.CallID(w.next("a call"))}
		w.whole("play", &ev.Play)
		return []acd.Event{ev}
	},
	"keys": func(_ *stage, w *words) (events []acd.Event) {
		call := acd.CallID(w.next("a call"))
		for _, key := range w.next("keys") {
			events = append(events, acd.CallDigit{Call: call, Digit: string(key)})
		}
		return events
	},
	"gone": func(_ *stage, w *words) []acd.Event {
		ev := acd.CallGone{Call: acd.CallID(w.next("a call")), Vanished: w.flag("vanished")}
		setWord(w, "outcome", &ev.Outcome)
		return []acd.Event{ev}
	},
	"rings": func(s *stage, w *words) []acd.Event { return []acd.Event{acd.LegRinging{Leg: s.leg(w)}} },
	"lifts": func(s *stage, w *words) []acd.Event { return []acd.Event{acd.LegAnswered{Leg: s.leg(w)}} },
	"ends": func(s *stage, w *words) []acd.Event {
		ev := acd.LegGone{Leg: s.leg(w), MayRing: w.flag("may-ring")}
		setWord(w, "outcome", &ev.Outcome)
		return []acd.Event{ev}
	},
	"holds":   func(s *stage, w *words) []acd.Event { return []acd.Event{acd.LegHeld{Leg: s.leg(w)}} },
	"resumes": func(s *stage, w *words) []acd.Event { return []acd.Event{acd.LegResumed{Leg: s.leg(w)}} },
	// The program is about to end.
	"ends-ratings": func(*stage, *words) []acd.Event { return []acd.Event{acd.EndRatings{}} },
	"bridged": func(s *stage, w *words) []acd.Event {
		leg := s.leg(w)
		call, _, _, _ := leg.Parse()
		return []acd.Event{acd.Connected{Call: call, Leg: leg}}
	},
	"unbridged": func(s *stage, w *words) []acd.Event {
		leg := s.leg(w)
		call, _, _, _ := leg.Parse()
		return []acd.Event{acd.ConnectFailed{Call: call, Leg: leg, NodeFault: w.flag("node-fault")}}
	},
	// The phone rings, the agent lifts, both are bridged.
	"talks": func(s *stage, w *words) []acd.Event {
		leg := s.leg(w)
		call, _, _, _ := leg.Parse()
		return []acd.Event{acd.LegRinging{Leg: leg}, acd.LegAnswered{Leg: leg}, acd.Connected{Call: call, Leg: leg}}
	},
	// The caller hangs up and the agent's leg is gone.
	"over": func(s *stage, w *words) []acd.Event {
		leg := s.leg(w)
		call, _, _, _ := leg.Parse()
		return []acd.Event{acd.CallGone{Call: call}, acd.LegGone{Leg: leg}}
	},
	"node": func(_ *stage, w *words) []acd.Event {
		node, what := acd.NodeID(w.next("a node")), w.next("what became of it")
		switch what {
		case "down":
			return []acd.Event{acd.NodeDown{Node: node}}
		case "unreachable":
			return []acd.Event{acd.NodeUnreachable{Node: node}}
		case "reachable":
			return []acd.Event{acd.NodeReachable{Node: node}}
		}
		w.wrong("node does not know the word %q", what)
		return nil
	},
	"dials": func(_ *stage, w *words) []acd.Event {
		return []acd.Event{acd.SeatDialled{Channel: "phone", Node: "a1", Seat: acd.SeatID(w.next("a seat")), Code: w.next("a code")}}
	},
	"login": func(_ *stage, w *words) []acd.Event {
		return []acd.Event{acd.Login{Agent: agentOf(w), Seat: acd.SeatID(w.next("a seat"))}}
	},
	"logout": func(_ *stage, w *words) []acd.Event { return []acd.Event{acd.Logout{Agent: agentOf(w)}} },
	"ready":  func(_ *stage, w *words) []acd.Event { return []acd.Event{acd.SetReady{Agent: agentOf(w)}} },
	// Logs in and is ready.
	"comes": func(_ *stage, w *words) []acd.Event {
		agent := agentOf(w)
		return []acd.Event{acd.Login{Agent: agent, Seat: acd.SeatID(w.next("a seat"))}, acd.SetReady{Agent: agent}}
	},
	"pauses": func(_ *stage, w *words) []acd.Event {
		return []acd.Event{acd.SetNotReady{Agent: agentOf(w), Reason: w.next("a reason")}}
	},
	"extend": func(_ *stage, w *words) []acd.Event {
		ev := acd.ExtendWrapUp{Agent: agentOf(w)}
		w.duration("by", &ev.By)
		return []acd.Event{ev}
	},
	"assign": func(_ *stage, w *words) []acd.Event {
		ev := acd.AssignSkills{Agent: agentOf(w)}
		w.eachLevel("queues", func(q string, l acd.Level) { ev.Queues[acd.QueueID(q)] = l }, func() { ev.Queues = map[acd.QueueID]acd.Level{} })
		w.eachLevel("skills", func(s string, l acd.Level) { ev.Skills[acd.SkillID(s)] = l }, func() { ev.Skills = map[acd.SkillID]acd.Level{} })
		return []acd.Event{ev}
	},
	"reset": func(_ *stage, w *words) []acd.Event { return []acd.Event{acd.ResetSkills{Agent: agentOf(w)}} },
	"prioritise": func(_ *stage, w *words) []acd.Event {
		ev := acd.Prioritise{Call: acd.CallID(w.next("a call"))}
		w.whole("points", &ev.Priority)
		return []acd.Event{ev}
	},
	"move": func(_ *stage, w *words) []acd.Event {
		return []acd.Event{acd.MoveCall{Call: acd.CallID(w.next("a call")), Queue: acd.QueueID(w.next("a queue"))}}
	},
	"block": func(s *stage, w *words) []acd.Event {
		ev := acd.BlockCaller{Number: w.next("a number")}
		setWord(w, "reason", &ev.Reason)
		w.value("until", func(text string) error {
			until, err := time.ParseDuration(text)
			ev.Until = start.Add(until)
			return err
		})
		return []acd.Event{ev}
	},
	"unblock": func(_ *stage, w *words) []acd.Event {
		return []acd.Event{acd.UnblockCaller{Number: w.next("a number")}}
	},
	"emergency": func(_ *stage, w *words) []acd.Event {
		var ev acd.SetEmergency
		setList(w, "prompts", &ev.Prompts)
		return []acd.Event{ev}
	},
	"cancel": func(_ *stage, w *words) []acd.Event {
		return []acd.Event{acd.CancelCallback{Callback: acd.CallbackID(w.next("a callback"))}}
	},
	"show": func(s *stage, w *words) []acd.Event {
		s.show()
		return nil
	},
	"reconfigure": nil, // both are for stage.changed
	"restart":     nil,
}

func agentOf(w *words) acd.AgentID { return acd.AgentID(w.next("an agent")) }

func (s *stage) leg(w *words) acd.LegID {
	name := w.next("a leg")
	leg, known := s.legs[name]
	if !known {
		w.wrong("there is no leg %s", name)
	}
	return leg
}

// since writes a moment as what has gone by since the beginning.
func since(t time.Time) string { return t.Sub(start).String() }

// legName is the short name of a leg.
func legName(leg acd.LegID) string {
	call, offer, who, ok := leg.Parse()
	if !ok {
		return string(leg)
	}
	if strings.HasPrefix(string(who), "to-") {
		return fmt.Sprintf("%s/%s/%d", call, who, offer)
	}
	return fmt.Sprintf("%s/%d", call, offer)
}

// typeName is the name of a command without its package.
func typeName(c acd.Command) string { return reflect.TypeOf(c).Name() }
