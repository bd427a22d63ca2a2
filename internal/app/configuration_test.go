package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"hotline/internal/access"
	"hotline/internal/acd"
	"hotline/internal/config"
	"hotline/internal/httpapi"
	"hotline/internal/metrics"
	"hotline/internal/redisstore/redistest"
)

const ordinary = `site: lyg
redis: {address: %s}
http: {token_file: api.token}
asterisk:
  nodes: [{id: a1, url: "http://127.0.0.1:8088", password_file: ari.password}]
entries: [{number: "12345", queue: general, greeting: [greeting]}]
queues:
  - {id: general, wrap_up: 30s, overflow: [{wait: 60s, prompts: agents-busy}]}
seats: [{id: "8001", contact: "sip:8001@127.0.0.1:5061"}]
agents: [{id: "1001", queues: [general]}] # who works here
pin_file: pins
`

// office is a controller with a file, an engine that the test plays, and a real Redis.
type office struct {
	*controller
	file  string
	redis *redistest.Server
	logs  *observer.ObservedLogs
	// What the engine has been asked for, and with what it refuses the next.
	asked  []acd.Config
	refuse []error
}

func newOffice(t *testing.T) *office { return officeAt(t, redistest.Start(t)) }

// officeAt is another controller of the same site, with a file of its own.
func officeAt(t *testing.T, redis *redistest.Server) *office {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{"api.token": "0123456789abcdef", "ari.password": "secret", "pins": "1001 4711", "hotline.yaml": fmt.Sprintf(ordinary, "127.0.0.1:6379")} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := &office{file: filepath.Join(folder, "hotline.yaml"), redis: redis}
	cfg, err := config.Load(o.file)
	if err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zap.InfoLevel)
	o.logs = logs
	store := testStore(t, testConfig(t, redis.Address))
	figures, err := newFigureReader(store, cfg, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	o.controller = newController(cfg, "test", metrics.New("test"), figures, store, nil, zap.New(core))
	o.leads = func() error { return nil }
	o.request = func(_ context.Context, event acd.Event) error {
		o.asked = append(o.asked, event.(acd.Reconfigure).Config)
		if len(o.refuse) == 0 {
			return nil
		}
		err := o.refuse[0]
		o.refuse = o.refuse[1:]
		return err
	}
	return o
}

