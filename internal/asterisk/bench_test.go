package asterisk

import "testing"

// BenchmarkDecodeEvent reads what Asterisk tells of a caller who arrives, the longest
// event of an ordinary call.
func BenchmarkDecodeEvent(b *testing.B) {
	data := []byte(`{"application":"hotline","type":"StasisStart","timestamp":"2026-11-29T17:37:56.925+0000","args":["entry","12345"],` +
		`"channel":{"id":"a1-1795486000.17","name":"PJSIP/carrier-00000011","state":"Ring","protocol_id":"1-12345@127.0.0.2",` +
		`"caller":{"name":"","number":"13905180001"},"connected":{"name":"","number":""},"accountcode":"",` +
		`"dialplan":{"context":"entry","exten":"12345","priority":3,"app_name":"Stasis","app_data":"hotline,entry,12345"},` +
		`"creationtime":"2026-11-29T17:37:56.905+0000","language":"zh"},"asterisk_id":"a1"}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, used, err := decodeEvent(data); !used || err != nil {
			b.Fatal(used, err)
		}
	}
}
