package httpapi

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"time"
)

// What is kept is bounded, in number and in bytes; what is at work stays.
func TestKeptAnswersAreBounded(t *testing.T) {
	for _, c := range []struct{ bytes, keeps int }{{100, mostAnswers}, {64 << 10, mostAnswerBytes >> 16}, {mostAnswerBytes + 1, 0}} {
		a, now := newAnswers(), time.Now()
		if _, _, err := a.begin(place{"a", "at work"}, "f", now); err != nil {
			t.Fatal(err)
		}
		n := c.keeps + 10
		body := bytes.Repeat([]byte("x"), c.bytes)
		for i := range n {
			_, mine, err := a.begin(place{"a", fmt.Sprint(i)}, "f", now)
			if err != nil || mine == nil {
				t.Fatal(i, err)
			}
			mine.status, mine.body = http.StatusOK, body
			a.end(mine, true, now)
		}
		if len(a.ended) != c.keeps || len(a.byKey) != c.keeps+1 || a.size != c.keeps*c.bytes {
			t.Errorf("%d answers, %d keys, %d bytes", len(a.ended), len(a.byKey), a.size)
		}
		if c.keeps > 0 {
			oldest, _, err := a.begin(place{"a", fmt.Sprint(n - c.keeps)}, "f", now)
			if err != nil || oldest == nil {
				t.Error("the oldest that is kept is not there:", err)
			}
		}
		if _, _, err := a.begin(place{"a", "at work"}, "f", now.Add(time.Hour)); err != errInProgress {
			t.Error(err)
		}
		if len(a.ended) != 0 || len(a.byKey) != 1 || a.size != 0 {
			t.Errorf("after an hour %d answers, %d keys, %d bytes", len(a.ended), len(a.byKey), a.size)
		}
	}
}

// A password or token that was shown once is nowhere in what is kept.
func TestSecretsAreNotKept(t *testing.T) {
	k := &keeper{}
	k.status = http.StatusCreated
	k.body.WriteString("the secret")
	var a answer
	a.take(k, true)
	if !a.hidden || a.body != nil || a.header != nil || a.status != http.StatusCreated {
		t.Errorf("%+v", a)
	}
}
