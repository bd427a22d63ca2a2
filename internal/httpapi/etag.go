package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// writeTagged writes what changes seldom. A client that sends the tag again in
// If-None-Match gets 304 without a body while it is the same (RFC 9110, 13.1.2).
func writeTagged(w http.ResponseWriter, r *http.Request, contentType string, data []byte) error {
	tag := tagOf(data)
	if safe(r) {
		w.Header().Set("ETag", tag)
		if has(r.Header.Values("If-None-Match"), tag) {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	w.Header().Set("Content-Type", contentType)
	_, _ = w.Write(data) // a client that is gone needs no answer
	return nil
}

func writeTaggedJSON(w http.ResponseWriter, r *http.Request, body any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("write the answer as JSON: %w", err)
	}
	return writeTagged(w, r, "application/json", append(data, '\n'))
}

// has compares weakly, as If-None-Match does.
func has(headers []string, tag string) bool {
	for _, header := range headers {
		for one := range strings.SplitSeq(header, ",") {
			if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == tag {
				return true
			}
		}
	}
	return false
}
