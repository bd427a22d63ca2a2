package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hotline/internal/acd"
	"hotline/internal/apiclient"
	"hotline/internal/config"
	"hotline/internal/httpapi/view"
)

// The commands of this file ask the API of a hotline serve that runs, as a wallboard would.

// desk says where the API is and how its answers are shown.
type desk struct {
	load       loader
	api, token *string
	format     *string
}

func deskFlags(cmd *cobra.Command, load loader) *desk {
	d := apiFlags(cmd, load)
	d.format = oneOf(cmd.Flags(), "format", "table or json", "table", "json")
	return d
}

// apiFlags is deskFlags for a command that shows no list.
func apiFlags(cmd *cobra.Command, load loader) *desk {
	f := cmd.Flags()
	return &desk{
		load:  load,
		api:   f.String("api", "", "address of the API, as in https://hotline.example:8443; that of the configuration when left out"),
		token: f.String("token-file", "", "file with an API token, for example /etc/hotline/secrets/desk.token; http.token_file of the configuration when left out"),
	}
}

// tell lets a command ask the API, and print the sentence that comes of it.
func tell(cmd *cobra.Command, load loader, ask func(context.Context, *apiclient.Client) (string, error)) *cobra.Command {
	d := apiFlags(cmd, load)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		client, err := d.open()
		if err != nil {
			return err
		}
		defer client.Close()
		said, err := ask(cmd.Context(), client)
		if err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), said)
		return nil
	}
	return cmd
}

// open makes the client. With both flags no configuration is read.
func (d *desk) open() (*apiclient.Client, error) {
	if *d.api != "" && *d.token != "" {
		token, err := readToken(*d.token)
		return apiclient.New(*d.api, token), err
	}
	cfg, err := d.load()
	if err != nil {
		return nil, err
	}
	token := cfg.HTTP.Token.Reveal()
	if *d.token != "" {
		if token, err = readToken(*d.token); err != nil {
			return nil, err
		}
	}
	if *d.api != "" {
		return apiclient.New(*d.api, token), nil
	}
	base, secure, err := ownAPI(cfg.HTTP)
	return apiclient.NewTrusting(base, token, secure), err
}

func readToken(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("--token-file: %w; name a file that holds an API token and nothing else", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" || strings.ContainsAny(token, " \n") {
		return "", fmt.Errorf("--token-file: %s does not hold one API token and nothing else", file)
	}
	return token, nil
}

// ownAPI is the API of the hotline serve of this machine. Its certificate is the very
// one of the configuration, whatever names stand in it.
func ownAPI(http config.HTTP) (base string, secure *tls.Config, err error) {
	addr := http.Listen.Addr()
	host := addr.String()
	switch {
	case addr.IsUnspecified() && addr.Is4():
		host = "127.0.0.1"
	case addr.IsUnspecified():
		host = "::1"
	}
	at := net.JoinHostPort(host, fmt.Sprint(http.Listen.Port()))
	if http.TLSCert == "" {
		return "http://" + at, nil, nil
	}
	text, err := os.ReadFile(http.TLSCert)
	if err != nil {
		return "", nil, fmt.Errorf("http.tls: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return "", nil, fmt.Errorf("http.tls: %s holds no certificate", http.TLSCert)
	}
	secure = &tls.Config{
		// Which certificate it is is judged below, byte by byte.
		InsecureSkipVerify: true, //nolint:gosec // see VerifyConnection
		VerifyConnection: func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) > 0 && slices.Equal(state.PeerCertificates[0].Raw, block.Bytes) {
				return nil
			}
			return fmt.Errorf("its certificate is not that of %s", http.TLSCert)
		},
	}
	return "https://" + at, secure, nil
}

// table is how a list is shown to people.
type table[T any] struct {
	empty   string // what is said of an empty list
	heading []any
	row     func(T) []any
}

