// Package redismodel is a model of Redis in memory, for tests in virtual time: it
// does what the real one does with the commands and scripts of internal/redisstore,
// and fails in every way that a test asks for.
//
// In go connections, each through the Link of one client, in the protocol of Redis,
// and faults. Out come replies. The scripts are the project's own, run by a Lua
// interpreter.
//
// Its test holds it to the real Redis: the same commands get the same replies.
//
// Not modelled: what internal/redisstore does not use; clusters; the memory that
// things take.
//
// It has no goroutine of its own, and chance comes from a seed, as in
// internal/asterisk/arimodel. Only tests import it.
package redismodel
