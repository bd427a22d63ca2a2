package view

import "time"

// Configuration is the configuration by which the site goes.
type Configuration struct {
	File    string    `json:"file"`    // name without its folder
	Version string    `json:"version"` // of the text: a hash
	Applied time.Time `json:"applied"`
	By      string    `json:"by"`
	// FileDiffers: the file is another one by now, which was not applied.
	FileDiffers bool   `json:"file_differs"`
	Text        string `json:"text"`
}

// Validation says what applying a text would do, or what is wrong with it.
type Validation struct {
	Valid        bool     `json:"valid"`
	Changes      []string `json:"changes,omitempty"`
	NeedsRestart []string `json:"needs_restart,omitempty"`
	Mistakes     []string `json:"mistakes,omitempty"`
}

// AppliedConfiguration is one text that was applied.
type AppliedConfiguration struct {
	Number       int       `json:"number"` // counts up
	Version      string    `json:"version"`
	Applied      time.Time `json:"applied"`
	By           string    `json:"by"`
	Note         string    `json:"note,omitempty"`
	Size         int       `json:"size"` // bytes
	LinesAdded   int       `json:"lines_added"`
	LinesRemoved int       `json:"lines_removed"`
	Text         string    `json:"text,omitempty"`
}

// Announcement is a prompt, and where callers hear it.
type Announcement struct {
	Prompt string `json:"prompt"`
	// Words are what is spoken, of prompts that come with hotline.
	Words     string   `json:"words,omitempty"`
	UsedBy    []string `json:"used_by"`
	Emergency bool     `json:"emergency"` // every caller hears it first now
}
