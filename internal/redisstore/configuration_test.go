package redisstore

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

func TestHistoryOfTheConfiguration(t *testing.T) {
	s := open(t, server(t).Address)
	ctx := t.Context()
	if newest, err := s.NewestConfiguration(ctx); err != nil || newest.Version != "" {
		t.Errorf("of none: %+v, %v", newest, err)
	}
	add := func(version, text string) bool {
		t.Helper()
		_, added, err := s.AddConfiguration(ctx, AppliedConfiguration{Version: version, Applied: morning, By: "li.si", Note: "of " + version}, text)
		if err != nil {
			t.Fatal(err)
		}
		return added
	}
	for _, c := range []struct {
		version, text string
		added         bool
	}{{"a", "one\ntwo\nthree\n", true}, {"a", "one\ntwo\nthree\n", false}, {"b", "three\ntwo\nfour\nfour", true}, {"a", "one\ntwo\nthree\n", true}} {
		if added := add(c.version, c.text); added != c.added {
			t.Errorf("%s was added: %v", c.version, added)
		}
	}
	list, err := s.Configurations(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range list {
		got = append(got, fmt.Sprintf("%d %s +%d -%d %d %s %s %v", c.Number, c.Version, c.Added, c.Removed, c.Size, c.By, c.Note, c.Applied.Equal(morning)))
	}
	if want := "3 a +1 -2 14 li.si of a true; 2 b +2 -1 19 li.si of b true; 1 a +3 -0 14 li.si of a true"; strings.Join(got, "; ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "; "), want)
	}
	for version, want := range map[string]string{"a": "one\ntwo\nthree\n", "b": "three\ntwo\nfour\nfour", "c": ""} {
		if text, kept, err := s.ConfigurationText(ctx, version); text != want || kept != (want != "") || err != nil {
			t.Errorf("%s: %q %v %v", version, text, kept, err)
		}
	}
}

// A text stays as long as an entry has it; both bounds hold.
func TestHistoryOfTheConfigurationIsBounded(t *testing.T) {
	s := open(t, server(t).Address)
	ctx := context.Background()
	kept := func() (entries, texts int64) {
		return s.client.LLen(ctx, s.keys.configurations()).Val(), s.client.HLen(ctx, s.keys.configurationTexts()).Val()
	}
	add := func(version, text string) {
		t.Helper()
		if _, added, err := s.AddConfiguration(ctx, AppliedConfiguration{Version: version}, text); err != nil || !added {
			t.Fatal(version, added, err)
		}
	}
	for i := range mostConfigurations + 5 {
		add(fmt.Sprint("v", i), "text")
	}
	if entries, texts := kept(); entries != mostConfigurations || texts != mostConfigurations {
		t.Errorf("%d entries, %d texts", entries, texts)
	}
	if _, there, _ := s.ConfigurationText(ctx, "v4"); there {
		t.Error("the oldest text is still there")
	}
	add("v5", "text") // the next to go, and the newest again
	add("last", "text")
	if _, there, _ := s.ConfigurationText(ctx, "v5"); !there {
		t.Error("a text that is needed is gone")
	}
	large := strings.Repeat("x", 1<<20)
	for i := range 40 {
		add(fmt.Sprint("large", i), large)
	}
	if entries, texts := kept(); entries != mostConfigurationBytes>>20 || texts != entries {
		t.Errorf("%d large entries, %d texts", entries, texts)
	}
	newest, err := s.NewestConfiguration(ctx)
	if err != nil || newest.Version != "large39" || newest.Number != mostConfigurations+5+2+40 {
		t.Errorf("%+v %v", newest, err)
	}
}
