package arimodel

import (
	"slices"
	"strings"
)

// Seen is a channel as an observer sees it who hears every line.
type Seen struct {
	Node    string
	Channel string
	State   string // Down, Ring, Ringing, Up
	Args    []string
	InApp   bool
	Caller  string // the number that it shows
	Bridge  string // in which it is; empty: none
	Hears   []string
	HungUp  bool // on its way out
	Over    bool // the phone has hung up; its node may not know
	Told    bool // what happens to it is told: its application has a connection that leads somewhere
}

// Bridged are a bridge and the channels in it.
type Bridged struct {
	Node, Bridge string
	Channels     []string
}

// Look shows what all nodes have, in the order in which it came.
func (w *World) Look() (channels []Seen, bridges []Bridged) {
	w.mu.Lock()
	defer w.mu.Unlock()
	hosts := make([]string, 0, len(w.nodes))
	for h := range w.nodes {
		hosts = append(hosts, h)
	}
	slices.Sort(hosts)
	for _, h := range hosts {
		n := w.nodes[h]
		for _, ch := range n.order {
			s := Seen{
				Node: n.name, Channel: ch.id, State: ch.state, Args: slices.Clone(ch.args), InApp: ch.app != "",
				Caller: ch.caller, Hears: ch.hears(), HungUp: ch.hungUp,
				Over: ch.call != nil && ch.call.over,
			}
			if a := n.apps[ch.app]; a != nil && a.ws != nil {
				s.Told = a.ws.err == nil && !a.ws.ending && !a.ws.dead && !a.ws.hole && !n.cutOff && !n.frozen
			}
			if ch.bridge != nil {
				s.Bridge = ch.bridge.id
			}
			channels = append(channels, s)
		}
		var ids []string
		for id := range n.bridges {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		for _, id := range ids {
			b := Bridged{Node: n.name, Bridge: id}
			for _, m := range n.bridges[id].members {
				b.Channels = append(b.Channels, m.id)
			}
			bridges = append(bridges, b)
		}
	}
	return channels, bridges
}

// hears is what the phone of a channel hears, in this order of precedence:
// "prompt:NAME" or "tone:NAME", the others in the bridge as "voice:PHONE" and
// "music:CLASS", which goes on into a bridge, over the voices. Nothing: silence.
func (c *channel) hears() []string {
	if c.hungUp || c.call == nil || !c.call.up {
		return nil
	}
	if p := c.playing; p != nil {
		media := p.media[p.at]
		if tone, ok := strings.CutPrefix(media, "tone:"); ok {
			tone, _, _ = strings.Cut(tone, ";")
			return []string{"tone:" + tone}
		}
		return []string{"prompt:" + media[strings.LastIndexByte(media, '/')+1:]}
	}
	if c.app == "" {
		if c.dialplan == "" {
			return nil
		}
		return []string{c.dialplan}
	}
	var list []string
	if c.bridge != nil {
		for _, m := range c.bridge.members {
			if m != c && m.call != nil && m.call.up && !m.hungUp {
				if m.held {
					list = append(list, "music:hold")
				} else {
					list = append(list, "voice:"+m.call.phone.name)
				}
			}
		}
	}
	if c.music != "" {
		list = append(list, "music:"+c.music)
	}
	return list
}
