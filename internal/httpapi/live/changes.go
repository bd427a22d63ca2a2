package live

import (
	"encoding/json"
	"reflect"
	"slices"
	"time"

	"hotline/internal/acd"
	"hotline/internal/alert"
	"hotline/internal/httpapi/view"
)

// change is one thing that changed or is gone.
type change struct {
	kind Kinds
	id   string
	gone bool
	json []byte // a view.Change or view.Gone
}

// batch is what changed between two looks.
type batch struct {
	seq     uint64
	at      time.Time
	changes []change
	size    int // of all JSON, in bytes
}

// compare lists what is different in now. Whole is said when single changes cannot tell it:
// the order of queues or partners, which is that of the configuration.
func compare(before, now *view.Snapshot) (b batch, whole bool) {
	b.at = now.At
	whole = members(&b, Queues, before.Queues, now.Queues, func(q view.Queue) string { return string(q.ID) }, view.Queue.Still) ||
		members(&b, Partners, before.Partners, now.Partners, func(p acd.PartnerStatus) string { return string(p.Partner) }, func(p acd.PartnerStatus) acd.PartnerStatus { return p })
	members(&b, Agents, before.Agents, now.Agents, func(a view.Agent) string { return string(a.ID) }, view.Agent.Still)
	members(&b, Calls, before.Calls, now.Calls, func(c view.Call) string { return string(c.ID) }, view.Call.Still)
	members(&b, Callbacks, before.Callbacks, now.Callbacks, func(c view.Callback) string { return string(c.ID) }, view.Callback.Still)
	members(&b, Alerts, before.Alerts, now.Alerts, func(a alert.Alert) string { return a.ID }, alert.Alert.Still)
	if !slices.Equal(before.Blocked, now.Blocked) {
		b.changed(Blocked, "", now.Blocked) // a masked number tells nobody apart
	}
	if !slices.Equal(before.Emergency, now.Emergency) {
		b.changed(Emergency, "", now.Emergency)
	}
	return b, whole
}

// members compares lists of things with ids, and reports whether the ids or their order differ.
func members[V any](b *batch, kind Kinds, before, now []V, id func(V) string, still func(V) V) (moved bool) {
	was := make(map[string]int, len(before))
	for i, v := range before {
		was[id(v)] = i
	}
	moved = len(before) != len(now)
	for i, v := range now {
		at, known := was[id(v)]
		if moved = moved || !known || at != i; !known || !reflect.DeepEqual(still(before[at]), still(v)) {
			b.changed(kind, id(v), v)
		}
		delete(was, id(v))
	}
	for _, v := range before {
		if _, gone := was[id(v)]; gone {
			b.gone(kind, id(v))
		}
	}
	return moved
}

func (b *batch) changed(kind Kinds, id string, v any) {
	b.add(change{kind: kind, id: id, json: encode(view.Change{Kind: kind.String(), ID: id, View: encode(v)})})
}

func (b *batch) gone(kind Kinds, id string) {
	b.add(change{kind: kind, id: id, gone: true, json: encode(view.Gone{Kind: kind.String(), ID: id})})
}

func (b *batch) add(c change) {
	b.changes = append(b.changes, c)
	b.size += len(c.json)
}

// encode writes JSON on one line. Views hold nothing that cannot be written.
func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		return []byte("null")
	}
	return data
}

// event is the batch as those see it who have the view; nil when they see nothing of it.
func (b *batch) event(id string, v View) []byte {
	var changed, gone []byte
	for _, c := range b.changes {
		switch {
		case !v.sees(c):
		case c.gone:
			gone = append(append(gone, ','), c.json...)
		default:
			changed = append(append(changed, ','), c.json...)
		}
	}
	if len(changed)+len(gone) == 0 {
		return nil
	}
	data := make([]byte, 0, len(changed)+len(gone)+128)
	data = append(append(data, `{"at":`...), encode(b.at)...)
	data = append(append(data, `,"changed":[`...), changed[min(1, len(changed)):]...)
	data = append(append(data, `],"gone":[`...), gone[min(1, len(gone)):]...)
	return Event("changes", id, append(data, "]}"...))
}

// Event is one event on the wire; data is JSON on one line. Without an id the client keeps
// the one before.
func Event(name, id string, data []byte) []byte {
	out := make([]byte, 0, len(data)+len(name)+len(id)+32)
	if id != "" {
		out = append(append(append(out, "id: "...), id...), '\n')
	}
	out = append(append(append(out, "event: "...), name...), '\n')
	return append(append(append(out, "data: "...), data...), "\n\n"...)
}

// seen is the last look, with what of it was written as JSON.
type seen struct {
	view.Snapshot
	parts  [kinds][]byte
	events map[View][]byte
}

// event is the snapshot as those see it who have the view.
func (s *seen) event(id string, v View) []byte {
	if e, known := s.events[v]; known {
		return e
	}
	data := append([]byte(`{"at":`), encode(s.At)...)
	for i, name := range names {
		if v.Kinds&(1<<i) == 0 {
			continue
		}
		data = append(append(append(data, `,"`...), name...), `":`...)
		if v.Own != "" && Kinds(1<<i) == Agents {
			data = append(data, s.own(v.Own)...)
			continue
		}
		if s.parts[i] == nil {
			s.parts[i] = encode(s.list(i))
		}
		data = append(data, s.parts[i]...)
	}
	e := Event("snapshot", id, append(data, '}'))
	s.events[v] = e
	return e
}

func (s *seen) list(kind int) any {
	return [kinds]any{s.Queues, s.Agents, s.Calls, s.Callbacks, s.Partners, s.Blocked, s.Emergency, s.Alerts}[kind]
}

func (s *seen) own(agent acd.AgentID) []byte {
	for _, a := range s.Agents {
		if a.ID == agent {
			return encode([]view.Agent{a})
		}
	}
	return []byte("[]")
}
