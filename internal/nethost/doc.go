// Package nethost makes a small network of hosts on one Linux machine, for tests that
// take a cable out or let a machine vanish: what a relay on loopback cannot do.
//
// A command calls [Isolate] at its start and goes on in a network of its own, which
// nobody else on the machine sees and which is gone with its last process. There [New]
// lays a bridge with an address for the command, and [Network.Host] joins hosts to it,
// each with its address and its own connections. Processes are started at a host inside
// [Host.Do]. [Host.Unplug], [Network.Part] and [Host.PowerOff] break something: packets
// vanish without a word, as in a real network; nobody's connection is reset.
//
//	             the command, 10.77.0.1
//	══════════╤════════════ bridge ═══╤══════════════════╤══
//	      10.77.0.11              10.77.0.12         10.77.0.20
//
// A host is a network namespace that is kept by an open descriptor: no name of it stands
// in /run/netns, and no other program is called. It needs root, or the capabilities
// CAP_SYS_ADMIN and CAP_NET_ADMIN. Files, processes and unix sockets are those of the machine.
//
// It imports none of the project's packages; the lab and the faults import it.
package nethost