func (o *office) onDisk(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(o.file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (o *office) edit(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(o.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// longer is the text with another wrap-up.
func longer(text, wrapUp string) string {
	return strings.Replace(text, "wrap_up: 30s", "wrap_up: "+wrapUp, 1)
}

// put applies a text in the place of the present one.
func (o *office) put(t *testing.T, text string) error {
	t.Helper()
	_, err := o.Apply(t.Context(), httpapi.ConfigurationChange{If: o.present().Version, Text: text, By: "li.si", Note: "why"})
	return err
}

// story is the history, the oldest first.
func (o *office) story(t *testing.T) string {
	t.Helper()
	all, err := o.history.Configurations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var parts []string
	for _, v := range all {
		text, _, err := o.history.ConfigurationText(t.Context(), v.Version)
		if err != nil || versionOf(text) != v.Version {
			t.Errorf("the text of %s is another one: %v", v.Version, err)
		}
		_, wrapUp, _ := strings.Cut(text, "wrap_up: ")
		wrapUp, _, _ = strings.Cut(wrapUp, ",")
		parts = append([]string{fmt.Sprintf("%s by %s (%s)", wrapUp, v.By, v.Note)}, parts...)
	}
	return strings.ReplaceAll(strings.Join(parts, ", "), o.me.Host, "HOST")
}

func TestConfigurationIsAppliedAndWrittenDown(t *testing.T) {
	o := newOffice(t)
	if err := os.Chmod(o.file, 0o640); err != nil {
		t.Fatal(err)
	}
	o.tellBeginning(t.Context())
	first := o.config().Text
	v, err := o.Validate(t.Context(), longer(first, "45s"))
	if err != nil || !v.Valid || strings.Join(v.Changes, "; ") != "queue general: wrap_up 30s → 45s" || len(v.NeedsRestart) > 0 || len(o.asked) > 0 || o.onDisk(t) != first {
		t.Errorf("%+v %v", v, err)
	}
	before := o.present()
	if err := o.put(t, longer(first, "45s")); err != nil {
		t.Fatal(err)
	}
	is := o.present()
	if o.onDisk(t) != longer(first, "45s") || is.Text != o.onDisk(t) || is.By != "li.si" || is.FileDiffers || is.Version == before.Version || is.File != "hotline.yaml" || !is.Applied.After(before.Applied) {
		t.Errorf("%+v", is)
	}
	if len(o.asked) != 1 || o.asked[0].Queues[0].WrapUp.Seconds() != 45 || o.asked[0].Agents[0].PIN != "4711" {
		t.Errorf("the engine was asked for %+v", o.asked)
	}
	if info, err := os.Stat(o.file); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(filepath.Dir(o.file)); err != nil || len(left) != 4 {
		t.Errorf("something was left: %v %v", left, err)
	}
	// Changed on the machine, and applied from there.
	o.edit(t, longer(first, "50s"))
	if !o.present().FileDiffers {
		t.Error("it is not said that the file is another one")
	}
	if err := o.reload(t.Context(), "ops"); err != nil {
		t.Fatal(err)
	}
	if err := o.reload(t.Context(), "ops"); err != nil { // which is no other version
		t.Fatal(err)
	}
	former, err := o.Version(t.Context(), before.Version)
	if err != nil || former.Text != first {
		t.Fatalf("%+v %v", former, err)
	}
	if err := o.put(t, former.Text); err != nil {
		t.Fatal(err)
	}
	if want := "30s by the file of HOST (a term began), 45s by li.si (why), 50s by ops (), 30s by li.si (why)"; o.story(t) != want {
		t.Errorf("got  %s\nwant %s", o.story(t), want)
	}
	list, err := o.History(t.Context())
	if err != nil || len(list) != 4 || list[0].LinesAdded != 1 || list[0].LinesRemoved != 1 || list[0].Text != "" {
		t.Errorf("%+v %v", list, err)
	}
}

func TestConfigurationThatCannotBeApplied(t *testing.T) {
	o := newOffice(t)
	o.tellBeginning(t.Context())
	first := o.config().Text
	refusal := &acd.RequestError{Code: "bad_configuration", Text: "the engine does not like it"}
	for name, c := range map[string]struct {
		text  string
		setUp func()
		want  string // a part of the error
		asked int
	}{
		"a mistake":       {strings.Replace(longer(first, "never"), "site: lyg", "sight: lyg", 1), nil, "line 1, column 1: sight is not a known key", 0},
		"a restart":       {strings.Replace(first, "8088", "8089", 1), nil, "a change of asterisk takes a restart; undo it, or restart hotline", 0},
		"another file":    {strings.Replace(first, "pin_file: pins", "pin_file: /etc/passwd", 1), nil, "may name the files that are in use and no others", 0},
		"a refusal":       {longer(first, "45s"), func() { o.refuse = []error{refusal} }, "the engine does not like it", 1},
		"no answer":       {longer(first, "45s"), func() { o.refuse = []error{context.DeadlineExceeded} }, "deadline", 2},
		"standing by":     {longer(first, "45s"), func() { o.refuse = []error{&httpapi.StandbyError{Leader: "other"}} }, "stands by: other", 1},
		"changed on disk": {longer(first, "45s"), func() { o.edit(t, longer(first, "31s")) }, "was changed on the machine and not applied", 0},
	} {
		if o.asked = nil; c.setUp != nil {
			c.setUp()
		}
		disk, before := o.onDisk(t), o.present()
		if err := o.put(t, c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if o.onDisk(t) != disk || o.present() != before || o.config().Text != first || len(o.asked) != c.asked {
			t.Errorf("%s: something has changed; the engine was asked %d times", name, len(o.asked))
		}
		if n := len(o.asked); n == 2 && o.asked[1].Queues[0].WrapUp.Seconds() != 30 {
			t.Errorf("%s: the engine is left with %v", name, o.asked[1].Queues[0].WrapUp)
		}
		o.edit(t, first)
	}
	if _, err := o.Apply(t.Context(), httpapi.ConfigurationChange{If: versionOf("x"), Text: longer(first, "45s")}); !errors.Is(err, httpapi.ErrVersionChanged) {
		t.Error(err)
	}
	if want := "30s by the file of HOST (a term began)"; o.story(t) != want {
		t.Errorf("the history is %s", o.story(t))
	}
	v, err := o.Validate(t.Context(), strings.Replace(longer(first, "never"), "pin_file: pins", "pins: x", 1))
	if err != nil || v.Valid || len(v.Mistakes) != 2 || !strings.HasPrefix(v.Mistakes[0], `line 8, column 28: queues.wrap_up: "never" is not a duration`) {
		t.Errorf("%+v %v", v, err)
	}
	v, err = o.Validate(t.Context(), strings.Replace(first, "8088", "8089", 1))
	if err != nil || !v.Valid || len(v.NeedsRestart) != 1 || v.NeedsRestart[0] != "asterisk" {
		t.Errorf("%+v %v", v, err)
	}
}

// In a folder where hotline may not write, nothing is changed. A link stays one.
func TestConfigurationFile(t *testing.T) {
	o := newOffice(t)
	first := o.config().Text
	real := filepath.Join(t.TempDir(), "real.yaml")
	if err := errors.Join(os.Rename(o.file, real), os.Symlink(real, o.file)); err != nil {
		t.Fatal(err)
	}
	if err := o.put(t, longer(first, "45s")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(o.file); err != nil || info.Mode()&os.ModeSymlink == 0 || o.onDisk(t) != longer(first, "45s") {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if err := errors.Join(os.Remove(o.file), os.Mkdir(o.file, 0o700)); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(o.file, "x"); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Error(err)
	}
	var refused *httpapi.FileError
	if err := o.put(t, first); !errors.As(err, &refused) || len(o.asked) != 1 {
		t.Errorf("%v, asked %d times", err, len(o.asked))
	}
}

// Without Redis nothing is applied over the API; what is applied from the file is told later.
func TestConfigurationWhileRedisIsAway(t *testing.T) {
	o := newOffice(t)
	o.tellBeginning(t.Context())
	first := o.config().Text
	o.redis.Kill()
	var away *access.Refusal
	if err := o.put(t, longer(first, "45s")); !errors.As(err, &away) || away.Kind != access.Away || o.onDisk(t) != first || len(o.asked) > 0 {
		t.Errorf("%v, asked %d times", err, len(o.asked))
	}
	for _, wrapUp := range []string{"31s", "32s"} {
		o.edit(t, longer(first, wrapUp))
		if err := o.reload(t.Context(), "ops"); err != nil {
			t.Fatal(err)
		}
	}
	if len(o.asked) != 2 {
		t.Errorf("asked %d times", len(o.asked))
	}
	o.redis.Restart(t)
	o.tellLate(t.Context())
	if want := "30s by the file of HOST (a term began), 31s by ops (), 32s by ops ()"; o.story(t) != want {
		t.Errorf("got  %s\nwant %s", o.story(t), want)
	}
}

// Each controller goes by its own file, and it is told when that is another one.
func TestControllersWithDifferentFiles(t *testing.T) {
	a := newOffice(t)
	b := officeAt(t, a.redis)
	warned := func(o *office, what string) int { return o.logs.FilterMessageSnippet(what).Len() }
	a.tellBeginning(t.Context())
	if _, differs, err := b.fileDiffers(t.Context()); differs || err != nil {
		t.Errorf("the same file differs: %v", err)
	}
	if err := a.put(t, longer(a.config().Text, "45s")); err != nil {
		t.Fatal(err)
	}
	// What belongs to the machine may be another.
	b.edit(t, strings.Replace(a.onDisk(t), "http: {", `http: {listen: "127.0.0.1:8081", `, 1))
	if _, differs, err := b.fileDiffers(t.Context()); differs || err != nil {
		t.Errorf("another address differs: %v", err)
	}
	b.edit(t, b.config().Text)
	finding := checkConfiguration(t.Context(), b.history, b.config())
	if newest, differs, err := b.fileDiffers(t.Context()); !differs || err != nil || newest.By != "li.si" || len(finding) != 1 || finding[0].OK || !strings.Contains(finding[0].Detail, "by li.si, version "+newest.Version) {
		t.Errorf("%v %v %+v", differs, err, finding)
	}
	if finding := checkConfiguration(t.Context(), a.history, a.config()); len(finding) != 1 || !finding[0].OK || !strings.Contains(finding[0].Detail, "by li.si") {
		t.Errorf("%+v", finding)
	}
	b.refresh()
	b.tellBeginning(t.Context())
	if is := b.present(); is.Text != longer(is.Text, "30s") || warned(b, "is another one than what was applied last, and this controller goes by it") != 1 {
		t.Errorf("%+v %v", is, b.logs.All())
	}
	// And back with the file of the first: the same text, applied when it was.
	b.edit(t, a.onDisk(t))
	b.refresh()
	b.tellBeginning(t.Context())
	b.tellBeginning(t.Context())
	if want := "30s by the file of HOST (a term began), 45s by li.si (why), 30s by the file of HOST (a term began), 45s by the file of HOST (a term began)"; b.story(t) != want {
		t.Errorf("got  %s\nwant %s", b.story(t), want)
	}
	// A controller that is started anew knows who it was.
	c := officeAt(t, a.redis)
	c.edit(t, a.onDisk(t))
	c.refresh()
	c.tellBeginning(t.Context())
	if list, err := c.History(t.Context()); err != nil || len(list) != 4 || !c.present().Applied.Equal(list[0].Applied) {
		t.Errorf("%v %v", list, err)
	}
}

func TestAnnouncementsOfTheConfiguration(t *testing.T) {
	o := newOffice(t)
	o.edit(t, o.onDisk(t)+"admission: {pace: 2, prompts: [busy-later, agents-busy]}\n")
	cfg := o.refresh()
	got := make(map[string]string)
	for _, a := range announcements(cfg, []string{"flood-warning", "greeting"}) {
		got[a.Prompt] = fmt.Sprintf("%s|%s|%v", a.Words, strings.Join(a.UsedBy, ", "), a.Emergency)
	}
	for prompt, want := range map[string]string{
		"flood-warning": "|emergency|true",
		"greeting":      "您好，这里是一二三四五热线，正在为您转接。|emergency, greeting of 12345|true",
		"agents-busy":   "座席全忙，请稍候，您的排队位置会为您保留。|queue general: overflow, admission|false",
		"blocked":       "对不起，您的来电无法接通。|blocked callers|false",
		"goodbye":       "感谢您的来电，再见。||false",
	} {
		if got[prompt] != want {
			t.Errorf("%s: %s, want %s", prompt, got[prompt], want)
		}
	}
	if _, there := got["# Callers"]; there || len(got) < 20 {
		t.Errorf("%d prompts", len(got))
	}
}
