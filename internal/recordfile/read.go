package recordfile

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"
)

// Shown is how many problems are told one by one.
const Shown = 100

// longestLine is in bytes. The record of a call that was offered every two seconds
// for a day has some 6 MB.
const longestLine = 16 << 20

// Want is what a file must be.
type Want struct {
	Site     string // empty: of any site
	Location *time.Location
	// Stored: the records are what this program has stored, and each has its id.
	// They are not examined.
	Stored bool
	// ClockSteps: the times of a record may run backwards, which a clock that was
	// set back has caused.
	ClockSteps bool
}

// Summary is what a file says about itself.
type Summary struct {
	Head Head
	End  End
}

// Problem is what is wrong with a line.
type Problem struct {
	Line int // from 1
	Text string
}

func (p Problem) String() string { return fmt.Sprintf("line %d: %s", p.Line, p.Text) }

// MalformedError lists what is wrong with a file.
type MalformedError struct {
	Problems []Problem // the first ones, in order
	More     int       // further ones
}

func (e *MalformedError) Error() string {
	if n := len(e.Problems) + e.More; n > 1 {
		return fmt.Sprintf("%d problems, the first in %s", n, e.Problems[0])
	}
	return e.Problems[0].String()
}

// Read reads a file to its end. visit, if any, is given each entry, as long as nothing
// was wrong; the error is its own, that of in, or a *MalformedError. Only a file that
// was read without an error is whole.
func Read(in io.Reader, want Want, visit func(Entry) error) (Summary, error) {
	r := reader{want: want, sum: sha256.New()}
	lines := bufio.NewReaderSize(in, 64<<10)
	for {
		text, tooLong, err := r.next(lines)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return r.Summary, fmt.Errorf("read line %d: %w", r.line, err)
		}
		entry, good := r.take(text, tooLong)
		if r.alien {
			return r.Summary, &r.malformed
		}
		if !good || visit == nil || len(r.malformed.Problems) > 0 {
			continue
		}
		if err := visit(entry); err != nil {
			return r.Summary, err
		}
	}
	switch {
	case r.line == 1:
		r.problem("the file is empty")
	case !r.ended:
		r.problem("the last line, of the kind end, is missing: the file was cut off; get it whole")
	}
	if len(r.malformed.Problems) > 0 {
		return r.Summary, &r.malformed
	}
	return r.Summary, nil
}

type reader struct {
	Summary
	want      Want
	line      int // being read
	sum       hash.Hash
	counted   End
	ended     bool
	alien     bool // the file does not begin as one of records does
	malformed MalformedError
	ledger    ledger
}

func (r *reader) problem(format string, args ...any) {
	if len(r.malformed.Problems) == Shown {
		r.malformed.More++
		return
	}
	r.malformed.Problems = append(r.malformed.Problems, Problem{r.line, fmt.Sprintf(format, args...)})
}

// next reads a line with its end; of one that is too long, a part.
func (r *reader) next(lines *bufio.Reader) (text []byte, tooLong bool, err error) {
	r.line++
	for {
		part, err := lines.ReadSlice('\n')
		if tooLong = tooLong || len(text)+len(part) > longestLine; !tooLong {
			text = append(text, part...)
		}
		switch {
		case err == nil, errors.Is(err, io.EOF) && len(text) > 0:
			return text, tooLong, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, false, err
		}
	}
}

// take reads a line; it reports whether it is a good entry.
func (r *reader) take(text []byte, tooLong bool) (Entry, bool) {
	var peek struct {
		Kind Kind `json:"kind"`
	}
	switch err := json.Unmarshal(text, &peek); {
	case tooLong:
		r.problem("is longer than %d MB", longestLine>>20)
	case r.ended:
		r.problem("stands after the last line, of the kind end")
	case len(bytes.TrimSpace(text)) == 0:
		r.problem("is empty")
	case err != nil && r.line == 1:
		r.notOurs(explain(err))
	case err != nil:
		r.problem("%s", explain(err))
	case r.line == 1:
		r.takeHead(text)
	case peek.Kind == end:
		r.takeEnd(text)
	case peek.Kind == Call || peek.Kind == Stint:
		r.sum.Write(text)
		return r.takeEntry(text)
	default:
		r.problem("the kind %s is not known; it is call, stint or end", quote(string(peek.Kind)))
	}
	r.sum.Write(text)
	return Entry{}, false
}

