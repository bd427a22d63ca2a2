package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"hotline/internal/access"
	"hotline/internal/httpapi/view"
)

// Configuration is what the API knows of the configuration. Its methods return a
// StandbyError, a MistakesError, or one of the errors below.
type Configuration interface {
	// Present is what the site goes by.
	Present(ctx context.Context) (view.Configuration, error)
	// Validate says what applying the text would do. It changes nothing.
	Validate(ctx context.Context, text string) (view.Validation, error)
	// Apply writes the text into the file and goes by it, if the present version is still
	// change.If; else nothing is changed. The answer is as Present's.
	Apply(ctx context.Context, change ConfigurationChange) (view.Configuration, error)
	// History is what was applied, the newest first.
	History(ctx context.Context) ([]view.AppliedConfiguration, error)
	// Version is the newest of the history that has this version, with its text.
	Version(ctx context.Context, version string) (view.AppliedConfiguration, error)
}

// ConfigurationChange is a text to be applied.
type ConfigurationChange struct {
	If       string // the version that it replaces
	Text     string
	By, Note string
}

var (
	// ErrVersionChanged: the present version is another one.
	ErrVersionChanged = errors.New("the configuration has changed meanwhile; read it again, and send its version in If-Match")
	// ErrUnknownVersion: it is not in the history.
	ErrUnknownVersion = errors.New("this version is not in the history; /api/v1/configuration/history lists those that are")
)

// FileError says why the file on the machine was not written: it has been changed there
// and not applied, or this program may not write it.
type FileError struct{ Text string }

func (e *FileError) Error() string { return e.Text }

// MistakesError lists what is wrong with a configuration, or what of it takes a restart.
type MistakesError struct{ Mistakes []string }

// mostMistakes are told at once.
const mostMistakes = 100

func (e *MistakesError) Error() string { return strings.Join(e.Mistakes, "\n") }

func (e *MistakesError) problem() *problem {
	p := refused(http.StatusUnprocessableEntity, "bad_configuration", strings.Join(AtMost(e.Mistakes, mostMistakes), "\n"))
	p.Reasons = AtMost(e.Mistakes, mostMistakes)
	return p
}

// AtMost shortens a list of sentences for people.
func AtMost(list []string, n int) []string {
	if len(list) <= n {
		return list
	}
	return append(list[:n:n], fmt.Sprintf("and %d more", len(list)-n))
}

const (
	// configurationBound is how long checking and applying a text may take; a large one
	// takes a second.
	configurationBound = 10 * time.Second
	// largestText of a configuration and largestTextBody, in which it is quoted, in bytes.
	largestText     = 1 << 20
	largestTextBody = 4 << 20
	longestReason   = 200 // characters of a note
	historyPage     = 50
	longestHistory  = 200
)

var versionForm = regexp.MustCompile(`^[a-z2-7]{20}$`)

// configurationProblem turns what Configuration returns into answers.
func configurationProblem(err error) error {
	var mistakes *MistakesError
	var file *FileError
	switch {
	case errors.As(err, &mistakes):
		return mistakes.problem()
	case errors.As(err, &file):
		return refused(http.StatusConflict, "file_not_written", file.Text)
	case errors.Is(err, ErrVersionChanged):
		return refused(http.StatusPreconditionFailed, "version_changed", ErrVersionChanged.Error())
	case errors.Is(err, ErrUnknownVersion):
		return refused(http.StatusNotFound, "unknown_version", ErrUnknownVersion.Error())
	}
	return err
}

func (a *api) configuration(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), answerBound)
	defer cancel()
	c, err := a.Configuration.Present(ctx)
	if err != nil {
		return configurationProblem(err)
	}
	tag := `"` + c.Version + `"`
	w.Header().Set("ETag", tag)
	if has(r.Header.Values("If-None-Match"), tag) && !c.FileDiffers {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return writeJSON(w, c)
}

func (a *api) validateConfiguration(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Text *string `json:"text"`
	}
	if err := decodeLarge(w, r, &body, largestTextBody); err != nil {
		return err
	}
	if err := sensible(body.Text, ""); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), configurationBound)
	defer cancel()
	v, err := a.Configuration.Validate(ctx, *body.Text)
	if err != nil {
		return configurationProblem(err)
	}
	return writeJSON(w, v)
}

