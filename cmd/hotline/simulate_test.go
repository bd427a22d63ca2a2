package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func simulate(args ...string) (string, error) {
	cmd := root()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetArgs(append([]string{"simulate"}, args...))
	err := cmd.Execute()
	return out.String(), err
}

func TestSimulateIsReproducible(t *testing.T) {
	args := []string{"--format", "csv", "--runs", "3", "--seed", "7", "--by", "interval"}
	first, err := simulate(args...)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := simulate(args...); err != nil || second != first {
		t.Errorf("the same seed gives another output (%v)", err)
	}
	if !strings.Contains(first, "2023-05-17 09:45,service_level_15_of_offered,%") {
		t.Errorf("no service level by interval: %.300s", first)
	}
}

func TestSimulateCompares(t *testing.T) {
	out, err := simulate("--compare", "day", "--runs", "2", "--lang", "en", "--by", "none")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out) {
		// A scenario does not differ from itself under the same random numbers.
		if strings.HasPrefix(line, "average talk") && !strings.Contains(line, "0.0    0.0") {
			t.Errorf("got %s", line)
		}
	}
	if !strings.Contains(out, "difference") {
		t.Errorf("no differences: %s", out)
	}
}

func TestSimulateRefuses(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(bad, []byte("dais: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"bad.yaml:1:1: dais is not a known key; write days": {"--scenario", bad},
		"no such scenario":                         {"--scenario", "nowhere"},
		"write table, csv or json":                 {"--format", "pdf"},
		"--runs: 0 is out of range":                {"--runs", "0"},
		"write interval, hour, day, month or none": {"--by", "week"},
		"--variants: storm:redial is a variant itself; write --scenario storm for all, or leave --variants out": {"--scenario", "storm:redial", "--variants"},
		`--seed: "-1" is not a whole number of 0 or more; write for example --seed 3`:                           {"--seed", "-1"},
		`--runs: "many" is not a whole number; write for example --runs 3`:                                      {"--runs", "many"},
		"--runs has no value; write for example --runs 3":                                                       {"--runs"},
		`--variants: "x" is neither true nor false; write --variants, or leave it out`:                          {"--variants=x"},
		"hotline simulate has no flag --scenrio; write --scenario, or look at hotline simulate --help":          {"--scenrio", "day"},
		"hotline simulate has no flag -x; hotline simulate --help lists its flags":                              {"-x"},
	} {
		if out, err := simulate(args...); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "strconv") || out != "" {
			t.Errorf("%v: got %v and the output %q, want %q", args, err, out, want)
		}
	}
}
