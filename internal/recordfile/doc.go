// Package recordfile reads and writes files of call records and stints: one line of
// JSON for each, between a line that says whose they are and one with their number
// and a checksum; docs/records.md describes them. Readers and writers enter and
// leave; what is wrong with a file is told line by line.
//
// It knows nothing of Redis or of the disk. internal/app imports it.
package recordfile