// add adds a command that asks the API and prints the answer: as JSON, or as a table. Flags
// of its own are made by the caller on the command that is returned.
func add[T any](to *cobra.Command, load loader, use, short, example string, as table[T], ask func(ctx context.Context, c *apiclient.Client, args []string) ([]T, error)) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Example: example}
	d := deskFlags(cmd, load)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		client, err := d.open()
		if err != nil {
			return err
		}
		defer client.Close()
		list, err := ask(cmd.Context(), client, args)
		if err != nil {
			return err
		}
		if *d.format == "json" {
			return writeJSON(cmd.OutOrStdout(), list)
		}
		if len(list) == 0 {
			fmt.Fprintln(cmd.OutOrStdout(), as.empty)
			return nil
		}
		w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		columns(w, as.heading)
		for _, thing := range list {
			columns(w, as.row(thing))
		}
		return w.Flush()
	}
	to.AddCommand(cmd)
	return cmd
}

func writeJSON[T any](w io.Writer, list []T) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if list == nil {
		list = []T{}
	}
	return enc.Encode(list)
}

// columns writes a line; what is empty is a dash.
func columns(w io.Writer, cells []any) {
	for i, cell := range cells {
		text := fmt.Sprint(cell)
		if text == "" {
			text = "-"
		}
		if i > 0 {
			text = "\t" + text
		}
		_, _ = io.WriteString(w, text)
	}
	_, _ = io.WriteString(w, "\n")
}

// brief is a duration for a table, to the second.
func brief(s view.Seconds) string { return s.Duration().Round(time.Second).String() }

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("01-02 15:04:05")
}

func queuesCommand(load loader) *cobra.Command {
	cmd := &cobra.Command{Use: "queues", Short: "Queues of the running hotline"}
	add(cmd, load, "list", "Who waits in which queue, and who could answer", "  hotline queues list\n  hotline queues list --format json",
		table[view.Queue]{
			empty:   "there are no queues",
			heading: []any{"QUEUE", "OPEN", "WAITING", "LONGEST WAIT", "EXPECTED WAIT", "TALKING", "READY", "NOT READY", "WRAP-UP", "TITLE"},
			row: func(q view.Queue) []any {
				open, expected := "yes", ""
				if !q.Open {
					open = "no"
				}
				if q.ExpectedWait != nil {
					expected = brief(*q.ExpectedWait)
				}
				return []any{q.ID, open, q.Waiting, brief(q.LongestWait), expected, q.Talking, q.Agents[acd.Ready], q.Agents[acd.NotReady], q.Agents[acd.WrapUp], q.Title}
			},
		},
		func(ctx context.Context, c *apiclient.Client, _ []string) ([]view.Queue, error) { return c.Queues(ctx) })
	return cmd
}

