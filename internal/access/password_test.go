package access

import (
	"strings"
	"testing"
	"time"
)

func TestHash(t *testing.T) {
	hash := present.hash("correct horse")
	for password, want := range map[string]bool{"correct horse": true, "correct hors": false, "correct horse ": false, "": false, "ｃorrect horse": true} {
		if right, anew := verify(hash, password); right != want || anew {
			t.Errorf("%q: %v, %v", password, right, anew)
		}
	}
	if hash == present.hash("correct horse") {
		t.Error("the salt is always the same")
	}
	cheap := cost{memory: 64, passes: 1, threads: 1}.hash("correct horse")
	if right, anew := verify(cheap, "correct horse"); !right || !anew {
		t.Error("a cheaper hash is not made anew")
	}
	if _, anew := verify(cheap, "wrong"); anew {
		t.Error("a wrong password would be hashed anew")
	}
	for _, damaged := range []string{
		"", "plain", strings.Replace(hash, "argon2id", "argon2i", 1), strings.Replace(hash, "m=19456", "m=4194304", 1), hash[:len(hash)-4],
		strings.Replace(hash, "t=2", "t=0", 1), strings.Replace(hash, "v=19", "v=16", 1), "$argon2id$v=19$m=19456,t=2,p=1$$",
	} {
		if right, _ := verify(damaged, "correct horse"); right {
			t.Errorf("accepted: %s", damaged)
		}
	}
	if right, _ := verify(nobody, ""); right {
		t.Error("nobody has a password")
	}
}

// A test vector of another implementation: the reference argon2 (phc-winner-argon2, test.c).
func TestHashIsThatOfOthers(t *testing.T) {
	const reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if right, anew := verify(reference, "password"); !right || !anew {
		t.Error(right, anew)
	}
}

func TestPasswordRules(t *testing.T) {
	for password, good := range map[string]bool{
		"correct horse battery staple": true, "今天天气很好我们去海边玩吧好不好": true, "all lower letters here": true, "tr0ub4dor&3 x": false,
		"short": false, "": false, "aaaaaaaaaaaaaaaaaaaaaaa": false, "ababababababababab": false, "zhang.san is my name": false, "my ZHANG.SAN password": false,
		"123456789012345678": false, "Password Password 1": false, "qwertyuiopasdfgh": false, strings.Repeat("abcdefg ", 40): false,
		"with a newline\nin it, too": false, "not utf-8 \xff\xff\xff\xff\xff": false, "1-2-3-4-5-6-7-8-9-0-1-2": false,
	} {
		err := checkPassword("zhang.san", password)
		if (err == nil) != good {
			t.Errorf("%q: %v", password, err)
		}
		if err != nil && len(password) > 5 && strings.Contains(err.Error(), password) {
			t.Error("the sentence shows the password")
		}
	}
	for range 100 {
		if err := checkPassword("zhang.san", randomPassword()); err != nil {
			t.Error(err)
		}
	}
}

func TestThrottleForgetsTheOldest(t *testing.T) {
	var th throttle
	now := time.Unix(1_700_000_000, 0)
	for i := range mostCounts + 100 {
		th.begin(attempt{name: "n", device: time.Duration(i).String()}, now.Add(time.Duration(i)*time.Millisecond))
		if len(th.counts) > mostCounts {
			t.Fatal("it grows without bound")
		}
	}
	if th.counts["device n 0s"] != nil {
		t.Error("the oldest is still there")
	}
}

func TestPlaces(t *testing.T) {
	for address, want := range map[string]string{
		"10.0.0.7": "10.0.0.7", "::ffff:10.0.0.7": "10.0.0.7", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64", "nonsense": "nonsense",
	} {
		if got := place(address); got != want {
			t.Errorf("%s: %s", address, got)
		}
	}
}
