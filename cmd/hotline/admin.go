package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"hotline/internal/app"
	"hotline/internal/config"
)

func adminCommand(load loader) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "admin",
		Short: "The users who may manage others: create the first one, reset a password, list",
		Long: `Admins, in Redis itself: no running controller is needed. All other users are managed
over the API. docs/access.md explains roles, sessions and tokens.

The password is asked for on the terminal, or read from the first line of a file or,
when that is no terminal, of the standard input. It is never an argument.`,
	}
	cmd.AddCommand(createAdminCommand(load), resetAdminCommand(load), listAdminsCommand(load))
	return cmd
}

func createAdminCommand(load loader) *cobra.Command {
	return passwordCommand(load, &cobra.Command{
		Use:     "create NAME",
		Short:   "Make a user who may do everything that a person may",
		Example: "  hotline admin create zhang.san\n  hotline admin create zhang.san --password-file /run/secrets/first-admin",
	}, app.CreateAdmin, func(name, site string) string { return name + " is an admin of the site " + site })
}

func resetAdminCommand(load loader) *cobra.Command {
	return passwordCommand(load, &cobra.Command{
		Use:     "reset NAME",
		Short:   "Give an admin a new password, enable the user, and end its sessions",
		Example: "  hotline admin reset zhang.san\n  hotline admin reset zhang.san --password-file /run/secrets/new-password",
	}, app.ResetAdmin, func(name, _ string) string { return name + " has a new password and no sessions" })
}

// passwordCommand lets a command do something with the user whom it names and a password
// that it reads, and say what was done.
func passwordCommand(
	load loader, cmd *cobra.Command,
	do func(ctx context.Context, cfg *config.Config, name, password string) error, done func(name, site string) string,
) *cobra.Command {
	file := passwordFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		password, err := readPassword(cmd, *file)
		if err != nil {
			return err
		}
		if err := do(cmd.Context(), cfg, args[0], password); err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), done(strings.ToLower(args[0]), cfg.Site))
		return nil
	}
	return cmd
}

func listAdminsCommand(load loader) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "Who are the admins?",
		Example: "  hotline admin list --config /etc/hotline/hotline.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load()
			if err != nil {
				return err
			}
			admins, err := app.Admins(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			if len(admins) == 0 {
				fmt.Fprintf(cmd.OutOrStdout(), "the site %s has no admin: run hotline admin create\n", cfg.Site)
				return errFound
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tSTATE\tLAST LOGIN\tTITLE")
			for _, a := range admins {
				state, last := "enabled", "never"
				if a.Disabled {
					state = "disabled"
				}
				if !a.LastLogin.IsZero() {
					last = a.LastLogin.In(cfg.Location).Format(time.RFC3339)
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", a.Name, state, last, a.Title)
			}
			return w.Flush()
		},
	}
}

func passwordFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("password-file", "", "read the password from the first line of a file, as in /run/secrets/first-admin, instead of asking")
}

// longestPasswordFile in bytes: whoever names a larger file has named the wrong one.
const longestPasswordFile = 4096

// readPassword asks for a password twice, or reads it.
func readPassword(cmd *cobra.Command, file string) (string, error) {
	if file != "" {
		f, err := os.Open(file)
		if err != nil {
			return "", fmt.Errorf("the password cannot be read (%w); name a file with --password-file", err)
		}
		defer f.Close()
		return firstLine(f)
	}
	terminal, isFile := cmd.InOrStdin().(*os.File)
	if !isFile || !term.IsTerminal(int(terminal.Fd())) {
		return firstLine(cmd.InOrStdin())
	}
	first, err := askFor(cmd, terminal, "Password: ")
	if err != nil {
		return "", err
	}
	again, err := askFor(cmd, terminal, "Once more: ")
	if err != nil {
		return "", err
	}
	if first != again {
		return "", errors.New("the two passwords differ; begin again")
	}
	return first, nil
}

func askFor(cmd *cobra.Command, terminal *os.File, prompt string) (string, error) {
	fmt.Fprint(cmd.ErrOrStderr(), prompt)
	text, err := term.ReadPassword(int(terminal.Fd()))
	fmt.Fprintln(cmd.ErrOrStderr())
	if err != nil {
		return "", fmt.Errorf("the password cannot be read from the terminal (%w); write it into a file and name that with --password-file", err)
	}
	return string(text), nil
}

func firstLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, longestPasswordFile)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("the password cannot be read (%w); name a file with --password-file", err)
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", errors.New("there is no password; write it on the first line, or run the command on a terminal, which asks for it")
	}
	return line, nil
}
