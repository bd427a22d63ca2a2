package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"hotline/internal/lab"
)

const (
	upTimeout   = 45 * time.Second
	downTimeout = 40 * time.Second
	look        = 100 * time.Millisecond
	ownSeats    = 10 // of the configuration that up writes when it is given none
)

func upCommand(f *flags) *cobra.Command {
	cmd := &cobra.Command{Use: "up", Short: "Start everything in the background", Args: cobra.NoArgs}
	configFile := cmd.Flags().String("config", "", "configuration; one is made when left out")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return up(cmd.Context(), f, *configFile, cmd.OutOrStdout())
	}
	return cmd
}

// up starts a supervising process in a session of its own and waits until it
// says that all runs.
func up(ctx context.Context, f *flags, configFile string, out io.Writer) error {
	if pid, err := holder(f.dir); err != nil || pid != 0 {
		return errors.Join(err, fmt.Errorf("a lab runs in %s already (process %d); make down ends it", f.dir, pid))
	}
	if configFile == "" {
		var err error
		if configFile, err = lab.Write(filepath.Join(f.dir, "site"), lab.Site{Agents: ownSeats}); err != nil {
			return err
		}
	}
	configFile, err := filepath.Abs(configFile)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(f.dir, "lab.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	said, says, err := os.Pipe()
	if err != nil {
		return err
	}
	defer said.Close()
	child := exec.Command(self, "supervise", "--dir", f.dir, "--binary", f.binary, "--config", configFile)
	child.Stdout, child.Stderr = says, log
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = child.Start()
	_ = says.Close()
	if err != nil {
		return err
	}
	return await(ctx, child, said, log.Name(), out)
}

// await copies what the supervisor says until it closes its standard output:
// then all runs, or it has failed.
func await(ctx context.Context, child *exec.Cmd, said *os.File, log string, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, upTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = child.Process.Signal(syscall.SIGTERM) })
	defer stop()
	text, err := io.ReadAll(said)
	if err != nil {
		return err
	}
	if len(text) == 0 {
		err := child.Wait()
		reason, _ := os.ReadFile(log)
		return fmt.Errorf("it did not start (%v): %s", err, strings.TrimSpace(string(reason)))
	}
	_, err = out.Write(text)
	return err
}

func superviseCommand(f *flags) *cobra.Command {
	cmd := &cobra.Command{Use: "supervise", Hidden: true, Args: cobra.NoArgs}
	configFile := cmd.Flags().String("config", "", "configuration")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		release, err := lock(f.dir)
		if err != nil {
			return err
		}
		defer release()
		l, err := lab.Start(cmd.Context(), *configFile, f.dir, f.binary)
		if err != nil {
			return err
		}
		fmt.Print(addresses(l))
		_ = os.Stdout.Close() // whoever waits for us knows that all runs
		<-cmd.Context().Done()
		return l.Stop()
	}
	return cmd
}

// addresses tells where everything is and where the passwords are.
func addresses(l *lab.Lab) string {
	cfg := l.Config
	carriers := "no carrier: asterisk.trunks is empty"
	if len(cfg.Asterisk.Trunks) > 0 {
		carriers = fmt.Sprintf("callers dial %s from the carrier's address %v", cfg.Entries[0].Number, cfg.Asterisk.Trunks[0].Match)
	}
	return fmt.Sprintf(`hotline is up.
  configuration   %s
  pages           %s/   (first user: bin/hotline admin create NAME --config FILE; or open %s/#token=TOKEN)
  API             %s/api/v1   (token: %s)
  health, metrics %s/readyz, %s/metrics
  SIP             udp:%s   %s
  seats           %d, SIP user seat-<seat>, e.g. seat-%s (passwords: %s/<seat>)
                  log in: dial *11<agent>, ready: *12, not ready: *13
  ARI             %s (user %s, password: asterisk.nodes.password_file of the configuration)
  Redis           %s (password: redis.password_file of the configuration)
  log             %s
End it with: make down
`, l.ConfigFile, l.API, l.API, l.API, cfg.HTTP.TokenFile, l.API, l.API, l.SIP, carriers, len(cfg.Seats), cfg.Seats[0].ID,
		cfg.Asterisk.SeatPasswordDir, cfg.Asterisk.Nodes[0].URL, cfg.Asterisk.Nodes[0].Username, cfg.Redis.Address, l.LogFile)
}

func downCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use: "down", Short: "End what up started", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return down(cmd.Context(), f.dir, cmd.OutOrStdout()) },
	}
}

func down(ctx context.Context, dir string, out io.Writer) error {
	pid, err := holder(dir)
	if err != nil {
		return err
	}
	if pid == 0 {
		fmt.Fprintf(out, "nothing runs in %s\n", dir)
		return nil
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return fmt.Errorf("end process %d: %w", pid, err)
	}
	ctx, cancel := context.WithTimeout(ctx, downTimeout)
	defer cancel()
	poll := time.NewTicker(look)
	defer poll.Stop()
	for {
		if pid, err := holder(dir); err != nil || pid == 0 {
			fmt.Fprintln(out, "hotline is down.")
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("process %d did not end within %s; see %s", pid, downTimeout, filepath.Join(dir, "lab.log"))
		case <-poll.C:
		}
	}
}
