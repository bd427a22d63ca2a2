package acd_test

import (
	"time"

	"pgregory.net/rapid"

	"hotline/internal/acd"
)

// office is open in every second minute.
type office struct{}

func (office) Open(at time.Time) bool { return at.Minute()%2 == 0 }

// someOverflow adds rules for callers who shall not wait.
func someOverflow(t *rapid.T, cfg *acd.Config) {
	for i := range cfg.Queues {
		q := &cfg.Queues[i]
		q.Hours = office{}
		q.Announce = acd.Announce{
			After: time.Duration(rapid.IntRange(0, 10).Draw(t, "announce")) * time.Second,
			Every: rapid.SampledFrom([]time.Duration{0, 10 * time.Second}).Draw(t, "every"),
		}
		for range rapid.IntRange(0, 3).Draw(t, "rules") {
			rule := acd.Overflow{Prompts: []string{"sorry"}}
			switch rapid.SampledFrom([]string{"closed", "no agents", "length", "wait", "wait", "expected"}).Draw(t, "when") {
			case "closed":
				rule.Closed = true
			case "no agents":
				rule.NoAgents = true
			case "length":
				rule.Length = rapid.IntRange(1, 3).Draw(t, "length")
			case "expected":
				rule.Expected = time.Duration(rapid.IntRange(1, 600).Draw(t, "expected")) * time.Second
			case "wait":
				rule.Wait = time.Duration(rapid.IntRange(1, 30).Draw(t, "wait")) * time.Second
			}
			switch rapid.SampledFrom([]string{"to", "refuse", "announce", "callback", "partner"}).Draw(t, "then") {
			case "partner":
				if len(cfg.Partners) > 0 {
					rule.Partner = rapid.SampledFrom(cfg.Partners).Draw(t, "partner").ID
				}
			case "callback":
				rule.Callback = true
				q.Callback = acd.Callback{
					Attempts: rapid.IntRange(1, 3).Draw(t, "attempts"), Spacing: 10 * time.Second, RingTimeout: 20 * time.Second,
					Within: time.Minute, Missed: rapid.Bool().Draw(t, "missed"),
				}
			case "to":
				rule.To = rapid.SampledFrom([]acd.QueueID{"general", "business"}).Draw(t, "to")
			case "refuse":
				rule.Refuse = true
			}
			q.Overflow = append(q.Overflow, rule)
		}
		if rapid.IntRange(0, 2).Draw(t, "not rated") > 0 {
			q.Rating = acd.Rating{Prompts: []string{"rate"}, Attempts: rapid.IntRange(1, 3).Draw(t, "attempts"), Timeout: 5 * time.Second}
			if rapid.Bool().Draw(t, "thanks") {
				q.Rating.Thanks = []string{"thank"}
			}
		}
		if rapid.Bool().Draw(t, "redial") {
			q.Redial = acd.Redial{Within: time.Minute, AtMost: 2, After: time.Second}
		}
	}
	if rapid.Bool().Draw(t, "paced") {
		cfg.Admission = acd.Admission{Pace: .2, Burst: 2, Prompts: []string{"busy"}}
	}
}

// anySite is the small site of the other tests, or one with everything.
func anySite(t *rapid.T) acd.Config {
	cfg := site()
	if rapid.IntRange(0, 2).Draw(t, "plain") == 0 {
		return cfg
	}
	for i := range cfg.Queues {
		q := &cfg.Queues[i]
		q.Strategy = rapid.SampledFrom(acd.Strategies).Draw(t, "strategy")
		q.RingAtOnce = rapid.IntRange(0, 3).Draw(t, "at once")
		q.Weight = rapid.SampledFrom([]float64{0, 1, 2, 3.5}).Draw(t, "weight")
		q.Level = acd.Level(rapid.IntRange(0, 6).Draw(t, "level"))
		q.NotAgain = time.Duration(rapid.IntRange(0, 20).Draw(t, "not again")) * time.Second
		after := time.Duration(0)
		for range rapid.IntRange(0, 3).Draw(t, "steps") {
			after += time.Duration(rapid.IntRange(1, 20).Draw(t, "after")) * time.Second
			step := acd.Relaxation{After: after, Level: acd.Level(rapid.IntRange(0, 4).Draw(t, "level"))}
			if rapid.Bool().Draw(t, "skill") {
				step.Skills = []acd.Requirement{{Skill: "english", Level: acd.Level(rapid.IntRange(0, 3).Draw(t, "level"))}}
			}
			if rapid.Bool().Draw(t, "helped") {
				step.Queues = []acd.QueueID{rapid.SampledFrom([]acd.QueueID{"general", "business"}).Draw(t, "by")}
			}
			q.Relax = append(q.Relax, step)
		}
	}
	for _, id := range []acd.PartnerID{"xuzhou", "suqian"}[:rapid.IntRange(0, 2).Draw(t, "partners")] {
		cfg.Partners = append(cfg.Partners, acd.Partner{
			ID: id, Number: "051612345", AtMost: rapid.IntRange(1, 2).Draw(t, "at most"), RingTimeout: 20 * time.Second, Rest: 30 * time.Second,
		})
	}
	someOverflow(t, &cfg)
	cfg.Entries[1].Priority = rapid.IntRange(-1, 2).Draw(t, "priority")
	cfg.Entries[2].Skills = []acd.Requirement{{Skill: "english", Level: acd.Level(rapid.IntRange(1, 8).Draw(t, "english"))}}
	for i := range cfg.Agents {
		a := &cfg.Agents[i]
		a.Skills = map[acd.SkillID]acd.Level{}
		if l := rapid.IntRange(0, 10).Draw(t, "english"); l > 0 {
			a.Skills["english"] = acd.Level(l)
		}
		a.Levels = map[acd.QueueID]acd.Level{a.Queues[0]: acd.Level(rapid.IntRange(1, 10).Draw(t, "level"))}
		a.Weight = rapid.SampledFrom([]float64{0, 1, 3}).Draw(t, "weight")
	}
	return cfg
}
