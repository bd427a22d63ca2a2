package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/httpapi/view"
	"hotline/internal/lab"
	"hotline/internal/phone"
)

const clusterRouting = `
entries:
  - {number: "12345", queue: general}
  - {number: "12348", queue: aid}
partners: [{id: xuzhou, number: "051612345", at_most: 2}]
queues:
  - {id: general, wrap_up: 0s, ring_timeout: 10s}
  - {id: aid, overflow: [{wait: 1s, partner: xuzhou}]}
agents:
  - {range: 1001-1003, queues: [general, aid]}
`

// cluster is an office with two Asterisk nodes behind Kamailio.
type cluster struct {
	*office
}

// TestCluster lets callers and agents talk over two Asterisk nodes behind
// Kamailio: one queue, one order, and a node that is drained, killed and back.
func TestCluster(t *testing.T) {
	c := cluster{officeOf(t, lab.Site{Agents: 3, Nodes: 2, Routing: clusterRouting, Contact: freeUDP(t, "127.0.0.2")})}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("Kamailio said:\n%s", c.lab.Kamailio.Log())
		}
	})
	t.Run("agents are rung from both nodes", c.bothNodes)
	t.Run("feature codes name the seat that dials", c.featureCodes)
	t.Run("one queue over all nodes, in the order of arrival", c.oneOrder)
	t.Run("calls to the carrier go out through the proxy", c.outbound)
	t.Run("a node that refuses is passed over", c.refused)
	t.Run("a drained node goes on talking, gets no new calls, and ends after the last", c.drained)
	t.Run("a killed node", c.killed)

	for i := range c.lab.Nodes {
		c.empty(t, i)
	}
	if breaches := value(scrape(t, c.lab), "hotline_invariant_breaches_total"); breaches != 0 {
		t.Errorf("%v invariants were broken", breaches)
	}
	if err := c.lab.StopServe(); err != nil {
		t.Error(err)
	}
	if out, err := c.lab.Verify(t.Context()); err != nil {
		t.Errorf("the counters are not a recount of the records: %v\n%s", err, out)
	}
}

// empty: no channel is left at a node.
func (c cluster) empty(t *testing.T, node int) {
	t.Helper()
	within(t, 10*time.Second, "the node has no channels", func(ctx context.Context) (bool, string) {
		out, err := c.lab.Nodes[node].CLI(ctx, "core show channels count")
		return err == nil && strings.Contains(out, "0 active channels"), fmt.Sprint(out, err)
	})
}

// calls are those in progress, by caller's number as the API shows it.
func (c cluster) calls() map[string]view.Call {
	c.t.Helper()
	s, err := c.api.Snapshot(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	calls := map[string]view.Call{}
	for _, call := range s.Calls {
		calls[call.Caller] = call
	}
	return calls
}

// nodeOf says at which node a caller is.
func (c cluster) nodeOf(caller *phone.Call) acd.NodeID {
	c.t.Helper()
	var call view.Call
	within(c.t, 2*time.Second, "the API shows the call of "+caller.Phone().User(), func(context.Context) (bool, string) {
		var here bool
		call, here = c.calls()[acd.Mask(caller.Phone().User())]
		return here, ""
	})
	return call.Node
}

func (c cluster) agent(id acd.AgentID) view.Agent {
	c.t.Helper()
	s, err := c.api.Snapshot(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	at := slices.IndexFunc(s.Agents, func(a view.Agent) bool { return a.ID == id })
	return s.Agents[at]
}

// becomes waits until an agent is in a state.
func (c cluster) becomes(id acd.AgentID, state acd.AgentState, limit time.Duration) time.Duration {
	c.t.Helper()
	began := time.Now()
	within(c.t, limit, fmt.Sprintf("agent %s is %s", id, state), func(context.Context) (bool, string) {
		a := c.agent(id)
		return a.State == state, fmt.Sprint(a)
	})
	return time.Since(began)
}

// goOn: two who talk still hear each other, by tones that they have not said yet.
func (c cluster) goOn(a, b *phone.Call) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 5*time.Second)
	defer cancel()
	for _, way := range [][2]*phone.Call{{a, b}, {b, a}} {
		c.tones++
		tone, err := phone.ToneAt(c.tones)
		if err != nil {
			c.t.Fatal(err)
		}
		if err := way[0].SetTone(tone); err != nil {
			c.t.Error(err)
		}
		if _, err := way[1].WaitTone(ctx, tone); err != nil {
			c.t.Error(err)
		}
	}
}

