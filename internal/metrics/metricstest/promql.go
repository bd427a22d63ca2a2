package metricstest

import (
	"regexp"
	"slices"
	"strings"
)

// Selector is a metric as a query asks for it, with the labels that it is matched by.
type Selector struct {
	Name   string // as in the query: with _bucket, _sum or _count of a histogram
	Labels []string
}

var (
	quoted   = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	selector = regexp.MustCompile(`\b((?:hotline|go|process)_[a-z0-9_]+|(?:[a-z]+):[a-z0-9_:]+|up\b)(?:\s*\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`([a-zA-Z_]+)\s*(?:=~|!~|!=|=)`)
	grouping = regexp.MustCompile(`\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)`)
)

// Selectors lists what a query asks for: our metrics, those of Go and of the process, up,
// and the names of recording rules (which hold a colon). It reads the query no further:
// that it is well formed is for Prometheus to say.
func Selectors(query string) (found []Selector) {
	query = quoted.ReplaceAllString(query, `""`)
	for _, match := range selector.FindAllStringSubmatch(query, -1) {
		s := Selector{Name: match[1]}
		for _, label := range matcher.FindAllStringSubmatch(match[2], -1) {
			s.Labels = append(s.Labels, label[1])
		}
		found = append(found, s)
	}
	return found
}

// Groupings lists the labels by which a query aggregates or joins.
func Groupings(query string) (labels []string) {
	for _, match := range grouping.FindAllStringSubmatch(quoted.ReplaceAllString(query, `""`), -1) {
		for label := range strings.SplitSeq(match[1], ",") {
			if label = strings.TrimSpace(label); label != "" && !slices.Contains(labels, label) {
				labels = append(labels, label)
			}
		}
	}
	return labels
}