func agentsCommand(load loader) *cobra.Command {
	cmd := &cobra.Command{Use: "agents", Short: "Agents of the running hotline: list, seat, ready, not ready"}
	as := table[view.Agent]{
		empty:   "no agent is so",
		heading: []any{"AGENT", "STATE", "REASON", "FOR", "SEAT", "CALL", "ANSWERED", "QUEUES", "SKILLS", "NAME"},
		row: func(a view.Agent) []any {
			queues := make([]string, len(a.Queues))
			for i, q := range a.Queues {
				queues[i] = fmt.Sprintf("%s=%d", q, a.Levels[q])
			}
			var skills []string
			for _, s := range slices.Sorted(maps.Keys(a.Skills)) {
				skills = append(skills, fmt.Sprintf("%s=%d", s, a.Skills[s]))
			}
			serves := strings.Join(queues, ",")
			if a.Assigned {
				serves += " (assigned)"
			}
			return []any{a.ID, a.State, a.Reason, brief(a.InState), a.Seat, a.Call, a.Answered, serves, strings.Join(skills, ","), a.Name}
		},
	}
	var state, queue *string
	list := add(cmd, load, "list", "Agents, their state and for how long", "  hotline agents list --state not_ready\n  hotline agents list --queue general --format json", as,
		func(ctx context.Context, c *apiclient.Client, _ []string) ([]view.Agent, error) {
			agents, err := c.Agents(ctx)
			return slices.DeleteFunc(agents, func(a view.Agent) bool {
				return *state != "all" && string(a.State) != *state || *queue != "" && !slices.Contains(a.Queues, acd.QueueID(*queue))
			}), err
		})
	state = oneOf(list.Flags(), "state", "only agents in this state: all, or one of the states", "all",
		string(acd.LoggedOut), string(acd.NotReady), string(acd.Ready), string(acd.Ringing), string(acd.Talking), string(acd.WrapUp))
	queue = list.Flags().String("queue", "", "only agents of this queue, for example general")

	change := func(use, short, example string, do func(ctx context.Context, c *apiclient.Client, args []string) (view.Agent, error)) *cobra.Command {
		return add(cmd, load, use, short, "  hotline agents "+example, as, func(ctx context.Context, c *apiclient.Client, args []string) ([]view.Agent, error) {
			a, err := do(ctx, c, args)
			return []view.Agent{a}, err
		})
	}
	change("login AGENT SEAT", "Seat an agent, who is then not ready", "login 1001 8001", func(ctx context.Context, c *apiclient.Client, args []string) (view.Agent, error) {
		return c.Login(ctx, acd.AgentID(args[0]), acd.SeatID(args[1]))
	})
	change("logout AGENT", "Take an agent off duty, after the present call", "logout 1001", func(ctx context.Context, c *apiclient.Client, args []string) (view.Agent, error) {
		return c.Logout(ctx, acd.AgentID(args[0]))
	})
	change("ready AGENT", "Let an agent be rung", "ready 1001", func(ctx context.Context, c *apiclient.Client, args []string) (view.Agent, error) {
		return c.SetReady(ctx, acd.AgentID(args[0]))
	})
	change("not-ready AGENT REASON", "Let an agent not be rung, for a configured reason", "not-ready 1001 break", func(ctx context.Context, c *apiclient.Client, args []string) (view.Agent, error) {
		return c.SetNotReady(ctx, acd.AgentID(args[0]), args[1])
	})
	var serves, knows levels
	var reset *bool
	skills := change("skills AGENT", "Give an agent other queues, levels and skills than the configuration says, all of them; or take that back", "skills 1001 --queue general=10 --queue english=5 --skill law=3\n  hotline agents skills 1001 --reset",
		func(ctx context.Context, c *apiclient.Client, args []string) (view.Agent, error) {
			switch {
			case *reset:
				return c.ResetSkills(ctx, acd.AgentID(args[0]))
			case len(serves) == 0:
				return view.Agent{}, errors.New("name all queues that the agent shall serve, as in --queue general=10; --reset takes back what the agent was given")
			}
			return c.AssignSkills(ctx, acd.AgentID(args[0]), named[acd.QueueID](serves), named[acd.SkillID](knows))
		})
	serves = levelsOf(skills.Flags(), "queue", "a queue that the agent serves from now on, and the level there, as in general=10; repeat it for each")
	knows = levelsOf(skills.Flags(), "skill", "a skill that the agent has from now on, and its level, as in law=3; repeat it for each")
	reset = skills.Flags().Bool("reset", false, "let the agent serve by the configuration again")
	skills.MarkFlagsMutuallyExclusive("reset", "queue")
	skills.MarkFlagsMutuallyExclusive("reset", "skill")
	return cmd
}

