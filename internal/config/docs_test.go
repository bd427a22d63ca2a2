package config

import (
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hotline/internal/calendar"
	"hotline/internal/traffic"
)

func TestExampleLoads(t *testing.T) {
	cfg, err := Load(fixture(t, absolute(t, "../../deploy/hotline.example.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Seats) != 40 || len(cfg.Agents) != 40 {
		t.Errorf("got %d seats and %d agents, want 40 and 40", len(cfg.Seats), len(cfg.Agents))
	}
	// 365 days, less 104 at weekends and 13 public holidays by law.
	if got := cfg.Holidays["china"].WorkingDaysBetween(calendar.NewDay(2025, 12, 31), calendar.NewDay(2026, 12, 31)); got != 248 {
		t.Errorf("2026 has %d working days, want 248", got)
	}
}

// TestReferenceIsTrue holds the tables of docs/configuration.md against the
// structures: every key once, with its true default.
func TestReferenceIsTrue(t *testing.T) {
	want := make(map[string]string)
	describe(reflect.TypeFor[file](), "", want)
	// What these fall back to is another value, not a constant.
	for key, text := range map[string]string{
		"queues.title": "the id", "partners.title": "the id", "not_ready_reasons.title": "the name",
		"queues.relax.level": "as before", "agents.wrap_up": "the queue's", "traffic.service_levels": "[15s, 30s]",
	} {
		if want[key] != "none" {
			t.Errorf("%s has a constant default now", key)
		}
		want[key] = text
	}

	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_.]+)` \\| ([^|]+) \\| [^|]{5,} \\|$").FindAllStringSubmatch(string(text), -1) {
		if _, twice := got[row[1]]; twice {
			t.Errorf("%s is explained twice", row[1])
		}
		got[row[1]] = strings.Trim(row[2], "`")
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if got[key] != want[key] {
			t.Errorf("docs/configuration.md: the default of %s reads %q, and is %q", key, got[key], want[key])
		}
		delete(got, key)
	}
	for key := range got {
		t.Errorf("docs/configuration.md explains %s, which is not a key", key)
	}
}

// TestReferenceNamesTheBounds holds what may be written against what is counted.
func TestReferenceNamesTheBounds(t *testing.T) {
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	var waits, shorts []string
	for _, s := range traffic.WaitBounds() {
		waits = append(waits, span(s))
	}
	for _, s := range traffic.ShortAbandonBounds() {
		shorts = append(shorts, span(s))
	}
	last := len(shorts) - 1
	for _, want := range []string{"any of " + strings.Join(waits, ", ") + ".", strings.Join(shorts[:last], ", ") + " or " + shorts[last] + "."} {
		if !strings.Contains(string(text), want) {
			t.Errorf("docs/configuration.md does not say %q", want)
		}
	}
}

// TestReferenceExamples reads the examples of docs/configuration.md, each of
// which is part of a file.
func TestReferenceExamples(t *testing.T) {
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllSubmatch(text, -1)
	if len(examples) == 0 {
		t.Error("there are no examples")
	}
	for _, example := range examples {
		problems := &collector{file: "example"}
		parse(&decoder{collector: problems}, example[1], &file{})
		for _, p := range problems.problems {
			if !strings.Contains(p.Text, " is missing; ") {
				t.Errorf("%v in\n%s", p, example[1])
			}
		}
	}
}

// describe collects the keys of a structure and their defaults. Sections hold
// keys and are not values themselves.
func describe(t reflect.Type, prefix string, into map[string]string) {
	for i := range t.NumField() {
		field := t.Field(i)
		key, ok := field.Tag.Lookup("yaml")
		if !ok {
			continue
		}
		key = prefix + key
		_, isValue := reflect.New(field.Type).Interface().(decodable)
		if isValue {
			into[key] = "none"
			if text := field.Tag.Get("default"); text != "" {
				into[key] = text
			}
			if _, needed := field.Tag.Lookup("need"); needed {
				into[key] = "required"
			}
		}
		switch items, isList := field.Type.FieldByName("items"); {
		case !isValue:
			describe(field.Type, key+".", into)
		case isList && items.Type.Elem().Kind() == reflect.Struct && items.Type.Elem() != reflect.TypeFor[text]():
			describe(items.Type.Elem(), key+".", into)
		}
	}
}
