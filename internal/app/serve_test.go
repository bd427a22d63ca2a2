package app

import (
	"errors"
	"testing"

	"go.uber.org/zap"

	"hotline/internal/asterisk"
)

func TestADeadNodeDoesNotKeepTheOthersFromServing(t *testing.T) {
	away := &asterisk.NodeError{Node: "a1", Problem: asterisk.Unreachable}
	wrong := &asterisk.NodeError{Node: "a2", Problem: asterisk.WrongPassword}
	for name, test := range map[string]struct {
		probed error
		nodes  int
		fails  bool
	}{
		"all answer":            {nil, 2, false},
		"one of two is away":    {errors.Join(away), 2, false},
		"the only one is away":  {errors.Join(away), 1, true},
		"both are away":         {errors.Join(away, away), 2, true},
		"one has another word":  {errors.Join(wrong), 2, true},
		"one away, one refuses": {errors.Join(away, wrong), 3, true},
	} {
		if err := bearable(test.probed, test.nodes, zap.NewNop()); (err != nil) != test.fails {
			t.Errorf("%s: %v", name, err)
		}
	}
}