func (c cluster) bothNodes(t *testing.T) {
	c.t = t
	seen := map[acd.NodeID]int{}
	for range 4 {
		c.ready("1001")
		caller := c.dial(c.caller(), "12345")
		agent, _ := c.rings("1001", 5*time.Second)
		if agent.Number() != caller.Phone().User() {
			t.Errorf("the agent sees %s, and %s calls", agent.Number(), caller.Phone().User())
		}
		c.hearEachOther(caller, agent)
		seen[c.nodeOf(caller)]++
		// Whoever puts down, the other is released.
		if len(seen)%2 == 0 {
			agent.Hangup()
			ended, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			if _, err := caller.WaitEnded(ended); err != nil {
				t.Error(err)
			}
			cancel()
		}
		c.over(caller)
	}
	if seen["a1"] != 2 || seen["a2"] != 2 {
		t.Errorf("four callers were spread as %v", seen)
	}
}

// code dials a feature code at a phone and waits until that call is over.
func (c cluster) code(p *phone.Phone, number string, opts phone.CallOptions) (end phone.End) {
	c.t.Helper()
	call, err := p.Dial(number, opts)
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second)
	defer cancel()
	end, err = call.WaitEnded(ctx)
	if err != nil {
		c.t.Fatalf("%s: %v", number, err)
	}
	return end
}

func (c cluster) featureCodes(t *testing.T) {
	c.t = t
	if _, err := c.api.Logout(t.Context(), "1003"); err != nil {
		t.Fatal(err)
	}
	desk := c.phones["1003"]
	none := phone.CallOptions{}
	// Four in turn: two by each node.
	c.code(desk.Phone, "*111003", none)
	if a := c.agent("1003"); a.State != acd.NotReady || a.Seat != "8003" {
		t.Fatalf("after the login: %+v", a)
	}
	c.code(desk.Phone, "*12", none)
	c.becomes("1003", acd.Ready, time.Second)
	c.code(desk.Phone, "*131", none)
	c.becomes("1003", acd.NotReady, time.Second)
	c.code(desk.Phone, "*12", none)
	c.becomes("1003", acd.Ready, time.Second)

	// A phone that says that it is another seat is what it has proved to be.
	lie := phone.CallOptions{Headers: []string{"X-Hotline-Seat: 8001", "x-hotline-seat : 8001", "X-Hotline-Seat:\r\n 8001", "P-Asserted-Identity: <sip:seat-8001@127.0.0.10>"}}
	before := c.agent("1001")
	c.code(desk.Phone, "*131", lie)
	c.becomes("1003", acd.NotReady, time.Second)
	// One that calls itself by the name of another is refused.
	if end := c.code(desk.Phone, "*12", phone.CallOptions{From: "seat-8001"}); end.Status != 407 {
		t.Errorf("in another's name: %+v", end)
	}
	// So is who comes from the carrier, or from nowhere, with a seat's header.
	for from, status := range map[string]int{"127.0.0.2:0": 404, "127.0.0.3:0": 407} {
		liar := c.phone(from, "seat-8001", "a-wrong-password")
		if end := c.code(liar, "*12", lie); end.Status != status {
			t.Errorf("the call from %s ended as %+v, want %d", from, end, status)
		}
	}
	// Nodes are deaf to everybody but the proxy.
	for _, node := range c.lab.Nodes {
		if end := c.code(desk.Phone, "sip:*12@"+node.Params.SIPListen.String(), lie); end.Status != 403 {
			t.Errorf("past the proxy: %+v", end)
		}
	}
	if now := c.agent("1001"); now.State != before.State || now.Since != before.Since {
		t.Errorf("agent 1001 was %+v and is %+v", before, now)
	}
	if a := c.agent("1003"); a.State != acd.NotReady {
		t.Errorf("agent 1003: %+v", a)
	}
}

// line lets callers come one after the other, and returns them in that order.
func (c cluster) line(n int) []*phone.Call {
	c.t.Helper()
	var callers []*phone.Call
	for i := range n {
		callers = append(callers, c.dial(c.caller(), "12345"))
		c.waiting("general", i+1)
	}
	return callers
}

