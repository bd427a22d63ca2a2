package access

import "testing"

// Cheap lets passwords cost little until the test ends, for tests of many logins.
func Cheap(t testing.TB) {
	t.Helper()
	before, beforeNobody := present, nobody
	present = cost{memory: 64, passes: 1, threads: 1}
	nobody = present.format(make([]byte, saltBytes), make([]byte, hashBytes))
	t.Cleanup(func() { present, nobody = before, beforeNobody })
}
