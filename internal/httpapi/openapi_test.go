package httpapi_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	openapierrors "github.com/pb33f/libopenapi-validator/errors"

	"hotline/internal/access"
	"hotline/internal/httpapi"
)

// document is what the tests read of openapi.json themselves; everything else is the
// validator's business.
type document struct {
	OpenAPI string
	Paths   map[string]map[string]operation
}

type operation struct {
	OperationID, Summary, Description string
	Tags                              []string
	Security                          []map[string][]string
	WithExpired                       bool `json:"x-with-expired-password"`
	RequestBody                       *struct {
		Required bool
		Content  map[string]struct {
			Schema   map[string]any
			Examples map[string]struct{ Value json.RawMessage }
		}
	}
	Responses map[string]struct {
		Ref     string `json:"$ref"`
		Content map[string]struct{ Schema any }
	}
}

// served is the document as clients get it, and a validator made of it. Beyond what the
// schemas demand, the validator refuses properties that they do not mention.
var served = sync.OnceValues(func() (document, validator.Validator) {
	var d document
	data := get("/api/v1/openapi.json")
	if err := json.Unmarshal(data, &d); err != nil {
		panic(err)
	}
	parsed, err := libopenapi.NewDocument(data)
	if err != nil {
		panic(err)
	}
	v, errs := validator.NewValidator(parsed, config.WithFormatAssertions(), config.WithoutSecurityValidation(), config.WithStrictMode(),
		// The names of figures, queues and skills are a site's own.
		config.WithStrictIgnorePaths("$.body.site.**", "$.body.queues.*", "$.body.queues.*.**", "$.body.skills.*", "$.body.levels.*",
			"$.body.agents[*].skills.*", "$.body.agents[*].levels.*",
			"$.body.figures.**", "$.body.**.figures.**", "$.body.**.changes.**", "$.body.agents[*].counters.*"),
		config.WithStrictIgnoredHeadersExtra("Allow", "Etag", "Authorization", "Cache-Control", "X-Accel-Buffering", "Content-Security-Policy", "Cookie", "Referrer-Policy", "Origin", "Retry-After",
			"Sec-Fetch-Site", "Set-Cookie", "User-Agent", "Www-Authenticate", "X-Content-Type-Options", "X-Csrf-Token"))
	if len(errs) > 0 {
		panic(errs)
	}
	return d, v
})

// get asks without a login and without being held to the document.
func get(path string) []byte {
	w := httptest.NewRecorder()
	httpapi.New(httpapi.Options{Control: &desk{}}).ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	if w.Code != http.StatusOK {
		panic(fmt.Sprint(path, ": ", w.Code, " ", w.Body))
	}
	return w.Body.Bytes()
}

// exchange is a request and its answer.
type exchange struct {
	method, path, route string
	request             []byte
	status              int
	header              http.Header
	answer              []byte
	// invented: the test lets the engine refuse with a code that it would not have here.
	invented bool
}

// noted are the exchanges of all tests with /api/v1. They are looked at when the tests
// are over, outside of the bubbles of virtual time.
var noted struct {
	sync.Mutex
	seen map[string]bool
	all  []exchange
}

// noting notes what a handler answers.
func noting(d *desk, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body []byte
		if r.Body != nil {
			body, _ = io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		path := r.URL.RequestURI()
		into := &copied{ResponseWriter: w}
		h.ServeHTTP(into, r)
		_, route, _ := strings.Cut(r.Pattern, "/")
		e := exchange{r.Method, path, "/" + route, body, into.status, w.Header().Clone(), into.body.Bytes(), d.refusal != nil}
		if !strings.HasPrefix(path, "/api/v1/") || r.Method == http.MethodHead {
			return
		}
		noted.Lock()
		defer noted.Unlock()
		if noted.seen == nil {
			noted.seen = make(map[string]bool)
		}
		if key := fmt.Sprint(e.method, e.route, e.status, e.header.Get("Content-Type"), e.invented, instances.ReplaceAllString(string(e.answer), "")); !noted.seen[key] {
			noted.seen[key] = true
			noted.all = append(noted.all, e)
		}
	})
}

