package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Changes says in sentences such as "queue general: wrap_up 30s → 45s" what other holds
// other than c, which are as Load or Instead have made them. Defaults that are written out
// are no change. Secrets are never told, only that they are others.
func (c *Config) Changes(other *Config) []string {
	var d differences
	d.structure(reflect.ValueOf(c.raw).Elem(), reflect.ValueOf(other.raw).Elem(), "", "")
	pins := func(cfg *Config) map[string]Secret {
		set := make(map[string]Secret)
		for _, a := range cfg.Agents {
			if a.PIN.IsSet() {
				set[string(a.ID)] = a.PIN
			}
		}
		return set
	}
	if !maps.Equal(pins(c), pins(other)) {
		d = append(d, "PINs of agents")
	}
	return d
}

// differences are what has been found so far.
type differences []string

// note adds a sentence; where is "" or ends with a colon and a blank.
func (d *differences) note(where, format string, args ...any) {
	*d = append(*d, where+fmt.Sprintf(format, args...))
}

// itemNames name one item of each list, for people.
var itemNames = map[string]string{
	"entries": "number", "queues": "queue", "seats": "seat", "agents": "agent", "partners": "partner", "calendars": "calendar",
	"holidays": "holidays", "not_ready_reasons": "reason", "nodes": "node", "trunks": "trunk", "days": "day", "exceptions": "exception",
}

// structure compares two sections, or two items of a list. key is "" or ends with a dot.
func (d *differences) structure(was, is reflect.Value, where, key string) {
	for i := range was.NumField() {
		name, isKey := was.Type().Field(i).Tag.Lookup("yaml")
		if !isKey {
			continue
		}
		a, b := was.Field(i), is.Field(i)
		switch items := a.FieldByName("items"); {
		case items.IsValid() && structured(items.Type().Elem()):
			d.items(items, b.FieldByName("items"), where, key, name)
		case a.Addr().Type().Implements(reflect.TypeFor[decodable]()):
			if before, after := shown(a), shown(b); before != after {
				d.note(where, "%s %s → %s", key+name, before, after)
			}
		default:
			d.structure(a, b, where, key+name+".")
		}
	}
}

// structured reports whether the items of a list have keys of their own.
func structured(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !reflect.PointerTo(t).Implements(reflect.TypeFor[decodable]()) && t != reflect.TypeFor[levelOf]()
}

// items compares lists, item by item: those that have a name by their names, others by
// where they stand.
func (d *differences) items(was, is reflect.Value, where, key, list string) {
	before, names := named(was, key+list)
	after, order := named(is, key+list)
	for _, name := range names {
		if _, still := after[name]; !still {
			d.note(where, "%s removed", name)
		}
	}
	for _, name := range order {
		if a, there := before[name]; there {
			d.structure(a, after[name], where+name+": ", "")
		} else {
			d.note(where, "%s added", name)
		}
	}
	both := func(names []string, in map[string]reflect.Value) []string {
		return slices.DeleteFunc(slices.Clone(names), func(n string) bool { _, there := in[n]; return !there })
	}
	if !slices.Equal(both(names, after), both(order, before)) {
		d.note(where, "%s in another order", key+list)
	}
}

// named are the items of a list by name, and the names in order.
func named(list reflect.Value, key string) (items map[string]reflect.Value, names []string) {
	items = make(map[string]reflect.Value)
	what, known := itemNames[key[strings.LastIndex(key, ".")+1:]]
	if !known {
		what = key
	}
	for i := range list.Len() {
		name := fmt.Sprintf("%s %d", what, i+1)
		for _, of := range []string{"ID", "Range", "Number", "Name", "Day"} {
			if f := list.Index(i).FieldByName(of); f.IsValid() && f.FieldByName("set").Bool() {
				name = what + " " + f.FieldByName("v").String()
				break
			}
		}
		items[name] = list.Index(i)
		names = append(names, name)
	}
	return items, names
}

// shown is a value, a list of values or of levels as one would write it.
func shown(v reflect.Value) string {
	if items := v.FieldByName("items"); items.IsValid() {
		var parts []string
		for i := range items.Len() {
			item := items.Index(i)
			if name := item.FieldByName("name"); name.IsValid() {
				parts = append(parts, shown(name)+" "+shown(item.FieldByName("level")))
			} else {
				parts = append(parts, shown(item))
			}
		}
		if slices.Sort(parts); v.Type() != reflect.TypeFor[levels]() {
			parts = parts[:0]
			for i := range items.Len() {
				parts = append(parts, shown(items.Index(i)))
			}
		}
		if len(parts) == 0 {
			return "none"
		}
		return strings.Join(parts, ", ")
	}
	switch v = v.FieldByName("v"); v.Kind() {
	case reflect.String:
		if v.String() == "" {
			return "none"
		}
		return v.String()
	case reflect.Int64:
		return PlainDuration(time.Duration(v.Int()))
	case reflect.Int:
		return fmt.Sprint(v.Int())
	case reflect.Float64:
		return fmt.Sprint(v.Float())
	default:
		return fmt.Sprint(v.Bool())
	}
}
