package acd_test

import (
	"testing"

	"hotline/internal/acd"
)

// TestCanServeIsWhatTheEngineDoes: one agent alone is ready; whoever can serve a
// caller is rung for the call.
func TestCanServeIsWhatTheEngineDoes(t *testing.T) {
	english := func(level acd.Level) []acd.Requirement { return []acd.Requirement{{Skill: "english", Level: level}} }
	for name, test := range map[string]struct {
		asks  []acd.Requirement
		least acd.Level // of the queue
		agent acd.Agent
		want  bool
	}{
		"anybody":              {nil, 0, acd.Agent{}, true},
		"of another queue":     {nil, 0, acd.Agent{Queues: []acd.QueueID{"business"}}, false},
		"highest level":        {nil, acd.MaxLevel, acd.Agent{}, true},
		"level enough":         {nil, 4, acd.Agent{Levels: map[acd.QueueID]acd.Level{"general": 4}}, true},
		"level too low":        {nil, 5, acd.Agent{Levels: map[acd.QueueID]acd.Level{"general": 4}}, false},
		"skill enough":         {english(3), 0, acd.Agent{Skills: map[acd.SkillID]acd.Level{"english": 3}}, true},
		"skill too low":        {english(4), 0, acd.Agent{Skills: map[acd.SkillID]acd.Level{"english": 3}}, false},
		"skill missing":        {english(1), 0, acd.Agent{Skills: map[acd.SkillID]acd.Level{"russian": 9}}, false},
		"skill, level too low": {english(3), 5, acd.Agent{Levels: map[acd.QueueID]acd.Level{"general": 4}, Skills: map[acd.SkillID]acd.Level{"english": 3}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var cfg acd.Config
			d := newSite(t, func(c *acd.Config) {
				test.agent.ID = "1"
				if test.agent.Queues == nil {
					test.agent.Queues = []acd.QueueID{"general"}
				}
				c.Agents = []acd.Agent{test.agent}
				c.Queues[0].Level = test.least
				c.Entries = []acd.Entry{{Number: "9", Queue: "general", Skills: test.asks}}
				cfg = *c
			})
			d.ready("1", "801")
			d.arrive("a", "9")
			if rings := rung(d.last) == "1"; rings != test.want {
				t.Errorf("the engine rings: %t", rings)
			}
			if got := cfg.CanServe(&cfg.Agents[0], "9"); got != test.want {
				t.Errorf("CanServe says %t", got)
			}
			if cfg.CanServe(&cfg.Agents[0], "999") {
				t.Error("serves a number that there is not")
			}
		})
	}
}