func (c cluster) oneOrder(t *testing.T) {
	c.t = t
	callers := c.line(6)
	nodes := map[acd.NodeID]int{}
	var last time.Time
	for _, caller := range callers {
		call := c.calls()[acd.Mask(caller.Phone().User())]
		if nodes[call.Node]++; !call.Queued.After(last) {
			t.Errorf("%s entered the queue at %v, and the one before at %v", call.Caller, call.Queued, last)
		}
		last = call.Queued
	}
	if nodes["a1"] != 3 || nodes["a2"] != 3 {
		t.Errorf("six callers were spread as %v", nodes)
	}
	c.ready("1001")
	for i, caller := range callers {
		agent, _ := c.rings("1001", 5*time.Second)
		if agent.Number() != caller.Phone().User() {
			t.Errorf("in place %d the agent was rung for %s, and %s was next", i+1, agent.Number(), caller.Phone().User())
		}
		c.hearEachOther(caller, agent)
		caller.Hangup()
	}
	c.over()
}

// outbound: another city's hotline takes two callers, one from each node.
func (c cluster) outbound(t *testing.T) {
	c.t = t
	partner := c.phone(strings.TrimPrefix(c.lab.Config.Asterisk.Trunks[0].Contact, "sip:"), "051612345", "")
	rang := make(chan *phone.Call, 4)
	partner.SetPlan(func(call *phone.Call) phone.Plan {
		rang <- call
		return phone.AnswerAfter(0)
	})
	nodes := map[acd.NodeID]bool{}
	for range 2 {
		caller := c.dial(c.caller(), "12348")
		nodes[c.nodeOf(caller)] = true
		select {
		case there := <-rang:
			c.hearEachOther(caller, there)
			caller.Hangup()
			ended, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			if _, err := there.WaitEnded(ended); err != nil {
				t.Error(err)
			}
			cancel()
		case <-time.After(5 * time.Second):
			t.Fatal("the partner is not rung")
		}
	}
	if len(nodes) != 2 {
		t.Errorf("both callers were at one node: %v", nodes)
	}
	if err := partner.Close(); err != nil {
		t.Error(err)
	}
}

// refused: a destination that answers questions and refuses calls, as a node does
// that is out of resources.
func (c cluster) refused(t *testing.T) {
	c.t = t
	broken := c.phone("127.0.0.19:0", "12345", "")
	tried := make(chan *phone.Call, 16)
	broken.SetPlan(func(call *phone.Call) phone.Plan {
		tried <- call
		return phone.RefuseAfter(0, 503)
	})
	_, at, _ := strings.Cut(broken.Contact(), "@")
	c.proxy("dispatcher.add", "1", "sip:"+at)
	callers := c.line(3)
	if len(tried) == 0 {
		t.Error("the broken node was not tried")
	}
	c.proxy("dispatcher.remove", "1", "sip:"+at)
	c.over(callers...)
	c.waiting("general", 0)
}

// proxy runs a command of Kamailio, which changes its list of nodes at most once
// a second.
func (c cluster) proxy(args ...string) {
	c.t.Helper()
	within(c.t, 5*time.Second, strings.Join(args, " "), func(ctx context.Context) (bool, string) {
		out, err := c.lab.Kamailio.Command(ctx, args...)
		return err == nil, fmt.Sprint(out, err)
	})
}

func (c cluster) uri(id acd.NodeID) string {
	for _, n := range c.lab.Config.Asterisk.Nodes {
		if n.ID == id {
			return "sip:" + n.SIPListen.String()
		}
	}
	c.t.Fatalf("no node %s", id)
	return ""
}

