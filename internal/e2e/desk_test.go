package e2e

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/httpapi/view"
)

// commandLine does from the command line, over the API, what a supervisor would.
func (o *office) commandLine(t *testing.T) {
	o.t = t
	run := func(line string) string {
		t.Helper()
		out, err := o.lab.Hotline(t.Context(), strings.Fields(line)...)
		if err != nil {
			t.Error(err)
		}
		return out
	}
	if out := run("agents ready 1002"); !strings.Contains(out, "1002   ready") {
		t.Errorf("%s", out)
	}
	caller := o.dial(o.caller(), "12345")
	o.rings("1002", 5*time.Second)
	var calls []view.Call
	within(t, 5*time.Second, "the call is shown as talking", func(context.Context) (bool, string) {
		out := run("calls live --format json")
		err := json.Unmarshal([]byte(out), &calls)
		return err == nil && len(calls) == 1 && calls[0].Phase == acd.PhaseTalking, out
	})
	if len(calls) == 1 && (calls[0].Agent != "1002" || calls[0].Caller != acd.Mask(caller.Phone().User())) {
		t.Errorf("%+v", calls[0])
	}
	if out := run("queues list"); !strings.Contains(out, "general") {
		t.Errorf("%s", out)
	}
	caller.Hangup()
	within(t, 5*time.Second, "nobody is on the line", func(context.Context) (bool, string) {
		out := run("calls live")
		return out == "nobody is on the line\n", out
	})
	if out := run("emergency on flood-warning"); !strings.Contains(out, "flood-warning") {
		t.Errorf("%s", out)
	}
	if out := run("emergency off"); out != "there is no emergency announcement\n" {
		t.Errorf("%s", out)
	}
	if out := run("agents not-ready 1002 break"); !strings.Contains(out, "break") {
		t.Errorf("%s", out)
	}
	if out, err := o.lab.Hotline(t.Context(), "agents", "not-ready", "1002", "nonsense"); err == nil {
		t.Errorf("a reason that is not configured was taken: %s", out)
	}
}
