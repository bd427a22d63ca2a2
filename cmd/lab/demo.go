package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"hotline/internal/lab"
	"hotline/internal/phonescript"
)

const (
	demoAgents = 12
	demoAtOnce = 40
	// windDown is how long conversations may still last after the last arrival.
	windDown = 12 * time.Second
	// settle is how long the last records may take until they are counted.
	settle = 10 * time.Second
	// endless is the demo's length without --seconds: until Ctrl-C.
	endless = 24 * time.Hour
)

func demoCommand(f *flags) *cobra.Command {
	cmd := &cobra.Command{
		Use: "demo", Short: "Run everything with agents and callers, and show live figures", Args: cobra.NoArgs,
	}
	seconds := cmd.Flags().Int("seconds", 0, "how long callers arrive; 0: until Ctrl-C")
	rate := cmd.Flags().Float64("rate", 1.6, "mean arrivals a second")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *seconds < 0 || *seconds > 86400 || *rate <= 0 || *rate > 20 {
			return errors.New("--seconds is 0 to 86400, and --rate above 0 and at most 20")
		}
		length := time.Duration(*seconds) * time.Second
		if length == 0 {
			length = endless
		}
		return demo(cmd.Context(), f, length, *rate, cmd.OutOrStdout())
	}
	return cmd
}

// demo plays a stretch of a hotline's day and accounts for it.
func demo(ctx context.Context, f *flags, length time.Duration, rate float64, out io.Writer) error {
	release, err := lock(f.dir)
	if err != nil {
		return err
	}
	defer release()
	// Each demo begins with an empty day.
	for _, old := range []string{"site", "redis", "asterisk", "hotline.log"} {
		if err := os.RemoveAll(filepath.Join(f.dir, old)); err != nil {
			return err
		}
	}
	file, err := lab.Write(filepath.Join(f.dir, "site"), lab.Site{Agents: demoAgents, RingTimeout: "6s", WrapUp: "2s"})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "starting Redis, Asterisk and hotline …")
	l, err := lab.Start(ctx, file, f.dir, f.binary)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "hotline is up, its log is %s\nwallboard: %s/#token=%s\n%d agents register and log in at their phones; callers arrive when all sit, after some 20 seconds\n",
		l.LogFile, l.API, l.Config.HTTP.Token.Reveal(), demoAgents) // of this demo only
	ending := context.AfterFunc(ctx, func() {
		fmt.Fprintln(os.Stderr, "\nending: all hang up, the agents log out, every call is accounted for; some 15 seconds (Ctrl-C again: at once)")
	})
	summary, err := play(ctx, l, length, rate, out)
	ending()
	if err == nil {
		err = account(context.WithoutCancel(ctx), l, summary, out)
	}
	return errors.Join(err, l.Stop())
}

// play lets people phone for so long, or until ctx is done or the program ends.
func play(ctx context.Context, l *lab.Lab, length time.Duration, rate float64, out io.Writer) (phonescript.Summary, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-l.ServeEnded(): // by itself; its end is told by StopServe
			cancel()
		case <-ctx.Done():
		}
	}()
	scenario, err := l.People(demoAgents)
	if err != nil {
		return phonescript.Summary{}, err
	}
	scenario.Seed = uint64(time.Now().UnixNano())
	scenario.Duration, scenario.WindDown = length, windDown
	scenario.Agents.Ignores, scenario.Agents.Refuses = 0.02, 0.01
	scenario.Callers.Rate, scenario.Callers.AtOnce = rate, demoAtOnce
	scenario.Callers.Patience = phonescript.Spread{Mean: 25 * time.Second, Min: 3 * time.Second, Max: time.Minute}
	scenario.Callers.Talk = phonescript.Spread{Mean: 6 * time.Second, Min: 2 * time.Second, Max: 20 * time.Second}
	script, err := phonescript.New(scenario)
	if err != nil {
		return phonescript.Summary{}, err
	}
	showing, stop := context.WithCancel(context.WithoutCancel(ctx))
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		show(showing, l, script, out)
	}()
	walked := make(chan struct{})
	go func() {
		defer close(walked)
		supervise(showing, l)
	}()
	summary, err := script.Run(ctx)
	stop()
	<-shown
	<-walked
	return summary, errors.Join(err, script.Close())
}

// account waits until the controller has counted every call, ends it, prints
// the table of each day that was touched and compares: the phones' own count,
// the counters, and a recount of the call records must agree.
func account(ctx context.Context, l *lab.Lab, phones phonescript.Summary, out io.Writer) error {
	totals, err := settled(ctx, l, placed(phones))
	if err != nil {
		return err
	}
	if err := l.StopServe(); err != nil {
		return err
	}
	tables, err := l.Tables(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s\n", tables)
	verified, err := l.Verify(ctx)
	if err != nil {
		return err
	}
	fmt.Fprint(out, verified)
	fmt.Fprintf(out, "phones: %d calls placed, %d heard an agent (%d verified both ways), %d gave up\n",
		phones.Placed, phones.Answered, phones.Verified, phones.Abandoned)
	for _, told := range phones.Told {
		fmt.Fprintln(out, "  fault:", told)
	}
	return compare(totals, phones)
}

// compare is nil only if every call is accounted for.
func compare(counted lab.Totals, phones phonescript.Summary) error {
	var errs []error
	if counted.Ended() != placed(phones) {
		errs = append(errs, fmt.Errorf("hotline counted %d calls, the phones placed %d", counted.Ended(), placed(phones)))
	}
	if counted.Offered != counted.Answered+counted.Abandoned {
		errs = append(errs, fmt.Errorf("offered %d is not answered %d + abandoned %d", counted.Offered, counted.Answered, counted.Abandoned))
	}
	// A caller who left at the very moment of the answer heard no agent.
	if d := counted.Answered - phones.Answered; d < 0 || d > phones.Crossed {
		errs = append(errs, fmt.Errorf("hotline counted %d answered, the phones %d (and %d that crossed)", counted.Answered, phones.Answered, phones.Crossed))
	}
	if !phones.OK() {
		errs = append(errs, fmt.Errorf("the phones report %d faults, %d failed calls, %d of %d answered calls verified both ways",
			phones.Faults, phones.Failed, phones.Verified, phones.Answered))
	}
	return errors.Join(errs...)
}

// placed is how many calls reached Asterisk.
func placed(phones phonescript.Summary) int { return phones.Placed - phones.Failed - phones.Refused }

// settled waits until no call is in progress and all calls are counted. When
// they are not in time, the figures are those of then, and compare tells.
func settled(ctx context.Context, l *lab.Lab, calls int) (lab.Totals, error) {
	ctx, cancel := context.WithTimeout(ctx, settle)
	defer cancel()
	poll := time.NewTicker(look)
	defer poll.Stop()
	var last lab.Totals
	for {
		live, err := l.Client.Snapshot(ctx)
		if err == nil {
			var totals lab.Totals
			if totals, err = l.Total(ctx); err == nil {
				last = totals
			}
		}
		if err == nil && len(live.Calls) == 0 && last.Ended() >= calls {
			return last, nil
		}
		select {
		case <-ctx.Done():
			if len(live.Calls) > 0 {
				return last, fmt.Errorf("%d calls were still in progress %s after the last phone hung up", len(live.Calls), settle)
			}
			return last, nil
		case <-poll.C:
		}
	}
}
