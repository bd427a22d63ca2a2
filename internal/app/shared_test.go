package app

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestSharedReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		reads, failing := 0, error(nil)
		s := shared[string, int]{
			read: func(ctx context.Context, _ string) (int, error) {
				reads++
				n := reads
				select {
				case <-time.After(100 * time.Millisecond):
				case <-ctx.Done():
					return 0, ctx.Err()
				}
				return n, failing
			},
			keep: func(string) time.Duration { return time.Second },
		}
		leaves, leave := context.WithCancel(ctx)
		var work sync.WaitGroup
		work.Go(func() {
			if _, err := s.get(leaves, "a"); !errors.Is(err, context.Canceled) {
				t.Errorf("who leaves is answered %v", err)
			}
		})
		synctest.Wait()
		for range 300 {
			work.Go(func() {
				if n, err := s.get(ctx, "a"); n != 1 || err != nil {
					t.Errorf("got reading %d, %v", n, err)
				}
			})
		}
		leave() // who asked first; the others have the answer all the same
		work.Wait()
		time.Sleep(899 * time.Millisecond)
		if n, _ := s.get(ctx, "a"); n != 1 {
			t.Errorf("after 0.999 s it is reading %d", n)
		}
		time.Sleep(time.Millisecond)
		if n, _ := s.get(ctx, "a"); n != 2 {
			t.Errorf("after a second it is reading %d", n)
		}
		if n, _ := s.get(ctx, "b"); n != 3 {
			t.Errorf("of another key it is reading %d", n)
		}
		time.Sleep(time.Second)
		failing = errors.New("away")
		if _, err := s.get(ctx, "a"); !errors.Is(err, failing) || len(s.kept) != 0 {
			t.Errorf("got %v, and %d are kept", err, len(s.kept))
		}
		failing = nil
		if n, err := s.get(ctx, "a"); n != 5 || err != nil {
			t.Errorf("after a failure: reading %d, %v", n, err)
		}
	})
}