// sensible checks what is sent along with a text.
func sensible(text *string, note string) error {
	switch {
	case text == nil || *text == "":
		return refused(http.StatusUnprocessableEntity, "no_text", `send the text of the configuration, as in {"text": "site: lianyungang\n…"}`)
	case len(*text) > largestText:
		return refused(http.StatusRequestEntityTooLarge, "text_too_large", "the text is larger than 1 MiB")
	}
	return sensibleNote(note)
}

func sensibleNote(note string) error {
	if len([]rune(note)) > longestReason || strings.ContainsFunc(note, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return refused(http.StatusUnprocessableEntity, "bad_note", "the note has at most 200 characters on one line")
	}
	return nil
}

// ifMatch is the version that a change replaces.
func ifMatch(r *http.Request) (string, error) {
	tags := r.Header.Values("If-Match")
	if len(tags) == 0 {
		return "", refused(http.StatusPreconditionRequired, "no_version", "send the header If-Match with the version that you have changed, as GET /api/v1/configuration gives it in ETag")
	}
	version, quoted := strings.CutPrefix(strings.TrimSpace(strings.Join(tags, ",")), `"`)
	version, ended := strings.CutSuffix(version, `"`)
	if !quoted || !ended || !versionForm.MatchString(version) {
		return "", configurationProblem(ErrVersionChanged) // weak tags and lists match nothing here
	}
	return version, nil
}

func (a *api) applyConfiguration(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Text *string `json:"text"`
		Note string  `json:"note"`
	}
	if err := decodeLarge(w, r, &body, largestTextBody); err != nil {
		return err
	}
	if err := sensible(body.Text, body.Note); err != nil {
		return err
	}
	return a.change(w, r, *body.Text, access.MaskNumbers(body.Note))
}

// change applies a text for whoever makes the request.
func (a *api) change(w http.ResponseWriter, r *http.Request, text, note string) error {
	about(r, "", note)
	version, err := ifMatch(r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), configurationBound)
	defer cancel()
	c, err := a.Configuration.Apply(ctx, ConfigurationChange{If: version, Text: text, By: principalOf(r).Name, Note: note})
	if err != nil {
		return configurationProblem(err)
	}
	about(r, c.Version, strings.TrimSpace("instead of "+version+" "+note))
	w.Header().Set("ETag", `"`+c.Version+`"`)
	return writeJSON(w, c)
}

func (a *api) rollBackConfiguration(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Version string `json:"version"`
		Note    string `json:"note"`
	}
	if err := decode(w, r, &body); err != nil {
		return err
	}
	if !versionForm.MatchString(body.Version) {
		return refused(http.StatusUnprocessableEntity, "bad_version", "a version is 20 characters from a-z and 2-7, as in the history")
	}
	if err := sensibleNote(body.Note); err != nil {
		return err
	}
	if _, err := ifMatch(r); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerBound)
	defer cancel()
	former, err := a.Configuration.Version(ctx, body.Version)
	if err != nil {
		return configurationProblem(err)
	}
	return a.change(w, r, former.Text, strings.TrimSpace("back to "+body.Version+" "+access.MaskNumbers(body.Note)))
}

func (a *api) configurationHistory(w http.ResponseWriter, r *http.Request) error {
	limit, before := historyPage, 0
	for name, into := range map[string]*int{"limit": &limit, "before": &before} {
		if text := r.URL.Query().Get(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 || name == "limit" && n > longestHistory {
				return refused(http.StatusBadRequest, "bad_limit", "limit is a whole number from 1 to 200, and before the number of a version")
			}
			*into = n
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerBound)
	defer cancel()
	all, err := a.Configuration.History(ctx)
	if err != nil {
		return configurationProblem(err)
	}
	page := make([]view.AppliedConfiguration, 0, limit)
	for _, v := range all {
		if (before == 0 || v.Number < before) && len(page) < limit {
			page = append(page, v)
		}
	}
	return writeJSON(w, map[string]any{"versions": page})
}

func (a *api) configurationVersion(w http.ResponseWriter, r *http.Request) error {
	version := r.PathValue("version")
	if !versionForm.MatchString(version) {
		return configurationProblem(ErrUnknownVersion)
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerBound)
	defer cancel()
	v, err := a.Configuration.Version(ctx, version)
	if err != nil {
		return configurationProblem(err)
	}
	return writeJSON(w, v)
}
