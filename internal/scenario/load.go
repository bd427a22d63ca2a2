package scenario

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hotline/internal/acd"
	"hotline/internal/config"
	"hotline/internal/sim"
)

//go:embed shipped/*.yaml
var shipped embed.FS

// routingSuffix tells the shipped routings from the scenarios.
const routingSuffix = "-routing"

// Names lists the shipped scenarios.
func Names() []string {
	files, err := shipped.ReadDir("shipped")
	if err != nil {
		panic(err) // it is part of the program
	}
	var names []string
	for _, f := range files {
		if name := strings.TrimSuffix(f.Name(), ".yaml"); !strings.HasSuffix(name, routingSuffix) {
			names = append(names, name)
		}
	}
	return names
}

// Load reads a scenario: a shipped one by its name, or a file. Paths in a file
// are relative to its folder. The error is of type config.Problems, or says
// that there is no such scenario.
func Load(nameOrFile string) (*sim.Scenario, error) {
	if slices.Contains(Names(), nameOrFile) {
		own := files{
			path: func(name string) string { return "shipped/" + name },
			open: shipped.ReadFile,
		}
		data, err := own.read(nameOrFile + ".yaml")
		if err != nil {
			return nil, err
		}
		return parse(nameOrFile, nameOrFile+".yaml", data, own)
	}
	data, err := os.ReadFile(nameOrFile)
	if err != nil {
		return nil, fmt.Errorf("%s: %s; name a YAML file or one of: %s", nameOrFile, unreadable(err), strings.Join(Names(), ", "))
	}
	dir := filepath.Dir(nameOrFile)
	name := strings.TrimSuffix(filepath.Base(nameOrFile), filepath.Ext(nameOrFile))
	return parse(name, nameOrFile, data, files{
		path: func(name string) string {
			if filepath.IsAbs(name) {
				return name
			}
			return filepath.Join(dir, name)
		},
		open: os.ReadFile,
	})
}

// files finds the files that a scenario names.
type files struct {
	path func(name string) string
	open func(path string) ([]byte, error)
}

func (f files) read(name string) ([]byte, error) { return f.open(f.path(name)) }

func unreadable(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such scenario or file"
	case errors.Is(err, fs.ErrPermission):
		return "the file may not be read by this user"
	}
	return fmt.Sprintf("the file cannot be read (%v)", err)
}

// parse reads a scenario.
func parse(name, path string, data []byte, named files) (*sim.Scenario, error) {
	raw := &file{}
	doc, ok := config.Decode(path, data, raw)
	if !ok {
		return nil, doc.Err()
	}
	c := &checker{Document: doc, files: named}
	s, err := c.scenario(name, raw)
	if err != nil {
		return nil, err
	}
	if err := doc.Err(); err != nil {
		return nil, err
	}
	if err := s.Check(); err != nil {
		doc.At(raw, "%v; correct the scenario", err)
		return nil, doc.Err()
	}
	return s, nil
}

// routing reads the routing's file; its own mistakes are reported with its own places.
func (c *checker) routing(raw *file, s *sim.Scenario) error {
	if !raw.Routing.Given() {
		return nil
	}
	data, err := c.files.read(raw.Routing.Get())
	if err != nil {
		c.At(raw.Routing, "routing: %s (%s); name a file, relative to the scenario's folder", unreadable(err), raw.Routing.Get())
		return nil
	}
	s.Routing, s.Location, err = config.ParseRouting(c.files.path(raw.Routing.Get()), data)
	c.agents = make(map[acd.AgentID]bool, len(s.Routing.Agents))
	for _, a := range s.Routing.Agents {
		c.agents[a.ID] = true
	}
	return err
}
