package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"reflect"
)

// ofMachine are the keys that belong to the machine of a controller and not to the site, at
// the top of the file and anywhere in it.
var ofMachine = map[string]bool{
	"http": true, "operations": true, "spool": true, "log": true, "tracing": true, "redis": true, "pin_file": true, "password_file": true, "seat_password_dir": true,
}

// Shared names, by a hash, what all controllers of a site are to have alike: all of the file
// but addresses to listen on, paths and the like, and however it is written.
func (c *Config) Shared() string {
	sum := sha256.New()
	outline(sum, reflect.ValueOf(c.raw).Elem(), "")
	return hex.EncodeToString(sum.Sum(nil)[:10])
}

// outline writes a line for each value, defaults included.
func outline(w io.Writer, v reflect.Value, prefix string) {
	for i := range v.NumField() {
		key, isKey := v.Type().Field(i).Tag.Lookup("yaml")
		if !isKey || ofMachine[key] {
			continue
		}
		field, name := v.Field(i), prefix+key
		switch items := field.FieldByName("items"); {
		case items.IsValid() && structured(items.Type().Elem()):
			for n := range items.Len() {
				outline(w, items.Index(n), fmt.Sprintf("%s.%d.", name, n))
			}
		case field.Addr().Type().Implements(reflect.TypeFor[decodable]()):
			fmt.Fprintf(w, "%s %q\n", name, shown(field))
		default:
			outline(w, field, name+".")
		}
	}
}
