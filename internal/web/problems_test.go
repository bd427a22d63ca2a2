package web

import (
	"os"
	"regexp"
	"testing"
)

// The pages' Chinese sentences are for codes that the API has, so that none outlives its code.
func TestSentencesAreOfCodesOfTheAPI(t *testing.T) {
	sentences, err := os.ReadFile("app/src/problems.ts")
	if err != nil {
		t.Fatal(err)
	}
	document, err := os.ReadFile("../httpapi/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]bool{"no_connection": true} // the browser's own
	for _, word := range regexp.MustCompile(`[a-z][a-z0-9_]+`).FindAll(document, -1) {
		codes[string(word)] = true
	}
	found := regexp.MustCompile(`(?m)^  ([a-z_]+): '`).FindAllSubmatch(sentences, -1)
	if len(found) < 40 {
		t.Errorf("%d sentences were found", len(found))
	}
	for _, m := range found {
		if !codes[string(m[1])] {
			t.Errorf("the API has no code %s", m[1])
		}
	}
}
