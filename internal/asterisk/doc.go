// Package asterisk drives one or more Asterisk nodes through ARI. It is the
// implementation of runner.Switch, and the only importer of CyCoreSystems/ari.
//
// In come ARI events over one websocket a node, and acd commands. Out go ARI
// requests, and acd events. What a lost connection has hidden is found out by
// listing channels and bridges, and delivered as ordinary events.
//
// The way of an event: the reader (socket.go) stamps the time, sniffs the
// type, decodes what is used and puts it into the inbox, which never blocks
// and never drops in silence; the node's owner goroutine (events.go) compares
// it with the book of known channels and emits what is new. The way of a
// command: Do puts it into the lane of its call (lanes.go); a bounded number
// of workers carry lanes out (commands.go), and what comes of it goes through
// the inbox too.
//
// The library's types and decoding are used; its websocket bus and its HTTP
// client are not, because they drop events in silence, panic on unknown event
// types, and know no time-outs.
package asterisk
