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
// What is by chance at the real one is not compared; the model chooses it by its
// seed, and internal/asterisk is right in either case. Seen at 22.10.1, with the
// place in its source that says why:
//
//   - A connection that replaces an open one is always whole: the end of the former
//     one, 0 ms to 1 s later, took nothing along in 2,960 tries, 900 of them on a busy
//     machine.
//   - A connection that is opened in the moment in which Asterisk ends the former one
//     is accepted and left without the application (app_update in res/stasis/app.c):
//     1% to 5% of those that were opened when the other end had just closed, 1% of those
//     opened a millisecond later on a busy machine, and none of 1,160 after 5 ms to 20 ms. Where no channel keeps the application every request about it is answered
//     404; else the filter is taken, and nothing is ever sent. It was so from the
//     beginning or not at all.
//   - The end of a connection without the application takes it from whoever has it by
//     then (session_unregister_apps in res/ari/ari_websockets.c). A client that ends its
//     half, and waits for the end of the other, knows that this has happened.
//   - The event filter holds for ApplicationReplaced (ari_websocket_send_event).
//   - A playback that was told to have started cannot be stopped for a moment: 500
//     (play_on_channel in res/res_stasis_playback.c sets controllable afterwards).
//   - A deleted bridge is listed for a moment, and is then answered 409 instead of 404.
//   - A channel that changes while channels are listed may be listed twice, the newer
//     state last; none is left out (ast_ari_channels_list goes through the live cache).
//   - A reply can come before the events of what it has brought about.
//
// In go a Site; out comes a transcript. Only tests import it.
package ariconform
