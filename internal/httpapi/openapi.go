package httpapi

import (
	_ "embed"
	"fmt"
	"net/http"
	"sync"

	"github.com/goccy/go-yaml"
)

//go:embed openapi.yaml
var openAPI []byte

var openAPIAsJSON = sync.OnceValues(func() ([]byte, error) {
	data, err := yaml.YAMLToJSON(openAPI)
	if err != nil {
		return nil, fmt.Errorf("the API's document as JSON: %w", err)
	}
	return data, nil
})

func (a *api) openAPIJSON(w http.ResponseWriter, r *http.Request) error {
	data, err := openAPIAsJSON()
	if err != nil {
		return err
	}
	return writeDocument(w, r, "application/json", data)
}

func (a *api) openAPIYAML(w http.ResponseWriter, r *http.Request) error {
	return writeDocument(w, r, "application/yaml", openAPI)
}

// writeDocument writes what is the same for everybody as long as the program is.
func writeDocument(w http.ResponseWriter, r *http.Request, contentType string, data []byte) error {
	w.Header().Set("Cache-Control", "no-cache")
	return writeTagged(w, r, contentType, data)
}