func (c cluster) drained(t *testing.T) {
	c.t = t
	c.ready("1001")
	talks := c.dial(c.caller(), "12345")
	agent, _ := c.rings("1001", 5*time.Second)
	c.hearEachOther(talks, agent)
	waits := c.line(2)
	id := c.nodeOf(talks)
	node := int(id[1] - '1')
	c.proxy("dispatcher.set_state", "d", "1", c.uri(id))
	stopped := make(chan struct{})
	go func() { // the command waits as well, and its answer is lost with the node
		defer close(stopped)
		_, _ = c.lab.Nodes[node].CLI(t.Context(), "core stop when convenient")
	}()

	var others []*phone.Call
	for range 4 {
		other := c.dial(c.caller(), "12345")
		if c.nodeOf(other) == id {
			t.Errorf("the drained node %s got a new call", id)
		}
		others = append(others, other)
	}
	c.goOn(talks, agent)
	talks.Hangup()
	// Who waits there is served there, in turn.
	for _, caller := range waits {
		agent, _ := c.rings("1001", 5*time.Second)
		if agent.Number() != caller.Phone().User() {
			t.Errorf("the agent was rung for %s", agent.Number())
		}
		c.hearEachOther(caller, agent)
		caller.Hangup()
	}
	c.over(others...)
	// After its last call it has ended by itself; it is upgraded, and back.
	select {
	case <-c.lab.Nodes[node].Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the drained node does not end")
	}
	<-stopped
	c.startAgain(node)
	c.proxy("dispatcher.set_state", "ap", "1", c.uri(id))
	back := c.line(2)
	if c.nodeOf(back[0]) != id && c.nodeOf(back[1]) != id {
		t.Errorf("node %s gets no calls although it is back", id)
	}
	c.over(back...)
}

// startAgain starts a node that has ended, and waits until hotline has it.
func (c cluster) startAgain(node int) {
	c.t.Helper()
	if err := c.lab.StartNode(c.t.Context(), node); err != nil {
		c.t.Fatal(err)
	}
	within(c.t, 15*time.Second, "hotline has both nodes again", func(context.Context) (bool, string) {
		connected := value(scrape(c.t, c.lab), "hotline_asterisk_connected")
		return connected == 2, fmt.Sprint(connected)
	})
}

func (c cluster) killed(t *testing.T) {
	c.t = t
	// Two conversations, one at each node, and one who waits at each.
	c.ready("1001")
	lost := c.dial(c.caller(), "12345")
	lostAgent, _ := c.rings("1001", 5*time.Second)
	c.hearEachOther(lost, lostAgent)
	c.ready("1002")
	kept := c.dial(c.caller(), "12345")
	keptAgent, _ := c.rings("1002", 5*time.Second)
	c.hearEachOther(kept, keptAgent)
	waiting := c.line(2)
	id, other := c.nodeOf(lost), c.nodeOf(kept)
	if id == other {
		t.Fatalf("both conversations are at %s", id)
	}
	stays := waiting[slices.IndexFunc(waiting, func(w *phone.Call) bool { return c.nodeOf(w) == other })]
	node := int(id[1] - '1')

	killed := time.Now()
	c.lab.Nodes[node].Kill()
	// The next callers do not wait until the proxy has noticed.
	var late []*phone.Call
	for range 2 {
		began := time.Now()
		late = append(late, c.dial(c.caller(), "12345"))
		t.Logf("%v after the kill a caller was answered after %v", began.Sub(killed), time.Since(began))
		if at := c.nodeOf(late[len(late)-1]); at != other {
			t.Errorf("a caller came to %s", at)
		}
	}
	// The agent of the lost call is free, and takes the next caller of the other node.
	agent, _ := c.rings("1001", max(0, 5*time.Second-time.Since(killed)))
	t.Logf("the agent of the lost call was rung %v after the kill", time.Since(killed))
	if agent.Number() != stays.Phone().User() {
		t.Errorf("the agent was rung for %s, and %s was next", agent.Number(), stays.Phone().User())
	}
	c.hearEachOther(stays, agent)
	c.goOn(kept, keptAgent)
	if a := c.agent("1002"); a.State != acd.Talking {
		t.Errorf("the agent at the other node: %+v", a)
	}
	if _, here := c.calls()[acd.Mask(lost.Phone().User())]; here {
		t.Error("the lost call is still there")
	}
	// The callers of the lost node hear nothing more and go.
	lost.Hangup()
	lostAgent.Hangup()
	for _, w := range waiting {
		w.Hangup()
	}
	c.over(append(late, kept, stays)...)

	c.startAgain(node)
	within(t, 15*time.Second, "the node gets calls again", func(context.Context) (bool, string) {
		caller := c.dial(c.caller(), "12345")
		defer caller.Hangup()
		at := c.nodeOf(caller)
		return at == id, fmt.Sprint(at)
	})
	c.over()
}
