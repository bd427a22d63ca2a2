package config

import (
	"fmt"

	"github.com/goccy/go-yaml/scanner"
	"github.com/goccy/go-yaml/token"
)

// The parser needs time and memory with the square of how deep things are nested, and of
// how many keys stand beside each other. A configuration needs few of both.
const (
	deepest   = 32
	mostKeys  = 2000
	mostSigns = 500_000 // words and signs of the whole text
)

// shape counts what would keep the parser busy for ever.
type shape struct {
	signs   int
	line    int
	entries int   // "- ", "? ", tags and anchors of this line
	flow    []int // keys of each bracket that is open
	block   map[int]int
	before  int // column of the sign before
}

// tooDeep says where there is too much of something; wrong is empty when there is not.
func tooDeep(text string) (at place, wrong string) {
	var s scanner.Scanner
	s.Init(text)
	seen := shape{block: make(map[int]int)}
	for {
		signs, err := s.Scan()
		if err != nil {
			return place{}, "" // at its end, or the parser says what is wrong
		}
		for _, t := range signs {
			if t.Position == nil {
				continue
			}
			if wrong := seen.add(t); wrong != "" {
				return placeOfToken(t), wrong
			}
		}
	}
}

func (s *shape) add(t *token.Token) string {
	at := placeOfToken(t)
	if at.line != s.line {
		s.line, s.entries = at.line, 0
		for column := range s.block { // whatever stood deeper has ended
			if column > at.column {
				delete(s.block, column)
			}
		}
	}
	keys := 0
	switch t.Type {
	case token.SequenceEntryType, token.MappingKeyType, token.TagType, token.AnchorType:
		s.entries++
	case token.SequenceStartType, token.MappingStartType:
		s.flow = append(s.flow, 0)
	case token.SequenceEndType, token.MappingEndType:
		s.flow = s.flow[:max(0, len(s.flow)-1)]
	case token.MappingValueType:
		if n := len(s.flow); n > 0 {
			s.flow[n-1]++
			keys = s.flow[n-1]
		} else {
			s.block[s.before]++
			keys = s.block[s.before]
		}
	}
	s.before = at.column
	s.signs++
	switch {
	case len(s.flow) > deepest || s.entries > deepest:
		return fmt.Sprintf("this is nested more than %d deep; no part of a configuration is", deepest)
	case keys > mostKeys:
		return fmt.Sprintf("more than %d keys stand beside each other; no part of a configuration has so many", mostKeys)
	case s.signs > mostSigns:
		return fmt.Sprintf("the text has more than %d words and signs; write a shorter one", mostSigns)
	}
	return ""
}
