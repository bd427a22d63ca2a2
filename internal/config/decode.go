package config

import (
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// decoder turns the syntax tree into the structures of schema.go. It goes on
// after a mistake, so that all of them are reported at once.
type decoder struct {
	*collector
	skip map[string]bool // sections of the file that are passed over; may be nil
}

// decodable is a kind of value that decodes itself from a node, or takes the
// default in place of what was left out or was wrong.
type decodable interface {
	decode(d *decoder, n ast.Node, key string)
	setDefault(text string, at place)
	isList() bool // a list keeps the items that were right
}

// structure fills the struct v from a mapping. n is nil for a section that was
// left out; at is then the place of the section around it. prefix is "" or
// ends with a dot and names the section in sentences.
func (d *decoder) structure(v reflect.Value, n ast.Node, at place, prefix string) {
	// What is no mapping has been reported; its defaults keep later checks quiet.
	entries, ok := d.entries(n, strings.TrimSuffix(prefix, "."))
	switch {
	case len(entries) > 0:
		at = placeOf(n)
	case !ok:
		at = at.reported()
	}
	v.Addr().Interface().(interface{ setPlace(place) }).setPlace(at)
	given, meant := d.given(v.Type(), entries, prefix)
	for i := range v.NumField() {
		field := v.Type().Field(i)
		key, isKey := field.Tag.Lookup("yaml")
		if !isKey {
			continue
		}
		target, node, name := v.Field(i), given[key], prefix+key
		if d.skip[name] {
			continue
		}
		within := at
		if misspelt, ok := meant[key]; ok && node == nil {
			within = misspelt.reported()
		}
		switch child, isValue := target.Addr().Interface().(decodable); {
		case !isValue:
			d.structure(target, node, within, name+".")
		case node != nil:
			before := len(d.problems)
			if child.decode(d, node, name); len(d.problems) > before && !child.isList() {
				child.setDefault(field.Tag.Get("default"), placeOf(node).reported())
			}
		default:
			if need, needed := field.Tag.Lookup("need"); needed && ok && !within.wrong {
				d.at(at, "%s is missing; %s", name, need)
			}
			child.setDefault(field.Tag.Get("default"), within)
		}
	}
}

// given sorts a mapping's values by key, and reports unknown and doubled keys.
// meant are the places of keys that stand there misspelt.
func (d *decoder) given(t reflect.Type, entries []*ast.MappingValueNode, prefix string) (given map[string]ast.Node, meant map[string]place) {
	known := keysOf(t)
	given, meant = make(map[string]ast.Node, len(entries)), make(map[string]place)
	for _, entry := range entries {
		key, where := entry.Key.GetToken().Value, placeOfToken(entry.Key.GetToken())
		switch _, twice := given[key]; {
		case entry.Key.IsMergeKey():
			d.at(where, "merging with << is not supported; write the keys out")
		case !slices.Contains(known, key):
			remedy := "known here are " + strings.Join(known, ", ")
			if likely := Closest(key, known); likely != "" {
				remedy, meant[likely] = "write "+likely, where
			}
			d.at(where, "%s is not a known key; %s", prefix+key, remedy)
		case twice:
			d.at(where, "%s is given twice; remove one of them", prefix+key)
		default:
			given[key] = entry.Value
		}
	}
	return given, meant
}

// entries takes a mapping apart; ok is false when n is something else.
func (d *decoder) entries(n ast.Node, name string) (entries []*ast.MappingValueNode, ok bool) {
	switch n := n.(type) {
	case nil:
		return nil, true
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		d.unsupported(n)
	case *ast.NullNode:
		d.at(placeOf(n), "%s is empty; give it keys or remove it", section(name))
	default:
		d.at(placeOf(n), "%s must hold keys and values; write for example: {key: value}", section(name))
	}
	return nil, false
}

func section(name string) string {
	if name == "" {
		return "the file"
	}
	return name
}

func (d *decoder) unsupported(n ast.Node) {
	d.at(placeOf(n), "anchors, aliases and tags are not supported; write the value out")
}

// keysOf lists the keys of a structure in order.
func keysOf(t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		if key, ok := t.Field(i).Tag.Lookup("yaml"); ok {
			keys = append(keys, key)
		}
	}
	return keys
}

func (l *list[T]) isList() bool { return true }

func (l *list[T]) setDefault(_ string, at place) { l.place = at }

func (l *list[T]) decode(d *decoder, n ast.Node, key string) {
	l.place = placeOf(n)
	sequence, ok := n.(*ast.SequenceNode)
	switch {
	case !ok && unsupportedKind(n):
		d.unsupported(n)
		return
	case !ok:
		d.at(l.place, "%s must be a list; write one item a line beginning with \"- \", or [a, b]", key)
		l.wrong = true
		return
	}
	l.blank = len(sequence.Values) == 0
	for _, node := range sequence.Values {
		var item T
		if scalar, isValue := any(&item).(decodable); isValue {
			before := len(d.problems)
			if scalar.decode(d, node, "an item of "+key); len(d.problems) > before {
				l.wrong = true
				continue
			}
		} else if entries, isMapping := d.entries(node, "an item of "+key); !isMapping || len(entries) == 0 {
			if isMapping {
				d.at(placeOf(node), "an item of %s is empty; give it keys or remove it", key)
			}
			continue
		} else {
			d.structure(reflect.ValueOf(&item).Elem(), node, placeOf(node), key+".")
		}
		l.items = append(l.items, item)
	}
}

