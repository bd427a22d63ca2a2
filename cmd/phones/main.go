// Command phones plays agents and callers on real SIP phones.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := command().ExecuteContext(ctx)
	if err != nil && !errors.Is(err, errNotOK) {
		fmt.Fprintln(os.Stderr, "phones:", err)
	}
	if err != nil {
		stop()
		os.Exit(1)
	}
}
