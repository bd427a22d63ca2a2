package app

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"go.uber.org/zap/zaptest"
)

func TestComponentsEndLastFirst(t *testing.T) {
	for _, byItself := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var ended []string
			part := func(name string, err error) component {
				return component{name, func(ctx context.Context) error {
					<-ctx.Done()
					ended = append(ended, name)
					return err
				}}
			}
			quit := make(chan struct{})
			components := []component{
				part("store", nil),
				{"runner", func(ctx context.Context) error {
					select {
					case <-ctx.Done():
						ended = append(ended, "runner")
						return nil
					case <-quit:
						return errors.New("broke")
					}
				}},
				part("http", errors.New("late")),
			}
			result := make(chan error, 1)
			go func() { result <- runAll(ctx, zaptest.NewLogger(t), components) }()
			synctest.Wait()
			want, wantText := []string{"http", "runner", "store"}, "http: late"
			if byItself {
				close(quit)
				want, wantText = []string{"http", "store"}, "http: late\nrunner: broke"
			} else {
				cancel()
			}
			err := <-result
			if err == nil || err.Error() != wantText || !slices.Equal(ended, want) {
				t.Errorf("ended %v with %v, want %v with %q", ended, err, want, wantText)
			}
		})
	}
}
