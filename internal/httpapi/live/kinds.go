package live

import (
	"slices"
	"strings"

	"hotline/internal/acd"
)

// Kinds is a set of kinds of things.
type Kinds uint16

// The kinds, in the order of a snapshot.
const (
	Queues Kinds = 1 << iota
	Agents
	Calls
	Callbacks
	Partners
	Blocked
	Emergency
	Alerts

	kinds = iota // how many there are
)

// names are the keys in view.Snapshot.
var names = [kinds]string{"queues", "agents", "calls", "callbacks", "partners", "blocked", "emergency", "alerts"}

// Each are all kinds, one by one.
func Each() (each []Kinds) {
	for i := range kinds {
		each = append(each, 1<<i)
	}
	return each
}

// Named is the kind with this name.
func Named(name string) (Kinds, bool) {
	i := slices.Index(names[:], name)
	return 1 << max(i, 0), i >= 0
}

// String lists the names.
func (k Kinds) String() string {
	var list []string
	for i, name := range names {
		if k&(1<<i) != 0 {
			list = append(list, name)
		}
	}
	return strings.Join(list, ",")
}

// View is what a client may see, and wants to. Phone numbers are masked in all of them.
type View struct {
	Kinds Kinds
	Own   acd.AgentID // with Agents: this one only; empty: all
}

// sees reports whether something is part of the view.
func (v View) sees(c change) bool {
	return v.Kinds&c.kind != 0 && (c.kind != Agents || v.Own == "" || string(v.Own) == c.id)
}