var instances = regexp.MustCompile(`urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)

type copied struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (c *copied) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

func (c *copied) Write(p []byte) (int, error) {
	if c.status == 0 {
		c.status = http.StatusOK
	}
	c.body.Write(p)
	return c.ResponseWriter.Write(p)
}

func (c *copied) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// conformance runs the tests, and then holds what they have noted to the document.
type conformance struct{ m *testing.M }

func (c conformance) Run() int {
	code := c.m.Run()
	if list := flag.Lookup("test.list"); list != nil && list.Value.String() != "" {
		return code
	}
	problems, answered := 0, make(map[string]bool)
	d, _ := served()
	for _, e := range noted.all {
		if err := e.conforms(); err != nil {
			if problems++; problems <= 20 {
				fmt.Fprintf(os.Stderr, "--- not as the document says: %s %s, %d %s\n    %v\n", e.method, e.path, e.status, e.answer, err)
			}
		}
		if e.status < 300 || e.status == http.StatusSeeOther {
			answered[e.method+" "+e.route] = true
		}
	}
	// What no test gets an answer from is not held to anything.
	if whole := flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.skip").Value.String() == ""; whole {
		for path, of := range d.Paths {
			for method := range of {
				if route := strings.ToUpper(method) + " " + path; !answered[route] {
					problems++
					fmt.Fprintln(os.Stderr, "--- no test has a good answer of", route)
				}
			}
		}
	}
	if testing.Verbose() {
		fmt.Printf("%d different answers held to the document, %d are not as it says\n", len(noted.all), problems)
	}
	if problems > 0 {
		fmt.Fprintln(os.Stderr, "FAIL:", problems, "deviations from internal/httpapi/openapi.yaml")
		return max(code, 1)
	}
	return code
}

// conforms says where an answer is not as the document has it.
func (e exchange) conforms() error {
	d, v := served()
	_, documented := d.Paths[e.route][strings.ToLower(e.method)]
	switch {
	case !documented && (e.status == 404 || e.status == 405 || e.status == 401 || e.status == 403), e.invented && e.status >= 400:
		return e.problem() // of a path or method that does not exist, or of no operation in particular
	case !documented:
		return fmt.Errorf("%s %s is not in the document", e.method, e.route)
	}
	if e.route == "/api/v1/openapi.json" && e.status == 200 {
		return nil // it is valid by TestDocumentIsValid
	}
	// The validator does not know that a segment may hold an escaped slash.
	r := httptest.NewRequest(e.method, pathOf(e.route), nil)
	answer := &http.Response{StatusCode: e.status, Header: e.header, Body: io.NopCloser(bytes.NewReader(e.answer)), Request: r}
	if _, errs := v.ValidateHttpResponse(r, answer); len(errs) > 0 {
		return words(errs)
	}
	if e.status >= 400 {
		return e.problem()
	}
	return nil
}

// problem checks what all problems have.
func (e exchange) problem() error {
	var p struct {
		Type, Title, Detail, Code, Instance string
		Status                              int
	}
	if err := json.Unmarshal(e.answer, &p); err != nil {
		return err
	}
	if p.Type == "" || p.Title == "" || p.Detail == "" || p.Code == "" || !instances.MatchString(p.Instance) || p.Status != e.status || e.header.Get("Content-Type") != "application/problem+json" {
		return fmt.Errorf("no whole problem: %+v", p)
	}
	return nil
}

func words(errs []*openapierrors.ValidationError) error {
	var lines []string
	for _, err := range errs {
		lines = append(lines, err.Message+": "+err.Reason)
		for _, s := range err.SchemaValidationErrors {
			lines = append(lines, "  at "+s.FieldPath+": "+s.Reason)
		}
	}
	return fmt.Errorf("%s", strings.Join(lines, "\n    "))
}

func pathOf(pattern string) string {
	if strings.HasPrefix(pattern, "/api/v1/calls/") {
		return strings.Replace(pattern, "{id}", "c1", 1)
	}
	return strings.NewReplacer("{id}", "1001", "{name}", "li.si", "{day}", "2026-11-24", "{month}", "2026-11", "{year}", "2026", "{version}", oldVersion).Replace(pattern)
}

func TestDocumentIsValid(t *testing.T) {
	d, v := served()
	if ok, errs := v.ValidateDocument(); !ok {
		t.Error(words(errs))
	}
	if !strings.HasPrefix(d.OpenAPI, "3.1.") {
		t.Errorf("OpenAPI %s", d.OpenAPI)
	}
	ids := make(map[string]string)
	for path, of := range d.Paths {
		for method, op := range of {
			if op.OperationID == "" || op.Summary == "" || op.Description == "" || len(op.Tags) != 1 || op.Security == nil {
				t.Errorf("%s %s lacks an id, summary, description, tag or security: %+v", method, path, op)
			}
			if other := ids[op.OperationID]; other != "" {
				t.Errorf("%s %s has the id of %s", method, path, other)
			}
			ids[op.OperationID] = method + " " + path
		}
	}
}

// sessionsOnly are routes that no token gets anything from, whatever its scopes.
var sessionsOnly = []string{"/api/v1/sessions", "/api/v1/sessions/{id}", "/api/v1/me/password", "/api/v1/logout"}

// The document has the routes of the code, each with what one needs for it.
func TestDocumentHasTheRoutesAndTheirNeeds(t *testing.T) {
	d, _ := served()
	left := make(map[string]operation)
	for path, of := range d.Paths {
		for method, op := range of {
			left[strings.ToUpper(method)+" "+path] = op
		}
	}
	take := func(route string) operation {
		op, ok := left[route]
		if !ok {
			t.Errorf("%s is not in the document", route)
		}
		delete(left, route)
		return op
	}
	for _, route := range httpapi.OpenRoutes() {
		if op := take(route); len(op.Security) != 0 {
			t.Errorf("%s is open, and the document wants %v", route, op.Security)
		}
	}
	for _, route := range httpapi.Routes() {
		op := take(route.Method + " " + route.Pattern)
		if want := securityOf(route); !reflect.DeepEqual(op.Security, want) {
			t.Errorf("%s %s needs %v, and the document wants %v", route.Method, route.Pattern, want, op.Security)
		}
		if op.WithExpired != route.Expired {
			t.Errorf("%s %s with an expired password: %v, and the document says %v", route.Method, route.Pattern, route.Expired, op.WithExpired)
		}
	}
	for route := range left {
		t.Errorf("%s is in the document only", route)
	}
}

// securityOf is what a route needs as OpenAPI says it: each line suffices.
func securityOf(route httpapi.Route) []map[string][]string {
	session := func(permissions []string) map[string][]string {
		line := map[string][]string{"session": permissions}
		if route.Method != http.MethodGet {
			line["csrf"] = []string{}
		}
		return line
	}
	all, token := []string{}, !slices.Contains(sessionsOnly, route.Pattern)
	for _, p := range route.All {
		all = append(all, string(p))
		token = token && slices.Contains(access.Scopes(), p)
	}
	if len(route.Any) > 0 {
		var each []map[string][]string
		for _, p := range route.Any {
			each = append(each, session([]string{string(p)}))
			if slices.Contains(access.Scopes(), p) {
				each = append(each, map[string][]string{"bearer": {string(p)}})
			}
		}
		return each
	}
	security := []map[string][]string{session(all)}
	if route.Self {
		security = append(security, session([]string{string(access.ActAsAgent)}))
	}
	if token {
		security = append(security, map[string][]string{"bearer": all})
	}
	return security
}

// The names of permissions, scopes and roles in the document are those of the code.
func TestDocumentNamesPermissionsAndRoles(t *testing.T) {
	var d struct {
		Components struct {
			Schemas map[string]struct{ Enum []string }
		}
	}
	if err := json.Unmarshal(get("/api/v1/openapi.json"), &d); err != nil {
		t.Fatal(err)
	}
	var permissions, scopes, roles []string
	for _, rule := range access.Rules {
		permissions = append(permissions, string(rule.Permission))
	}
	for _, s := range access.Scopes() {
		scopes = append(scopes, string(s))
	}
	for _, r := range access.Roles {
		roles = append(roles, string(r))
	}
	for name, want := range map[string][]string{"Permission": permissions, "Scope": scopes, "Role": roles} {
		got := slices.Sorted(slices.Values(d.Components.Schemas[name].Enum))
		if slices.Sort(want); !slices.Equal(got, want) {
			t.Errorf("%s: the document has %v, the code %v", name, got, want)
		}
	}
}

// codesElsewhere are answered outside of the document's operations: by paths and
// methods that do not exist, by /readyz, and by commands that are no requests.
var codesElsewhere = []string{"unknown_path", "method_not_allowed", "not_ready", "session_exists", "no_admin"}

// Every code with which the source refuses is in the document, and none else.
func TestDocumentHasTheCodesOfTheSource(t *testing.T) {
	inSource := make(map[string]bool)
	refusal := regexp.MustCompile(`(?:refuse\((?:\w+, )?|refused\([\w.]+, |Code: )"([a-z_]+)"`)
	for _, folder := range []string{".", "../access", "../acd"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil || len(files) < 5 {
			t.Fatal(files, err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			source, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range refusal.FindAllStringSubmatch(string(source), -1) {
				inSource[m[1]] = true
			}
		}
	}
	var whole any
	if err := json.Unmarshal(get("/api/v1/openapi.json"), &whole); err != nil {
		t.Fatal(err)
	}
	inDocument := make(map[string]bool)
	collectCodes(whole, inDocument)
	if len(inDocument) < 50 {
		t.Errorf("only %d codes in the document", len(inDocument))
	}
	for _, code := range codesElsewhere {
		if !inSource[code] || inDocument[code] {
			t.Errorf("%s: in the source %v, in the document %v", code, inSource[code], inDocument[code])
		}
		delete(inSource, code)
	}
	for code := range inSource {
		if !inDocument[code] {
			t.Errorf("%s is not in the document", code)
		}
	}
	for code := range inDocument {
		if !inSource[code] {
			t.Errorf("%s is in the document only", code)
		}
	}
}

// collectCodes finds {"code": {"enum": […]}} anywhere.
func collectCodes(in any, codes map[string]bool) {
	switch in := in.(type) {
	case map[string]any:
		if code, ok := in["code"].(map[string]any); ok {
			if list, ok := code["enum"].([]any); ok {
				for _, c := range list {
					codes[fmt.Sprint(c)] = true
				}
			}
		}
		for _, v := range in {
			collectCodes(v, codes)
		}
	case []any:
		for _, v := range in {
			collectCodes(v, codes)
		}
	}
}

// The document and its page are for everybody, the page with nothing but its own style.
func TestDocumentIsOpenToAll(t *testing.T) {
	h := newHouse(t)
	for path, media := range map[string]string{"/api/v1/openapi.json": "application/json", "/api/v1/openapi.yaml": "application/yaml", "/api/v1/docs": "text/html; charset=utf-8"} {
		w := visitor{house: h}.ask("GET", path, "")
		if w.Code != 200 || w.Header().Get("Content-Type") != media || w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Body.Len() < 10_000 {
			t.Errorf("%s: %d %v, %d bytes", path, w.Code, w.Header(), w.Body.Len())
		}
		wantProblem(t, visitor{house: h}.ask("POST", path, ""), 405, "method_not_allowed")
	}
}

func TestPageOfTheDocument(t *testing.T) {
	w := visitor{house: newHouse(t)}.ask("GET", "/api/v1/docs", "")
	page, policy := w.Body.String(), w.Header().Get("Content-Security-Policy")
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(page)
	if len(style) != 2 {
		t.Fatal("no style")
	}
	sum := sha256.Sum256([]byte(style[1]))
	if !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
		t.Errorf("the policy does not let the page have its style: %s", policy)
	}
	for _, foreign := range []string{"<script", "<img", "<link", "<iframe", "@import", "url(", "http://", "https://", "style=", "onclick", "ZgotmplZ", "%!", "<nil>", "map["} {
		if strings.Contains(page, foreign) {
			t.Errorf("the page has %q", foreign)
		}
	}
	ids := make(map[string]bool)
	for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if ids[m[1]] {
			t.Errorf("the id %s is there twice", m[1])
		}
		ids[m[1]] = true
	}
	for _, m := range regexp.MustCompile(` href="#([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if !ids[m[1]] {
			t.Errorf("a link leads to %s, which is not there", m[1])
		}
	}
	d, _ := served()
	for path, of := range d.Paths {
		for method, op := range of {
			if !ids[op.OperationID] || !strings.Contains(page, path) {
				t.Errorf("%s %s is not on the page", method, path)
			}
		}
	}
}

