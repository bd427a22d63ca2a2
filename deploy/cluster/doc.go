// Package cluster renders the configuration of Kamailio, the SIP proxy in front
// of several Asterisk nodes.
//
// In goes [Params]: where the proxy listens, its nodes, carriers and seats. Out
// comes a folder with kamailio.cfg, the commented file beside this one, and the
// generated files that it reads. The same parameters always give the same bytes.
//
// Everything may import it; it imports the standard library only.
package cluster
