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

func (a *api) openAPIJSON(w http.ResponseWriter, _ *http.Request) error {
	data, err := openAPIAsJSON()
	if err != nil {
		return err
	}
	return writeDocument(w, "application/json", data)
}

func (a *api) openAPIYAML(w http.ResponseWriter, _ *http.Request) error {
	return writeDocument(w, "application/yaml", openAPI)
}

// writeDocument writes what is the same for everybody as long as the program is.
func writeDocument(w http.ResponseWriter, contentType string, data []byte) error {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(data)
	return nil
}
