// Package replay makes a scenario of the simulation out of a recorded day. The
// call records of the day and the routing enter, one by one; the text of a
// scenario file and of its files of arrivals leaves. What the records tell is
// measured: when persons dialled, how long they waited before they gave up, how
// often and when they dialled again, how long they talked, how long phones rang,
// and who was at work. What they do not tell stands as an assumption, marked as
// one. Callers' numbers are used to recognise redials, and leave in no file.
//
// It is pure. internal/app reads the records and writes the files.
package replay
