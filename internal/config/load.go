package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"hotline/internal/acd"
)

// Load reads and checks a configuration file and the secret files that it
// names. Relative paths in it are relative to its own folder. A returned error
// is of type Problems and lists every mistake that was found.
//
// The passwords of seats are not read: only whoever renders Asterisk's
// configuration needs them; see SeatPasswords.
func Load(path string) (*Config, error) {
	problems := &collector{file: path}
	data, err := os.ReadFile(path)
	if err != nil {
		problems.at(place{}, "%s", unreadable(err))
		return nil, problems.err()
	}
	return read(path, data, nil)
}

// Largest is how long the text of a configuration may be, in bytes: some twenty thousand agents.
const Largest = 1 << 20

// Instead reads and checks a text that is to stand in the place of c's file, as Load would
// read it from there. It opens no other files than those that c names: who may send a text
// over the network must not find out by it which files there are, or what is in them.
func (c *Config) Instead(data []byte) (*Config, error) {
	if at, ok := unprintable(data); ok {
		problems := &collector{file: c.File}
		problems.at(at, "there is a control character, or something that is not UTF-8; write text only")
		return nil, problems.err()
	}
	return read(c.File, data, c.opened)
}

// unprintable finds what no text file holds.
func unprintable(data []byte) (place, bool) {
	at := place{line: 1, column: 1}
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		switch {
		case r == '\n':
			at.line, at.column = at.line+1, 0
		case r == utf8.RuneError && size < 2, r < ' ' && r != '\t' && r != '\r', r == 0x7f:
			return at, true
		}
		at.column++
		data = data[size:]
	}
	return place{}, false
}

// read is Load with the text of the file. With only it opens no other files than these.
func read(path string, data []byte, only map[string]bool) (*Config, error) {
	problems := &collector{file: path}
	if len(data) > Largest {
		problems.at(place{}, "the configuration has %d bytes, more than %d; name the right file", len(data), Largest)
		return nil, problems.err()
	}
	raw := &file{}
	if !parse(&decoder{collector: problems}, data, raw) {
		return nil, problems.err()
	}
	check := checker{collector: problems, dir: filepath.Dir(path), only: only, opened: make(map[string]bool)}
	cfg := check.config(raw)
	if err := problems.err(); err != nil {
		return nil, err
	}
	cfg.File, cfg.Text, cfg.raw, cfg.opened = path, string(data), raw, check.opened
	return cfg, nil
}

func unreadable(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "the configuration file does not exist; name another with --config, or start from deploy/hotline.example.yaml"
	case errors.Is(err, fs.ErrPermission):
		return "the configuration file may not be read by this user; change its owner or mode"
	}
	return fmt.Sprintf("the configuration file cannot be read (%v); name a YAML file", err)
}

// parse fills into, a structure like those of schema.go. It reports false when
// the text is not YAML, so that there is nothing to check.
func parse(d *decoder, data []byte, into any) bool {
	if at, wrong := tooDeep(string(data)); wrong != "" {
		d.at(at, "%s", wrong)
		return false
	}
	// Doubled keys are reported by the decoder, all of them at once.
	tree, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		d.at(syntaxPlace(err), "this is not valid YAML (%s); correct the line", syntaxText(err))
		return false
	}
	var root ast.Node
	for _, document := range tree.Docs {
		if document.Body == nil {
			continue
		}
		if root != nil {
			d.at(placeOf(document.Body), "the file holds several documents; remove the line --- and leave one")
			return false
		}
		root = document.Body
	}
	if _, ok := d.entries(root, ""); !ok {
		return false
	}
	d.structure(reflect.ValueOf(into).Elem(), root, place{line: 1, column: 1}, "")
	return true
}

func syntaxPlace(err error) place {
	var positioned yaml.Error
	if errors.As(err, &positioned) {
		return placeOfToken(positioned.GetToken())
	}
	return place{}
}

func syntaxText(err error) string {
	var positioned yaml.Error
	if errors.As(err, &positioned) {
		return positioned.GetMessage()
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return first
}

// SeatPasswords reads the SIP password of every seat from seat_password_dir:
// the file named like the seat. A seat with a fixed contact may have none.
func (c *Config) SeatPasswords() (map[acd.SeatID]Secret, error) {
	passwords := make(map[acd.SeatID]Secret, len(c.Seats))
	problems := &collector{file: c.File}
	for _, seat := range c.Seats {
		if c.Asterisk.SeatPasswordDir == "" {
			continue // Load has made sure that every seat has a contact
		}
		path := filepath.Join(c.Asterisk.SeatPasswordDir, string(seat.ID))
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && seat.Contact != "" {
			continue
		}
		secret, err := readSecret(path)
		if err != nil {
			problems.at(place{}, "seat %s: %v", seat.ID, err)
			continue
		}
		passwords[seat.ID] = secret
	}
	return passwords, problems.err()
}
