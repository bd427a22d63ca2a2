package httpapi

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/goccy/go-yaml"
)

//go:embed docs.html
var docsHTML string

//go:embed docs.css
var docsCSS string

// docsPolicy lets the page have its own style, and nothing else: no script, no picture, no
// other host.
var docsPolicy = sync.OnceValue(func() string {
	return "default-src 'none'; style-src " + hashSource([]byte(docsCSS)) + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
})

// hashSource is how a policy names a style that stands in the page.
func hashSource(style []byte) string {
	sum := sha256.Sum256(style)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

var docsPage = sync.OnceValues(func() ([]byte, error) {
	var root yaml.MapSlice
	if err := yaml.UnmarshalWithOptions(openAPI, &root, yaml.UseOrderedMap()); err != nil {
		return nil, fmt.Errorf("the API's document: %w", err)
	}
	page, err := template.New("docs").Funcs(template.FuncMap{"prose": prose}).Parse(docsHTML)
	if err != nil {
		return nil, fmt.Errorf("the page of the API's document: %w", err)
	}
	var out bytes.Buffer
	if err := page.Execute(&out, docsOf(root)); err != nil {
		return nil, fmt.Errorf("the page of the API's document: %w", err)
	}
	return out.Bytes(), nil
})

// docs shows the API's document to people, with what a browser has by itself.
func (a *api) docs(w http.ResponseWriter, r *http.Request) error {
	data, err := docsPage()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Security-Policy", docsPolicy())
	w.Header().Set("Referrer-Policy", "no-referrer")
	return writeDocument(w, r, "text/html; charset=utf-8", data)
}

// What the template shows.
type (
	docsView struct {
		Title, Summary, About string
		Style                 template.CSS
		Sections              []docsSection
		Schemes, Schemas      []docsSchema
		Problems              []docsAnswer // that many operations share
	}
	docsSection struct {
		Name, About string
		Operations  []docsOperation
	}
	docsOperation struct {
		ID, Method, Path, Summary, About string
		Needs                            string
		Parameters, Body                 []docsField
		BodyRequired                     bool
		BodyExamples                     []string
		Answers                          []docsAnswer
	}
	docsAnswer struct {
		Status, About, Shared, Schema, Example string
		Codes                                  []string
		Fields                                 []docsField
	}
	docsField struct {
		Name, Type, Schema, About, In string
		Required                      bool
	}
	docsSchema struct {
		Name, About, Example string
		Fields               []docsField
	}
)

func docsOf(root yaml.MapSlice) docsView {
	v := docsView{
		Title: text(root, "info", "title"), Summary: text(root, "info", "summary"), About: text(root, "info", "description"),
		Style: template.CSS(docsCSS), // embedded, nobody's input
	}
	for _, tag := range list(at(root, "tags")) {
		v.Sections = append(v.Sections, docsSection{Name: text(tag, "name"), About: text(tag, "description")})
	}
	for _, path := range items(at(root, "paths")) {
		for _, method := range items(path.Value) {
			op := operationOf(root, fmt.Sprint(method.Key), fmt.Sprint(path.Key), method.Value)
			tag := fmt.Sprint(list(at(method.Value, "tags"))[0])
			i := slices.IndexFunc(v.Sections, func(s docsSection) bool { return s.Name == tag })
			v.Sections[i].Operations = append(v.Sections[i].Operations, op)
		}
	}
	for _, s := range items(at(root, "components", "securitySchemes")) {
		v.Schemes = append(v.Schemes, docsSchema{Name: fmt.Sprint(s.Key), About: text(s.Value, "description")})
	}
	for _, r := range items(at(root, "components", "responses")) {
		v.Problems = append(v.Problems, answerOf(root, fmt.Sprint(r.Key), r.Value))
	}
	for _, s := range items(at(root, "components", "schemas")) {
		view := docsSchema{Name: fmt.Sprint(s.Key), About: text(s.Value, "description"), Fields: fieldsOf(s.Value)}
		if enum := list(at(s.Value, "enum")); len(enum) > 0 {
			view.About += ": " + joined(enum)
		}
		if examples := list(at(s.Value, "examples")); len(examples) > 0 {
			view.Example = pretty(examples[0])
		}
		v.Schemas = append(v.Schemas, view)
	}
	return v
}

func operationOf(root any, method, path string, node any) docsOperation {
	op := docsOperation{
		ID: text(node, "operationId"), Method: strings.ToUpper(method), Path: path, Summary: text(node, "summary"), About: text(node, "description"),
		Needs: needsOf(node), BodyRequired: at(node, "requestBody", "required") == true,
	}
	for _, p := range list(at(node, "parameters")) {
		if ref := text(p, "$ref"); ref != "" {
			p = at(root, "components", "parameters", lastOf(ref))
		}
		f := docsField{Name: text(p, "name"), In: text(p, "in"), Type: typeOf(at(p, "schema")), About: text(p, "description"), Required: at(p, "required") == true}
		op.Parameters = append(op.Parameters, f)
	}
	content := at(node, "requestBody", "content", "application/json")
	op.Body = fieldsOf(at(content, "schema"))
	for _, e := range items(at(content, "examples")) {
		op.BodyExamples = append(op.BodyExamples, compact(at(e.Value, "value")))
	}
	for _, r := range items(at(node, "responses")) {
		op.Answers = append(op.Answers, answerOf(root, fmt.Sprint(r.Key), r.Value))
	}
	return op
}

// needsOf says what one needs: each way suffices.
func needsOf(node any) string {
	var needs []string
	for _, line := range list(at(node, "security")) {
		var by, permissions []string
		for _, scheme := range items(line) {
			by = append(by, fmt.Sprint(scheme.Key))
			for _, p := range list(scheme.Value) {
				permissions = append(permissions, "`"+fmt.Sprint(p)+"`")
			}
		}
		way := strings.Join(by, " and ")
		if len(permissions) > 0 {
			way += " with " + strings.Join(permissions, ", ")
		}
		needs = append(needs, "- "+way)
	}
	return strings.Join(needs, "\n")
}

func answerOf(root any, status string, node any) docsAnswer {
	a := docsAnswer{Status: status}
	if ref := text(node, "$ref"); ref != "" {
		a.Shared = lastOf(ref)
		node = at(root, "components", "responses", a.Shared)
	}
	a.About = text(node, "description")
	for _, media := range items(at(node, "content")) {
		schema := at(media.Value, "schema")
		a.Schema, a.Fields = lastOf(text(schema, "$ref")), fieldsOf(schema)
		if example := at(media.Value, "example"); example != nil {
			a.Example = pretty(example)
		}
		for _, part := range list(at(schema, "allOf")) {
			for _, code := range list(at(part, "properties", "code", "enum")) {
				a.Codes = append(a.Codes, fmt.Sprint(code))
			}
		}
		if len(a.Codes) > 0 {
			a.Fields = nil
		}
	}
	return a
}

func fieldsOf(schema any) (fields []docsField) {
	for _, part := range list(at(schema, "allOf")) {
		if ref := text(part, "$ref"); ref != "" {
			fields = append(fields, docsField{Name: "…", Type: "all of", Schema: lastOf(ref), Required: true})
		}
		fields = append(fields, fieldsOf(part)...)
	}
	required := list(at(schema, "required"))
	for _, p := range items(at(schema, "properties")) {
		f := docsField{Name: fmt.Sprint(p.Key), Type: typeOf(p.Value), About: text(p.Value, "description"), Required: slices.Contains(required, any(p.Key))}
		for _, of := range append([]any{p.Value, at(p.Value, "items")}, list(at(p.Value, "anyOf"))...) {
			if ref := text(of, "$ref"); ref != "" && f.Schema == "" {
				f.Schema = lastOf(ref)
			}
		}
		fields = append(fields, f)
		if text(p.Value, "type") == "object" {
			for _, inner := range fieldsOf(p.Value) {
				inner.Name = f.Name + "." + inner.Name
				fields = append(fields, inner)
			}
		}
	}
	return fields
}

// typeOf says in words what a schema takes; what it refers to is named beside.
func typeOf(schema any) string {
	var words []string
	switch t := at(schema, "type").(type) {
	case string:
		words = append(words, t)
	case []any:
		words = append(words, strings.ReplaceAll(joined(t), ", ", " or "))
	}
	if format := text(schema, "format"); format != "" {
		words = append(words, format)
	}
	if enum := list(at(schema, "enum")); len(enum) > 0 {
		words = append(words, "one of "+joined(enum))
	}
	if c := at(schema, "const"); c != nil {
		words = append(words, "always "+fmt.Sprint(c))
	}
	for _, bound := range []struct{ key, word string }{{"minimum", "at least"}, {"maximum", "at most"}, {"default", "otherwise"}} {
		if n := at(schema, bound.key); n != nil && fmt.Sprint(n) != "0" {
			words = append(words, bound.word+" "+fmt.Sprint(n))
		}
	}
	if inner := at(schema, "items"); inner != nil && text(inner, "type") != "" {
		words = append(words, "of "+typeOf(inner))
	}
	return strings.Join(words, ", ")
}

// at walks into mappings; nil where there is nothing.
func at(node any, keys ...string) any {
	for _, key := range keys {
		i := slices.IndexFunc(items(node), func(m yaml.MapItem) bool { return fmt.Sprint(m.Key) == key })
		if i < 0 {
			return nil
		}
		node = items(node)[i].Value
	}
	return node
}

func text(node any, keys ...string) string {
	s, _ := at(node, keys...).(string)
	return s
}

func items(node any) yaml.MapSlice {
	m, _ := node.(yaml.MapSlice)
	return m
}

func list(node any) []any {
	l, _ := node.([]any)
	return l
}

func joined(values []any) string {
	var words []string
	for _, v := range values {
		words = append(words, fmt.Sprint(v))
	}
	return strings.Join(words, ", ")
}

func lastOf(ref string) string { return ref[strings.LastIndex(ref, "/")+1:] }

// compact writes an example as JSON, in the order of the document.
func compact(node any) string {
	data, err := yaml.MarshalWithOptions(node, yaml.JSON())
	if err != nil {
		return err.Error() // cannot be met: it was read from YAML
	}
	return strings.TrimSpace(string(data))
}

func pretty(node any) string {
	value := jsontext.Value(compact(node))
	if err := value.Indent(jsontext.WithIndent("  ")); err != nil {
		return string(value)
	}
	return string(value)
}

// prose shows what descriptions are written in: paragraphs, lists, `code` and **strong**.
func prose(markdown string) template.HTML {
	var out strings.Builder
	for block := range strings.SplitSeq(strings.TrimSpace(markdown), "\n\n") {
		points := strings.Split("\n"+block, "\n- ")
		out.WriteString(paragraph("p", points[0]))
		if len(points) > 1 {
			out.WriteString("<ul>")
			for _, point := range points[1:] {
				out.WriteString(paragraph("li", point))
			}
			out.WriteString("</ul>")
		}
	}
	return template.HTML(out.String()) // every text was escaped
}

func paragraph(tag, words string) string {
	words = template.HTMLEscapeString(strings.TrimSpace(words))
	if words == "" {
		return ""
	}
	for _, mark := range []struct{ sign, tag string }{{"**", "strong"}, {"`", "code"}} {
		parts := strings.Split(words, mark.sign)
		for i := 1; i+1 < len(parts); i += 2 {
			parts[i] = "<" + mark.tag + ">" + parts[i] + "</" + mark.tag + ">"
		}
		words = strings.Join(parts, "")
	}
	return "<" + tag + ">" + words + "</" + tag + ">"
}
