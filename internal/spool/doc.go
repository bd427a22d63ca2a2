// Package spool keeps on disk what Redis has not acknowledged, so that it survives the
// end of the process. Entries, already encoded, enter through Write and are synced before
// it returns; Read gives them back, and Drop and Empty let go of them.
//
// Every value has a checksum. One that is damaged is set aside in the file and told, and
// hinders no other; a file that is damaged as a whole is renamed, and a new one begun.
//
// It is the only importer of bbolt, whose lock keeps two processes apart. internal/redisstore
// decides what is written and when; internal/app opens it.
package spool