// What changes seldom is not sent again to who has it.
func TestUnchangedIsNotSentAgain(t *testing.T) {
	d, _ := served()
	h := newHouse(t)
	boss := h.user("boss", access.Admin, "")
	ask := func(path, tag string) *httptest.ResponseRecorder {
		r := boss.request("GET", path, "")
		if tag != "" {
			r.Header.Set("If-None-Match", tag)
		}
		w := httptest.NewRecorder()
		h.api.ServeHTTP(w, r)
		return w
	}
	tagged := 0
	for path, of := range d.Paths {
		if _, says := of["get"].Responses["304"]; !says {
			continue
		}
		tagged++
		path = pathOf(path)
		tag := ask(path, "").Header().Get("ETag")
		if !regexp.MustCompile(`^(W/)?"[\w-]{20}"$`).MatchString(tag) || tag != ask(path, "").Header().Get("ETag") {
			t.Errorf("%s: the tag is %q", path, tag)
		}
		strong := strings.TrimPrefix(tag, "W/")
		for _, same := range []string{tag, strong, "W/" + strong, `"other", ` + tag, "*"} {
			if w := ask(path, same); w.Code != 304 || w.Body.Len() > 0 || w.Header().Get("ETag") != tag {
				t.Errorf("%s with %s: %d %s", path, same, w.Code, w.Body)
			}
		}
		if w := ask(path, `"other"`); w.Code != 200 || w.Body.Len() == 0 {
			t.Errorf("%s with another tag: %d", path, w.Code)
		}
	}
	if tagged != 11 {
		t.Errorf("%d routes have a tag by the document", tagged)
	}
	before := ask("/api/v1/users", "").Header().Get("ETag")
	h.put(access.User{Name: "li.si", Role: access.Ops, Password: "none", Created: noon})
	if w := ask("/api/v1/users", before); w.Code != 200 || w.Header().Get("ETag") == before {
		t.Errorf("a new user is not seen: %d", w.Code)
	}
}

