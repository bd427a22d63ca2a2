package recordfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"

	"hotline/internal/acd"
)

// Format and Version are in the first line of every file.
const (
	Format  = "hotline records"
	Version = 1
)

// Kind says what a line holds.
type Kind string

// The kinds of lines.
const (
	head  Kind = "head"
	Call  Kind = "call"
	Stint Kind = "stint"
	end   Kind = "end"
)

// Head is the first line. From and To are the first and the last day, as in
// 2026-01-31, in the time zone Zone.
type Head struct {
	Kind    Kind   `json:"kind"`
	Format  string `json:"format"`
	Version int    `json:"v"`
	Site    string `json:"site"`
	Zone    string `json:"zone"`
	From    string `json:"from"`
	To      string `json:"to"`
}

// End is the last line. SHA256, in hexadecimal, is that of all bytes before the line.
type End struct {
	Kind   Kind   `json:"kind"`
	Calls  int    `json:"calls"`
	Stints int    `json:"stints"`
	SHA256 string `json:"sha256"`
}

// Entry is a line in between.
type Entry struct {
	Line int // from 1
	Kind Kind
	ID   string // of the entry in the store that it comes from; may be empty
	Text []byte // the record, as compact JSON

	// Call or Stint is what Text says, and Day the day for which it counts, as in
	// 2026-01-31; they are empty when it was not examined.
	Call  *acd.CallRecord
	Stint *acd.Stint
	Day   string
}

// line is how an Entry is written.
type line struct {
	Kind   Kind            `json:"kind"`
	ID     string          `json:"id,omitempty"`
	Record json.RawMessage `json:"record"`
}

// Writer writes a file. Its writer should be buffered.
type Writer struct {
	out io.Writer
	sum hash.Hash
	end End
}

// NewWriter begins a file; kind, format and version of head are filled in.
func NewWriter(out io.Writer, h Head) (*Writer, error) {
	h.Kind, h.Format, h.Version = head, Format, Version
	w := &Writer{out: out, sum: sha256.New(), end: End{Kind: end}}
	text, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	return w, w.write(append(text, '\n'))
}

// Write adds an entry, of which Kind, ID and Text count.
func (w *Writer) Write(e Entry) error {
	switch e.Kind {
	case Call:
		w.end.Calls++
	case Stint:
		w.end.Stints++
	default:
		return fmt.Errorf("%q is not a kind of entry", e.Kind)
	}
	// The text is not encoded anew, so that what is read back is what was stored.
	id, err := json.Marshal(e.ID)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"kind":%q,`, e.Kind)
	if e.ID != "" {
		fmt.Fprintf(&b, `"id":%s,`, id)
	}
	b.WriteString(`"record":`)
	if err := json.Compact(&b, e.Text); err != nil {
		return fmt.Errorf("entry %s is not JSON: %w", e.ID, err)
	}
	b.WriteString("}\n")
	return w.write(b.Bytes())
}

// Close writes the last line.
func (w *Writer) Close() (End, error) {
	w.end.SHA256 = hex.EncodeToString(w.sum.Sum(nil))
	text, err := json.Marshal(w.end)
	if err != nil {
		return End{}, err
	}
	return w.end, w.write(append(text, '\n'))
}

func (w *Writer) write(text []byte) error {
	w.sum.Write(text)
	_, err := w.out.Write(text)
	return err
}