func (r *reader) takeHead(text []byte) {
	h := &r.Head
	switch err := strict(text, h); {
	case err != nil:
		r.notOurs(explain(err))
	case h.Kind != head || h.Format != Format:
		r.notOurs(fmt.Sprintf("kind must be %q, and format %q", head, Format))
	case h.Version != Version:
		r.problem("the format has version %d, this program knows %d", h.Version, Version)
	case h.Site == "":
		r.problem("site is missing")
	case r.want.Site != "" && h.Site != r.want.Site:
		r.problem("the records are of the site %s, not of %s", quote(h.Site), quote(r.want.Site))
	case h.Zone != r.want.Location.String():
		r.problem("days begin in the time zone %s, here in %s: their records would count for other days", quote(h.Zone), quote(r.want.Location.String()))
	case !isDay(h.From) || !isDay(h.To) || h.To < h.From:
		r.problem("from and to are not the first and the last day, as in 2026-01-31")
	}
}

// notOurs ends the reading of a file that is something else, whose other lines need
// not be told.
func (r *reader) notOurs(why string) {
	r.problem("is not the first line of a file of records: %s", why)
	r.alien = true
}

func isDay(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

func (r *reader) takeEnd(text []byte) {
	r.ended = true
	if err := strict(text, &r.End); err != nil {
		r.problem("%s", explain(err))
		return
	}
	if r.End.Calls != r.counted.Calls || r.End.Stints != r.counted.Stints {
		r.problem("gives the numbers of calls and stints as %d and %d, and there are %d and %d: lines are missing, or there are too many",
			r.End.Calls, r.End.Stints, r.counted.Calls, r.counted.Stints)
	}
	if sum := hex.EncodeToString(r.sum.Sum(nil)); r.End.SHA256 != sum {
		r.problem("the SHA-256 of the lines before is %s and not %s: the file was changed or damaged", sum, quote(r.End.SHA256))
	}
}

func (r *reader) takeEntry(text []byte) (Entry, bool) {
	var l line
	if err := strict(text, &l); err != nil {
		r.problem("%s", explain(err))
		return Entry{}, false
	}
	e := Entry{Line: r.line, Kind: l.Kind, ID: l.ID, Text: l.Record}
	if e.Kind == Call {
		r.counted.Calls++
	} else {
		r.counted.Stints++
	}
	var wrong []string
	switch {
	case len(l.Record) == 0 || string(l.Record) == "null":
		wrong = []string{"record is missing"}
	case r.want.Stored && e.ID == "":
		wrong = []string{"id is missing"}
	case !r.want.Stored:
		wrong = r.examine(&e)
	}
	if len(wrong) > 0 {
		r.problem("%s", strings.Join(wrong, "; "))
	}
	return e, len(wrong) == 0
}

// strict decodes JSON with known fields and nothing after it.
func strict(text []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something stands after the JSON")
	}
	return nil
}

// explain says what is wrong with JSON. It repeats no value: one may be the number
// of a caller.
func explain(err error) string {
	var wrongType *json.UnmarshalTypeError
	var badTime *time.ParseError
	switch {
	case errors.As(err, &wrongType):
		return fmt.Sprintf("%s cannot be a %s", wrongType.Field, wrongType.Value)
	case errors.As(err, &badTime):
		return "a time is not written as in 2026-01-31T09:20:00.5+08:00"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "is not JSON: it ends too early"
	}
	text := strings.TrimPrefix(err.Error(), "json: ")
	if strings.HasPrefix(text, "unknown field") {
		return text
	}
	return "is not JSON: " + text
}

// quote shows a word of the file, not more of it than can be one.
func quote(s string) string {
	const most = 64
	if len(s) > most {
		return fmt.Sprintf("%.*q…", most, s)
	}
	return fmt.Sprintf("%q", s)
}