// The examples of answers are as the schemas say.
func TestExamplesOfAnswersConform(t *testing.T) {
	var d struct {
		Paths map[string]map[string]struct {
			Responses map[string]struct {
				Content map[string]struct{ Example json.RawMessage }
			}
		}
		Components struct {
			Schemas map[string]struct{ Examples []json.RawMessage }
		}
	}
	if err := json.Unmarshal(get("/api/v1/openapi.json"), &d); err != nil {
		t.Fatal(err)
	}
	n := 0
	for path, of := range d.Paths {
		for method, op := range of {
			for status, response := range op.Responses {
				for media, content := range response.Content {
					if content.Example == nil {
						continue
					}
					n++
					e := exchange{method: strings.ToUpper(method), route: path, header: http.Header{"Content-Type": {media}}, answer: content.Example}
					if _, err := fmt.Sscan(status, &e.status); err != nil {
						t.Fatal(err)
					}
					if _, tagged := op.Responses["304"]; tagged {
						e.header.Set("ETag", `"x"`)
					}
					if err := e.conforms(); err != nil {
						t.Errorf("%s %s: %v", method, path, err)
					}
				}
			}
		}
	}
	for path, schema := range map[string]string{
		"/api/v1/snapshot": "Snapshot", "/api/v1/queues/{id}": "Queue", "/api/v1/agents/{id}": "Agent", "/api/v1/calls/{id}": "Call",
		"/api/v1/emergency": "Emergency", "/api/v1/traffic/today": "Day", "/api/v1/traffic/board": "Board", "/api/v1/me": "Me", "/api/v1/users/{name}": "User",
	} {
		for _, example := range d.Components.Schemas[schema].Examples {
			n++
			if err := (exchange{method: "GET", route: path, status: 200, header: http.Header{"Content-Type": {"application/json"}, "Etag": {`"x"`}}, answer: example}).conforms(); err != nil {
				t.Errorf("%s: %v", schema, err)
			}
		}
	}
	if n < 20 {
		t.Errorf("only %d examples", n)
	}
}

