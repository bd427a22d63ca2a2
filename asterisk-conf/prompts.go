package asteriskconf

import (
	_ "embed" // prompts.txt
	"strings"
)

//go:embed prompts/prompts.txt
var promptsText string

// Prompt is a sound that comes with hotline.
type Prompt struct {
	Name    string
	Words   string // what is spoken, in Chinese
	English string // what that means
}

// Prompts lists them in the order of prompts.txt, from which scripts/prompts makes them.
func Prompts() (list []Prompt) {
	for line := range strings.Lines(promptsText) {
		fields := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(fields) == 3 && !strings.HasPrefix(line, "#") {
			list = append(list, Prompt{fields[0], fields[1], fields[2]})
		}
	}
	return list
}
