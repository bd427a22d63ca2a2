package app

import (
	"fmt"
	"slices"
	"strings"

	asteriskconf "hotline/asterisk-conf"
	"hotline/internal/config"
	"hotline/internal/httpapi/view"
)

// announcements are the prompts that the configuration names, that every caller hears
// first at this moment, and that come with hotline, by name.
func announcements(cfg *config.Config, emergency []string) []view.Announcement {
	known := make(map[string]*view.Announcement)
	of := func(prompt string) *view.Announcement {
		if known[prompt] == nil {
			known[prompt] = &view.Announcement{Prompt: prompt, UsedBy: []string{}}
		}
		return known[prompt]
	}
	used := func(by string, prompts []string) {
		for _, prompt := range prompts {
			if a := of(prompt); !slices.Contains(a.UsedBy, by) {
				a.UsedBy = append(a.UsedBy, by)
			}
		}
	}
	for _, p := range asteriskconf.Prompts() {
		of(p.Name).Words = p.Words
	}
	for _, prompt := range emergency {
		of(prompt).Emergency = true
	}
	used("emergency", emergency)
	for _, e := range cfg.Entries {
		used("greeting of "+e.Number, e.Greeting)
	}
	for _, q := range cfg.Queues {
		where := fmt.Sprintf("queue %s: ", q.ID)
		for _, rule := range q.Overflow {
			used(where+"overflow", rule.Prompts)
		}
		if q.Callback.Attempts > 0 {
			used(where+"callback", q.Callback.BookedPrompts)
		}
		if len(q.Rating.Prompts) > 0 {
			used(where+"rating", slices.Concat(q.Rating.Prompts, q.Rating.Thanks))
		}
	}
	if cfg.Admission.Pace > 0 {
		used("admission", cfg.Admission.Prompts)
	}
	used("blocked callers", cfg.BlockedPrompts)
	if cfg.Shutdown.Drain > 0 {
		used("shutdown", cfg.Shutdown.Prompts)
	}
	list := make([]view.Announcement, 0, len(known))
	for _, a := range known {
		list = append(list, *a)
	}
	slices.SortFunc(list, func(a, b view.Announcement) int { return strings.Compare(a.Prompt, b.Prompt) })
	return list
}
