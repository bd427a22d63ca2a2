package devstack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Deps is the folder that make deps fills.
type Deps struct {
	Dir string // absolute

	loader string // the dynamic loader of the unpacked Asterisk
}

// Lookup finds the folder that make deps fills: $HOTLINE_DEPS, or .deps beside
// the go.mod of the working directory or of one above it. The error says what
// to run when Asterisk, the prompts or the music are not there.
func Lookup() (Deps, error) {
	dir := os.Getenv("HOTLINE_DEPS")
	if dir == "" {
		root, err := checkoutRoot()
		if err != nil {
			return Deps{}, err
		}
		dir = filepath.Join(root, ".deps")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Deps{}, fmt.Errorf("find the folder of make deps: %w", err)
	}
	d := Deps{Dir: dir}
	loaders, err := filepath.Glob(filepath.Join(dir, "asterisk/usr/lib/*-linux-gnu/ld-linux-*.so.*"))
	if err != nil || len(loaders) == 0 {
		return Deps{}, fmt.Errorf("there is no Asterisk in %s: run make deps", dir)
	}
	d.loader = loaders[0]
	for _, needed := range []string{d.binary(), d.Modules(), filepath.Join(d.Data(), "documentation"), d.Prompts(), filepath.Join(d.Data(), "moh")} {
		if _, err := os.Stat(needed); err != nil {
			return Deps{}, fmt.Errorf("%s is missing or incomplete (%w): run make deps", dir, err)
		}
	}
	return d, nil
}

func checkoutRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the folder of make deps: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod in the working directory or above: run this in a checkout after make deps, or set HOTLINE_DEPS to the folder that make deps filled")
		}
		dir = parent
	}
}

// Modules is Asterisk's folder of .so modules.
func (d Deps) Modules() string { return filepath.Join(filepath.Dir(d.loader), "asterisk", "modules") }

// Data is Asterisk's data directory: documentation, sounds and hold music.
func (d Deps) Data() string { return filepath.Join(d.Dir, "data") }

// Prompts is the folder of NAME.alaw, played as sound:hotline/NAME.
func (d Deps) Prompts() string { return filepath.Join(d.Dir, "prompts") }

func (d Deps) binary() string { return filepath.Join(d.Dir, "asterisk", "usr", "sbin", "asterisk") }

// AsteriskCommand returns the program and the arguments that run Asterisk with
// args by the loader and the libraries of its own folder.
func (d Deps) AsteriskCommand(args ...string) []string {
	return append([]string{d.loader, "--argv0", "asterisk", "--library-path", filepath.Dir(d.loader), d.binary()}, args...)
}
