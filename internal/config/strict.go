package config

import "time"

// What follows lets other packages read their own strict YAML files with the
// same decoder. Such a file is described by a structure whose fields have the
// tags of schema.go; structures embed Section, and values are of these kinds.
type (
	// Section is embedded in each structure; it holds where the section stands.
	Section = place
	// Text, Whole, Number, YesNo and Span are scalars.
	Text   = value[string]
	Whole  = value[int]
	Number = value[float64]
	YesNo  = value[bool]
	Span   = value[time.Duration]
	// List is a sequence of structures or scalars.
	List[T any] = list[T]
)

// Get is the value, or its default.
func (v value[T]) Get() T { return v.v }

// Given reports whether the value is written in the file.
func (v value[T]) Given() bool { return v.set }

// Items are the items that could be read.
func (l list[T]) Items() []T { return l.items }

func (p place) where() place { return p }

// Wrong reports whether what is written here has been reported already, so that
// what follows from its absence is no mistake of its own.
func (p place) Wrong() bool { return p.wrong }

// Placed is a Section, a scalar or a List.
type Placed interface{ where() place }

// Document is a strict YAML file that is being read and checked.
type Document struct{ problems collector }

// Decode reads data into a pointer to a structure. The name stands in messages.
// It reports false when nothing could be read; Err says why.
func Decode(name string, data []byte, into any) (*Document, bool) {
	d := &Document{collector{file: name}}
	ok := parse(&decoder{collector: &d.problems}, data, into)
	return d, ok
}

// At notes a mistake: "what is wrong; what to write instead".
func (d *Document) At(where Placed, format string, args ...any) {
	d.problems.at(where.where(), format, args...)
}

// Err is nil, or of type Problems with everything that was found.
func (d *Document) Err() error { return d.problems.err() }