// variants are bodies made of a good one: each field with another type, empty, in other
// letters, twice or missing; a field more; no object at all.
func variants(t *testing.T, good []byte, fields []string) (bodies []string) {
	t.Helper()
	var body map[string]json.RawMessage
	if err := json.Unmarshal(good, &body); err != nil {
		t.Fatal(err)
	}
	with := func(change func(map[string]json.RawMessage)) {
		b := maps.Clone(body)
		change(b)
		data, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, string(data))
	}
	with(func(map[string]json.RawMessage) {})
	with(func(b map[string]json.RawMessage) { b["colour"] = json.RawMessage(`"red"`) })
	for _, field := range fields {
		with(func(b map[string]json.RawMessage) { delete(b, field) })
		for _, value := range []string{`1`, `1.5`, `true`, `null`, `""`, `"x"`, `[]`, `["x"]`, `[1]`, `[null]`, `{}`, `{"a": 1}`} {
			with(func(b map[string]json.RawMessage) { b[field] = json.RawMessage(value) })
		}
		if value, ok := body[field]; ok {
			with(func(b map[string]json.RawMessage) {
				delete(b, field)
				b[strings.ToUpper(field)] = value
			})
		}
	}
	return append(bodies, `{}`, `null`, `[]`, `[{}]`, `"x"`, `1`, `true`)
}

