package access_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"hotline/internal/access"
)

// The table of the docs is that of the code.
func TestDocumentedTable(t *testing.T) {
	text, err := os.ReadFile("../../docs/access.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), access.Table()) {
		t.Errorf("docs/access.md does not have this table:\n%s", access.Table())
	}
}

func TestRulesAreSound(t *testing.T) {
	seen := map[access.Permission]bool{}
	for _, r := range access.Rules {
		if seen[r.Permission] || r.Means == "" {
			t.Errorf("%s is there twice, or has no meaning", r.Permission)
		}
		seen[r.Permission] = true
		if !slices.Contains(r.Roles, access.Admin) && r.Permission != access.ActAsAgent {
			t.Errorf("no admin has %s", r.Permission)
		}
		if strings.HasSuffix(string(r.Permission), ".manage") && (r.Scope || r.File || len(r.Roles) != 1) {
			t.Errorf("%s is not for admins only", r.Permission)
		}
	}
	if slices.Contains(access.Agent.Permissions(), access.ReadCalls) || len(access.Role("root").Permissions()) != 0 {
		t.Error("the rules are not what they were meant to be")
	}
}
