package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one mistake: what is wrong, and what to write instead.
type Problem struct {
	File string
	// Line and Column count from 1; both are 0 when the file as a whole is meant.
	Line, Column int
	Text         string
}

func (p Problem) Error() string {
	if p.Line == 0 {
		return p.File + ": " + p.Text
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
}

// Problems are all mistakes of a configuration in the order of the file. It
// is the error that Load returns.
type Problems []Problem

// Error lists one mistake a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Error()
	}
	return strings.Join(lines, "\n")
}

// collector gathers problems while a file is read and checked.
type collector struct {
	file     string
	problems Problems
}

func (c *collector) at(p place, format string, args ...any) {
	c.problems = append(c.problems, Problem{File: c.file, Line: p.line, Column: p.column, Text: fmt.Sprintf(format, args...)})
}

// err returns nil or everything that was gathered, sorted by place.
func (c *collector) err() error {
	if len(c.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(c.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.Compact(c.problems)
}