// What the document says of a body is what the program takes: with 4xx it refuses what
// the schema refuses, and nothing else.
func TestBodiesAreRefusedAsTheDocumentSays(t *testing.T) {
	d, v := served()
	cases, bad := 0, 0
	for path, of := range d.Paths {
		for method, op := range of {
			if op.RequestBody == nil {
				continue
			}
			content := op.RequestBody.Content["application/json"]
			properties, _ := content.Schema["properties"].(map[string]any)
			fields := slices.Sorted(maps.Keys(properties))
			examples := [][]byte{[]byte(`{}`)}
			for _, e := range content.Examples {
				examples = append(examples, e.Value)
			}
			if len(fields) > 0 && len(examples) == 1 {
				t.Errorf("%s %s: no example of a body", method, path)
			}
			if path == "/api/v1/login" || path == "/api/v1/me/password" {
				continue // their values decide, not their form; see below
			}
			for _, example := range examples {
				for _, body := range variants(t, example, fields) {
					h := newHouse(t)
					boss := h.user("boss", access.Admin, "")
					h.put(access.User{Name: "li.si", Role: access.Ops, Password: "none", Created: noon})
					target := pathOf(path)
					if path == "/api/v1/users" {
						h = newHouse(t)
						boss = h.user("boss", access.Admin, "")
					}
					r := boss.request(strings.ToUpper(method), target, body)
					valid, errs := v.GetRequestBodyValidator().ValidateRequestBody(r)
					w := boss.ask(strings.ToUpper(method), target, body)
					cases++
					if !valid {
						bad++
					}
					switch refused := w.Code == 400 || w.Code == 422; {
					case w.Code >= 500 || w.Code >= 400 && !refused:
						t.Errorf("%s %s %s: %d %s", method, path, body, w.Code, w.Body)
					case valid && refused && strings.Contains(body, `"agent":"x"`) && strings.Contains(w.Body.String(), "bad_agent"):
						// The form is right, and there is no such agent.
					case valid && refused:
						t.Errorf("%s %s %s is as the document says, and refused: %s", method, path, body, w.Body)
					case !valid && !refused:
						t.Errorf("%s %s %s is taken: %d; by the document: %v", method, path, body, w.Code, words(errs))
					case !valid && len(h.desk.got) > 0:
						t.Errorf("%s %s %s was refused, and carried out: %v", method, path, body, h.desk.got)
					}
				}
			}
		}
	}
	if t.Logf("%d bodies, %d of them refused by the document", cases, bad); cases < 300 || bad < 200 {
		t.Error("too few to say anything")
	}
}
