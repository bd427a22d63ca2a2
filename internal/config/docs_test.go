package config

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hotline/internal/calendar"
	"hotline/internal/traffic"
)

func TestExampleLoads(t *testing.T) {
	cfg, err := Load(fixture(t, absolute(t, "../../deploy/hotline.example.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Seats) != 40 || len(cfg.Agents) != 40 {
		t.Errorf("got %d seats and %d agents, want 40 and 40", len(cfg.Seats), len(cfg.Agents))
	}
	// 365 days, less 104 at weekends and 13 public holidays by law.
	if got := cfg.Holidays["china"].WorkingDaysBetween(calendar.NewDay(2025, 12, 31), calendar.NewDay(2026, 12, 31)); got != 248 {
		t.Errorf("2026 has %d working days, want 248", got)
	}
}

// What these fall back to is another value, not a constant.
var fallBack = map[string]string{
	"queues.title": "the id", "partners.title": "the id", "not_ready_reasons.title": "the name",
	"queues.relax.level": "as before", "agents.wrap_up": "the queue's", "traffic.service_levels": "`[15s, 30s]`",
}

// row is a row of a table of keys in docs/configuration.md: key, default, meaning.
var row = regexp.MustCompile("(?m)^\\| `([a-z_.]+)` \\|[^|\n]*\\|[^|\n]*\\|$")

// TestReferenceIsOfTheCode makes the rows of the tables of docs/configuration.md from the
// structures: every key once, with its true default and the comment of its field. With
// -update it writes them; which table has a key is the document's choice.
func TestReferenceIsOfTheCode(t *testing.T) {
	const name = "../../docs/configuration.md"
	keys := describe(t, reflect.TypeFor[file](), "", meanings(t))
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	made := row.ReplaceAllFunc(text, func(old []byte) []byte {
		key := string(row.FindSubmatch(old)[1])
		switch want, known := keys[key]; {
		case !known:
			t.Errorf("%s explains %s, which is not a key: remove the row", name, key)
		case seen[key]:
			t.Errorf("%s explains %s twice", name, key)
		default:
			seen[key] = true
			return []byte(want)
		}
		return old
	})
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if !seen[key] {
			t.Errorf("%s does not explain %s: add the row | `%s` | | to the table where it belongs, and run make reference", name, key, key)
		}
	}
	switch {
	case string(made) == string(text):
	case *update:
		if err := os.WriteFile(name, made, 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is not what the code says; run make reference", name)
	}
}

// meanings are the comments of the fields in schema.go, by structure and field.
func meanings(t *testing.T) map[string]string {
	t.Helper()
	source, err := parser.ParseFile(token.NewFileSet(), "schema.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]string)
	for _, decl := range source.Decls {
		types, ok := decl.(*ast.GenDecl)
		if !ok || types.Tok != token.TYPE {
			continue
		}
		for _, spec := range types.Specs {
			named := spec.(*ast.TypeSpec)
			fields, ok := named.Type.(*ast.StructType)
			if !ok {
				continue
			}
			for _, field := range fields.Fields.List {
				for _, id := range field.Names {
					out[named.Name.Name+"."+id.Name] = strings.Join(strings.Fields(field.Doc.Text()), " ")
				}
			}
		}
	}
	return out
}

// TestReferenceNamesTheBounds holds what may be written against what is counted.
func TestReferenceNamesTheBounds(t *testing.T) {
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	var waits, shorts []string
	for _, s := range traffic.WaitBounds() {
		waits = append(waits, span(s))
	}
	for _, s := range traffic.ShortAbandonBounds() {
		shorts = append(shorts, span(s))
	}
	last := len(shorts) - 1
	for _, want := range []string{"any of " + strings.Join(waits, ", ") + ".", strings.Join(shorts[:last], ", ") + " or " + shorts[last] + "."} {
		if !strings.Contains(string(text), want) {
			t.Errorf("docs/configuration.md does not say %q", want)
		}
	}
}

// TestReferenceExamples reads the examples of docs/configuration.md, each of
// which is part of a file.
func TestReferenceExamples(t *testing.T) {
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllSubmatch(text, -1)
	if len(examples) == 0 {
		t.Error("there are no examples")
	}
	for _, example := range examples {
		problems := &collector{file: "example"}
		parse(&decoder{collector: problems}, example[1], &file{})
		for _, p := range problems.problems {
			if !strings.Contains(p.Text, " is missing; ") {
				t.Errorf("%v in\n%s", p, example[1])
			}
		}
	}
}

// describe makes the row of each key of a structure. Sections hold keys and are not values
// themselves.
func describe(t *testing.T, of reflect.Type, prefix string, meanings map[string]string) map[string]string {
	t.Helper()
	rows := make(map[string]string)
	for i := range of.NumField() {
		field := of.Field(i)
		key, ok := field.Tag.Lookup("yaml")
		if !ok {
			continue
		}
		key = prefix + key
		_, isValue := reflect.New(field.Type).Interface().(decodable)
		if isValue {
			meaning := meanings[of.Name()+"."+field.Name]
			if len(meaning) < 5 || strings.Contains(meaning, "|") {
				t.Errorf("schema.go: the comment of %s.%s, %q, does not explain %s", of.Name(), field.Name, meaning, key)
			}
			rows[key] = "| `" + key + "` | " + defaultOf(t, key, field.Tag) + " | " + meaning + " |"
		}
		switch items, isList := field.Type.FieldByName("items"); {
		case !isValue:
			maps.Copy(rows, describe(t, field.Type, key+".", meanings))
		case isList && items.Type.Elem().Kind() == reflect.Struct && items.Type.Elem() != reflect.TypeFor[text]():
			maps.Copy(rows, describe(t, items.Type.Elem(), key+".", meanings))
		}
	}
	return rows
}

func defaultOf(t *testing.T, key string, tag reflect.StructTag) string {
	t.Helper()
	constant := tag.Get("default")
	if other, given := fallBack[key]; given {
		if constant != "" {
			t.Errorf("%s has a constant default now", key)
		}
		return other
	}
	if _, needed := tag.Lookup("need"); needed {
		return "required"
	}
	if constant == "" {
		return "none"
	}
	return "`" + constant + "`"
}
