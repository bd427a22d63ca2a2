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

// variantMark stands between the name of a scenario and that of its variant.
const variantMark = ":"

// Load reads a scenario: a shipped one by its name, or a file; a variant is
// named after a colon, as in storm:redial. Paths in a file are relative to its
// folder. The error is of type config.Problems, or says that there is no such
// scenario.
func Load(nameOrFile string) (*sim.Scenario, error) {
	base, variant, named := cutVariant(nameOrFile)
	all, err := LoadVariants(base)
	if err != nil || !named {
		return first(all), err
	}
	var known []string
	for _, s := range all[1:] {
		name := strings.TrimPrefix(s.Name, all[0].Name+variantMark)
		if name == variant {
			return s, nil
		}
		known = append(known, name)
	}
	if len(known) == 0 {
		return nil, fmt.Errorf("%s has no variants; leave out %s%s", base, variantMark, variant)
	}
	return nil, fmt.Errorf("%s has no variant %s; write one of: %s", base, variant, strings.Join(known, ", "))
}

func cutVariant(name string) (base, variant string, found bool) {
	if i := strings.LastIndex(name, variantMark); i > strings.LastIndex(name, string(filepath.Separator)) {
		return name[:i], name[i+1:], true
	}
	return name, "", false
}

func first(all []*sim.Scenario) *sim.Scenario {
	if len(all) == 0 {
		return nil
	}
	return all[0]
}

// LoadVariants reads a scenario and all its variants, itself first.
func LoadVariants(nameOrFile string) ([]*sim.Scenario, error) {
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

// parse reads a scenario and its variants, itself first.
func parse(name, path string, data []byte, named files) ([]*sim.Scenario, error) {
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
	all, err := c.variants(raw, s)
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
	return append([]*sim.Scenario{s}, all...), nil
}

// routing reads the scenario's own routing.
func (c *checker) routing(raw *file, s *sim.Scenario) error {
	if !raw.Routing.Given() {
		return nil
	}
	known, err := c.routingFile(raw.Routing, "routing", s)
	if !known {
		return err
	}
	c.agents = make(map[acd.AgentID]bool, len(s.Routing.Agents))
	for _, a := range s.Routing.Agents {
		c.agents[a.ID] = true
	}
	return err
}

// routingFile reads a file with a routing; its own mistakes are reported with
// its own places. It reports false when the file could not be read.
func (c *checker) routingFile(file config.Text, key string, s *sim.Scenario) (known bool, err error) {
	data, err := c.files.read(file.Get())
	if err != nil {
		c.At(file, "%s: %s (%s); name a file, relative to the scenario's folder", key, unreadable(err), file.Get())
		return false, nil
	}
	routing, err := config.ParseRouting(c.files.path(file.Get()), data)
	s.Routing, s.Location, s.Traffic = routing.ACD, routing.Location, routing.Traffic
	return true, err
}
