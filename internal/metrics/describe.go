package metrics

import (
	"regexp"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// The client tells names and labels of a description in its text only.
var (
	descriptionName   = regexp.MustCompile(`fqName: "([^"]+)"`)
	descriptionLabels = regexp.MustCompile(`variableLabels: \{([^}]*)\}`)
	constantLabel     = regexp.MustCompile(`([a-z_]+)="`)
	constantLabels    = regexp.MustCompile(`constLabels: \{([^}]*)\}`)
)

// Describe lists the labels of each metric by its name, also of those that have no
// value yet. Watch and Certificate add theirs when they are called.
func (m *Metrics) Describe() map[string][]string {
	all := make(chan *prometheus.Desc)
	go func() {
		defer close(all)
		m.registry.Describe(all)
	}()
	found := make(map[string][]string)
	for d := range all {
		text, labels := d.String(), []string{}
		if variable := descriptionLabels.FindStringSubmatch(text); variable != nil && variable[1] != "" {
			labels = strings.Split(variable[1], ",")
		}
		if constant := constantLabels.FindStringSubmatch(text); constant != nil {
			for _, label := range constantLabel.FindAllStringSubmatch(constant[1], -1) {
				labels = append(labels, label[1])
			}
		}
		found[descriptionName.FindStringSubmatch(text)[1]] = labels
	}
	return found
}