func (t *texts) setDefault(single string, at place) {
	t.place, t.items = at, nil
	if single != "" {
		t.items = []text{{place: at, v: single}}
	}
}

func (t *texts) decode(d *decoder, n ast.Node, key string) {
	t.set = true
	if _, isScalar := scalarText(n); !isScalar {
		t.list.decode(d, n, key)
		return
	}
	var single text
	single.decode(d, n, key)
	t.place, t.items = single.place, []text{single}
}

func (l *levels) isList() bool { return true }

func (l *levels) setDefault(_ string, at place) { l.place = at }

func (l *levels) decode(d *decoder, n ast.Node, key string) {
	l.place, l.set = placeOf(n), true
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode, *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
	default:
		d.at(l.place, "%s must hold names with a level each; write for example: {name: 5}", key)
		return
	}
	entries, ok := d.entries(n, key)
	if ok && len(entries) == 0 {
		d.at(l.place, "%s is empty; write for example {name: 5}, or remove it", key)
	}
	seen := make(map[string]bool)
	for _, entry := range entries {
		name := text{place: placeOfToken(entry.Key.GetToken()), v: entry.Key.GetToken().Value, set: true}
		switch {
		case entry.Key.IsMergeKey():
			d.at(name.place, "merging with << is not supported; write the keys out")
			continue
		case seen[name.v]:
			d.at(name.place, "%s.%s is given twice; remove one of them", key, name.v)
			continue
		}
		seen[name.v] = true
		item, before := levelOf{name: name}, len(d.problems)
		if item.level.decode(d, entry.Value, key+"."+name.v); len(d.problems) == before {
			l.items = append(l.items, item)
		}
	}
}

func unsupportedKind(n ast.Node) bool {
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		return true
	}
	return false
}

func (v *value[T]) isList() bool { return false }

// written reports whether the value stands in the file, in the section or item
// that begins at a place, be it right or wrong.
func (v *value[T]) written(within place) bool { return v.set || !v.same(within) }

func (v *value[T]) setDefault(text string, at place) {
	v.place, v.set = at, false
	if text != "" {
		_ = v.parse(text)
	}
}

func (v *value[T]) decode(d *decoder, n ast.Node, key string) {
	v.place, v.set = placeOf(n), true
	written, ok := scalarText(n)
	switch {
	case ok:
		if wrong := v.parse(written); wrong != "" {
			d.at(v.place, "%s: %s", key, wrong)
		}
	case unsupportedKind(n):
		d.unsupported(n)
	case n.Type() == ast.NullType:
		d.at(v.place, "%s has no value; write one or remove the key", key)
	case n.Type() == ast.MappingType || n.Type() == ast.MappingValueType:
		d.at(v.place, "%s must be a single value; put it in quotes if it contains a colon", key)
	default:
		d.at(v.place, "%s must be a single value; write it on one line", key)
	}
}

// scalarText is a scalar as it was written, so that an identifier made of
// digits needs no quotes and keeps its leading zeros.
func scalarText(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, !strings.Contains(n.Value, "\n")
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// parse reads a value from its text; the answer is empty or says what is wrong
// and what to write.
func (v *value[T]) parse(text string) (wrong string) {
	switch target := any(&v.v).(type) {
	case *string:
		*target = text
	case *bool:
		if text != "true" && text != "false" {
			return strconv.Quote(text) + " is neither true nor false; write true or false"
		}
		*target = text == "true"
	case *int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return strconv.Quote(text) + " is not a whole number; write for example 1"
		}
		*target = n
	case *float64:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return strconv.Quote(text) + " is not a number; write for example 1 or 0.5"
		}
		*target = n
	case *time.Duration:
		if _, err := strconv.ParseFloat(text, 64); err == nil && text != "0" {
			return strconv.Quote(text) + " has no unit; write for example " + text + "s"
		}
		t, err := time.ParseDuration(text)
		if err != nil {
			return strconv.Quote(text) + " is not a duration; write a number and a unit, for example 15s, 500ms or 1m30s"
		}
		*target = t
	}
	return ""
}

func placeOf(n ast.Node) place {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return placeOf(n.Values[0])
		}
		return placeOfToken(n.Start)
	case *ast.MappingValueNode:
		return placeOfToken(n.Key.GetToken())
	}
	return placeOfToken(n.GetToken())
}

func placeOfToken(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{}
	}
	return place{line: t.Position.Line, column: t.Position.Column}
}

// Closest is the known word that is meant by one that is not known; empty when none is like it.
func Closest(key string, known []string) string {
	best, distance := "", 3
	for _, k := range known {
		if d := editDistance(key, k); d < distance {
			best, distance = k, d
		}
	}
	return best
}

// editDistance is Levenshtein's: insertions, deletions and replacements.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
