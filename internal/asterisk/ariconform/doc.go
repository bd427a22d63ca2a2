// Package ariconform holds one table of behaviours of Asterisk 22, told in
// requests of ARI and in what people do at their phones. Each scenario writes a
// transcript: the answers to its requests, and for each channel the events that
// came, with the fields that internal/asterisk uses.
//
// The transcripts in testdata were written by a real Asterisk. The tests run
// every scenario at a real Asterisk with real SIP phones, and at the model in
// internal/asterisk/arimodel, and compare both with them. Where they differ the
// real one is right:
//
//	go test ./internal/asterisk/ariconform -run Real -update
//
// In go a Site; out comes a transcript. Only tests import it.
package ariconform