// addLiveCalls adds to the commands about records of calls what is about those in progress.
func addLiveCalls(to *cobra.Command, load loader) {
	as := table[view.Call]{
		empty:   "nobody is on the line",
		heading: []any{"CALL", "CALLER", "ENTRY", "QUEUE", "PRIORITY", "PHASE", "WAIT", "TALK", "AGENT", "SEAT", "OFFERS", "NODE"},
		row: func(c view.Call) []any {
			return []any{c.ID, c.Caller, c.Entry, c.Queue, c.Priority, c.Phase, brief(c.Wait), brief(c.Talk), c.Agent, c.Seat, c.Offers, c.Node}
		},
	}
	add(to, load, "live", "Calls in progress; callers' numbers are masked", "  hotline calls live --format json", as,
		func(ctx context.Context, c *apiclient.Client, _ []string) ([]view.Call, error) { return c.Calls(ctx) })
	add(to, load, "move CALL QUEUE", "Move a caller who waits to another queue, with the wait so far", "  hotline calls move a1-1795486000.17 english", as,
		func(ctx context.Context, c *apiclient.Client, args []string) ([]view.Call, error) {
			call, err := c.MoveCall(ctx, acd.CallID(args[0]), acd.QueueID(args[1]))
			return []view.Call{call}, err
		})
	add(to, load, "prioritise CALL POINTS", "Put a caller who waits forward, or back by points below 0, before which -- stands",
		"  hotline calls prioritise a1-1795486000.17 5\n  hotline calls prioritise a1-1795486000.17 -- -5", as,
		func(ctx context.Context, c *apiclient.Client, args []string) ([]view.Call, error) {
			points, err := strconv.Atoi(args[1])
			if err != nil {
				return nil, fmt.Errorf("%q is no number of points; write a whole number from -%d to %d", args[1], acd.MaxPriority, acd.MaxPriority)
			}
			call, err := c.Prioritise(ctx, acd.CallID(args[0]), points)
			return []view.Call{call}, err
		})
}

func callbacksCommand(load loader) *cobra.Command {
	cmd := &cobra.Command{Use: "callbacks", Short: "Callbacks that have not ended: list, cancel"}
	as := table[view.Callback]{
		empty:   "nobody waits for a callback",
		heading: []any{"CALLBACK", "NUMBER", "QUEUE", "STATE", "WAITS", "ATTEMPTS", "LAST", "NEXT", "EXPIRES"},
		row: func(b view.Callback) []any {
			return []any{b.ID, b.Number, b.Queue, b.State, brief(b.Waits), b.Attempts, b.Last, moment(b.Next), moment(b.Expires)}
		},
	}
	add(cmd, load, "list", "Who is to be called back, in which place; numbers are masked", "  hotline callbacks list", as,
		func(ctx context.Context, c *apiclient.Client, _ []string) ([]view.Callback, error) {
			return c.Callbacks(ctx)
		})
	as.empty = "nobody waits for a callback any more"
	add(cmd, load, "cancel CALLBACK", "Do not call back; those that are left are listed", "  hotline callbacks cancel a1-1795486000.17", as,
		func(ctx context.Context, c *apiclient.Client, args []string) ([]view.Callback, error) {
			return c.CancelCallback(ctx, acd.CallbackID(args[0]))
		})
	return cmd
}

func emergencyCommand(load loader) *cobra.Command {
	cmd := &cobra.Command{Use: "emergency", Short: "The announcement that every caller hears first: show, on, off"}
	as := table[string]{
		empty:   "there is no emergency announcement",
		heading: []any{"PROMPT"},
		row:     func(prompt string) []any { return []any{prompt} },
	}
	add(cmd, load, "show", "What callers hear first", "  hotline emergency show", as,
		func(ctx context.Context, c *apiclient.Client, _ []string) ([]string, error) { return c.Emergency(ctx) })
	add(cmd, load, "on PROMPTS", "Let every caller hear prompts first, several separated by commas", "  hotline emergency on flood-warning", as,
		func(ctx context.Context, c *apiclient.Client, args []string) ([]string, error) {
			prompts := strings.Split(args[0], ",")
			if slices.Contains(prompts, "") {
				return nil, errors.New("a prompt is missing between two commas, or before or after one; write for example flood-warning,stay-indoors")
			}
			return c.SetEmergency(ctx, prompts)
		})
	add(cmd, load, "off", "Let callers hear the ordinary greeting only", "  hotline emergency off", as,
		func(ctx context.Context, c *apiclient.Client, _ []string) ([]string, error) {
			return c.SetEmergency(ctx, nil)
		})
	return cmd
}

func reloadCommand(load loader) *cobra.Command {
	cmd := &cobra.Command{
		Use: "reload", Short: "Let the running controller apply its configuration file as it is now, or say why not",
		Example: "  hotline reload --config /etc/hotline/hotline.yaml",
	}
	return tell(cmd, load, func(ctx context.Context, c *apiclient.Client) (string, error) {
		return "the configuration is applied", c.Reload(ctx)
	})
}
