// Package redisstore keeps live state, call records and traffic counters in
// Redis. Changes and records of the engine enter through Append and are
// written behind, in order, by one goroutine; counters, a recount of the
// records and, for a controller that takes over, the live state leave.
//
// Redis is never in the way of a call: Append returns at once whether Redis
// is there or not. A record is applied exactly once, however often it is sent.
// One that Redis refuses while it takes others is kept, shown by Ready and
// tried again; it holds nothing else up. What Redis does not take in time waits in a
// spool on disk as well, if there is one, and survives the end of the process.
//
// Beside that it keeps who may use the API, and the audit log; see Access.
//
// It is the only importer of go-redis. It imports access, acd, calendar, spool and traffic;
// internal/app wires it, and whoever reads figures may import it.
package redisstore
