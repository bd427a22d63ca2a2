package ariconform

import (
	"encoding/json"
	"errors"
	"syscall"
)

// info is what is looked at of asterisk/info.
type info struct {
	Config struct {
		Name string `json:"name"`
	} `json:"config"`
	Status struct {
		Startup string `json:"startup_time"`
	} `json:"status"`
}

func infoOf(data []byte) (i info) {
	_ = json.Unmarshal(data, &i)
	return i
}

// filterOf reports whether an application lets only some events through.
func filterOf(data []byte) bool {
	var application struct {
		Allowed []any `json:"events_allowed"`
	}
	_ = json.Unmarshal(data, &application)
	return len(application.Allowed) > 0
}

func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
