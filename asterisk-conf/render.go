package asteriskconf

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"text/template"
	"time"

	"hotline/internal/conffile"
)

//go:embed templates/*.conf
var templates embed.FS

// secretFiles hold passwords and are readable by their owner only.
var secretFiles = map[string]bool{"ari.conf": true, "pjsip.conf": true}

// Render writes the configuration files of the node p into the folder dir,
// which it creates if need be; Asterisk is started with -C dir/asterisk.conf.
// Each file is replaced whole. Nothing is written if p is not valid; the error
// then names every mistake.
func Render(dir string, p Params) error {
	if err := p.Validate(); err != nil {
		return fmt.Errorf("asterisk configuration of node %q: %w", p.Node, err)
	}
	if !plainPath(dir) {
		return fmt.Errorf("asterisk configuration folder %q: want an absolute path without semicolons, brackets or line breaks", dir)
	}
	files, err := execute(dir, p)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the asterisk configuration folder: %w", err)
	}
	for name, content := range files {
		if err := conffile.Replace(filepath.Join(dir, name), content, mode(name)); err != nil {
			return fmt.Errorf("write asterisk configuration: %w", err)
		}
	}
	return nil
}

// execute fills in every template before the first is written.
func execute(dir string, p Params) (map[string][]byte, error) {
	set, err := template.ParseFS(templates, "templates/*.conf")
	if err != nil {
		return nil, fmt.Errorf("asterisk configuration templates: %w", err)
	}
	names, err := fs.Glob(templates, "templates/*.conf")
	if err != nil {
		return nil, fmt.Errorf("asterisk configuration templates: %w", err)
	}
	v := newView(dir, p)
	files := make(map[string][]byte, len(names))
	for _, path := range names {
		name := filepath.Base(path)
		var out bytes.Buffer
		fmt.Fprintf(&out, "; Made from asterisk-conf/templates/%s for node %s. Change it there.\n", name, p.Node)
		if err := set.ExecuteTemplate(&out, name, v); err != nil {
			return nil, fmt.Errorf("asterisk configuration template: %w", err)
		}
		files[name] = out.Bytes()
	}
	return files, nil
}

// view is what the templates see: Params, and what follows from them.
type view struct {
	Params
	Dirs            dirsView
	Seats           []seatView
	EntityID        string
	FallbackSeconds int64
	QualifySeconds  int64
}

type dirsView struct {
	Dirs
	Etc string
}

type seatView struct {
	Seat
	Source string // address:port of a phone without a password
}

func newView(etc string, p Params) view {
	v := view{
		Params:          p,
		Dirs:            dirsView{Dirs: p.Dirs, Etc: etc},
		EntityID:        entityID(p.Node),
		FallbackSeconds: int64(p.FallbackAfter / time.Second),
		QualifySeconds:  int64(p.QualifyEvery / time.Second),
	}
	for _, s := range p.Seats {
		sv := seatView{Seat: s}
		if s.Password == "" {
			sv.Source, _ = contactSource(s.Contact) // validated before
		}
		v.Seats = append(v.Seats, sv)
	}
	return v
}

// entityID makes a locally administered MAC address of the node's name.
func entityID(node string) string {
	h := sha256.Sum256([]byte(node))
	h[0] = h[0]&^1 | 2
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", h[0], h[1], h[2], h[3], h[4], h[5])
}

func mode(name string) os.FileMode {
	if secretFiles[name] {
		return 0o600
	}
	return 0o644
}
