package versus

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"

	"hotline/internal/devstack"
)

// Machine is where and with what a run was made.
type Machine struct {
	CPU      string `json:"cpu"`
	Cores    int    `json:"cores"`
	Memory   string `json:"memory"`
	Kernel   string `json:"kernel"`
	Load     string `json:"load_before"` // averages of 1, 5 and 15 minutes
	After    string `json:"load_after"`  // a machine that does nothing else has about its cores here
	Hotline  string `json:"hotline"`
	Go       string `json:"go"`
	Asterisk string `json:"asterisk"`
	Redis    string `json:"redis"`
	SIPp     string `json:"sipp"`
}

var (
	modelName = regexp.MustCompile(`(?m)^(?:model name|Model)\s*:\s*(.*)$`)
	memTotal  = regexp.MustCompile(`(?m)^MemTotal:\s*(.*)$`)
	version   = regexp.MustCompile(`v?\d+\.\d+\.[-\w.+~]+`)
)

// Describe looks at the machine. What cannot be found out is "unknown".
func Describe(ctx context.Context, binary string) Machine {
	m := Machine{
		CPU: inFile("/proc/cpuinfo", modelName), Cores: runtime.NumCPU(), Memory: inFile("/proc/meminfo", memTotal),
		Kernel: inFile("/proc/sys/kernel/osrelease", nil), Load: load(), Go: runtime.Version(), Asterisk: "unknown",
		Hotline: ofProgram(ctx, regexp.MustCompile(`version (.*)`), binary, "--version"),
		Redis:   ofProgram(ctx, version, "redis-server", "--version"), SIPp: ofProgram(ctx, version, "sipp", "-v"),
	}
	if deps, err := devstack.Lookup(); err == nil {
		argv := deps.AsteriskCommand("-V")
		m.Asterisk = ofProgram(ctx, version, argv[0], argv[1:]...)
	}
	return m
}

// Rest notes what the machine was doing besides, at the end of a run.
func (m *Machine) Rest() { m.After = load() }

func load() string {
	fields := strings.Fields(inFile("/proc/loadavg", nil))
	return strings.Join(fields[:min(3, len(fields))], " ")
}

func inFile(file string, find *regexp.Regexp) string {
	raw, err := os.ReadFile(file)
	if err != nil {
		return "unknown"
	}
	return found(raw, find)
}

func ofProgram(ctx context.Context, find *regexp.Regexp, name string, args ...string) string {
	raw, _ := exec.CommandContext(ctx, name, args...).CombinedOutput() // sipp -v exits with 99
	return found(raw, find)
}

// found is the first group of what is found, or the whole of it.
func found(text []byte, find *regexp.Regexp) string {
	if find == nil {
		return strings.TrimSpace(string(text))
	}
	m := find.FindSubmatch(text)
	if m == nil {
		return "unknown"
	}
	return strings.TrimSpace(string(m[len(m)-1]))
}
