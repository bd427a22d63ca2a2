package app

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/zap"

	"hotline/internal/access"
	"hotline/internal/acd"
	"hotline/internal/config"
	"hotline/internal/httpapi"
	"hotline/internal/httpapi/view"
	"hotline/internal/redisstore"
)

// The controller is what the API knows of the configuration.
var _ httpapi.Configuration = (*controller)(nil)

// engineBound is how long the engine may take to go by another configuration.
const engineBound = 2 * time.Second

// mostChanges are told at once.
const mostChanges = 200

// versionOf names a text: the first 100 bits of its SHA-256, in letters for the most part,
// so that nothing in it looks like a phone number, which would be masked.
func versionOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:20])
}

// fileOf names what is applied from a file, without anybody who has asked for it.
func fileOf(host string) string { return "the file of " + host }

// take waits for the turn to change or check a configuration. Large texts need memory, so
// that one is checked at a time.
func (c *controller) take(ctx context.Context) (release func(), err error) {
	select {
	case c.turn <- struct{}{}:
		return func() { <-c.turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// goesBy keeps what is gone by from now on. The same text as before was applied when it was.
func (c *controller) goesBy(fresh *config.Config, by string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cfg.Text != fresh.Text {
		c.applied, c.by = time.Now().Round(0), by
	}
	c.cfg = fresh
}

// goneBy is what is gone by, as it is told to the history.
func (c *controller) goneBy() (toldConfiguration, *config.Config) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return toldConfiguration{redisstore.AppliedConfiguration{Version: versionOf(c.cfg.Text), Shared: c.cfg.Shared(), Applied: c.applied, By: c.by}, c.cfg.Text}, c.cfg
}

// apply lets engine and figures go by a configuration, or changes nothing.
func (c *controller) apply(ctx context.Context, fresh *config.Config, by string) error {
	if err := c.request(ctx, acd.Reconfigure{Config: engineConfig(fresh)}); err != nil {
		return err
	}
	if err := c.figures.goBy(fresh); err != nil {
		return err // the check of the configuration has made sure that it is possible
	}
	c.goesBy(fresh, by)
	c.log.Info("the configuration was applied", zap.String("file", fresh.File), zap.String("version", versionOf(fresh.Text)), zap.String("by", by),
		zap.Int("queues", len(fresh.Queues)), zap.Int("agents", len(fresh.Agents)))
	return nil
}

// reload lets engine and figures go by the configuration file as it is now, or changes
// nothing and says why.
func (c *controller) reload(ctx context.Context, by string) error {
	release, err := c.take(ctx)
	if err != nil {
		return err
	}
	defer release()
	fresh, err := c.usable()
	if err != nil {
		return err
	}
	if err := c.apply(ctx, fresh, by); err != nil {
		return err
	}
	c.tell(ctx, "")
	return nil
}

// Present implements httpapi.Configuration, as do the next.
func (c *controller) Present(context.Context) (view.Configuration, error) {
	if err := c.leads(); err != nil {
		return view.Configuration{}, err
	}
	return c.present(), nil
}

func (c *controller) present() view.Configuration {
	is, cfg := c.goneBy()
	return view.Configuration{
		File: filepath.Base(cfg.File), Version: is.Version, Applied: is.Applied, By: is.By, FileDiffers: !sameFile(cfg), Text: cfg.Text,
	}
}

// Validate checks a text.
func (c *controller) Validate(ctx context.Context, text string) (view.Validation, error) {
	release, err := c.take(ctx)
	if err != nil {
		return view.Validation{}, err
	}
	defer release()
	if err := c.leads(); err != nil {
		return view.Validation{}, err
	}
	running := c.config()
	fresh, err := running.Instead([]byte(text))
	if err != nil {
		return view.Validation{Mistakes: httpapi.AtMost(mistakes(err, running.File), mostChanges)}, nil
	}
	if err := acd.Config.Validate(fresh.ACD()); err != nil {
		return view.Validation{Mistakes: []string{err.Error()}}, nil
	}
	return view.Validation{Valid: true, Changes: httpapi.AtMost(running.Changes(fresh), mostChanges), NeedsRestart: running.NeedsRestart(fresh)}, nil
}

// mistakes are what Load and Instead have found, without the name of the file itself.
func mistakes(err error, file string) (list []string) {
	var problems config.Problems
	if !errors.As(err, &problems) {
		return []string{err.Error()}
	}
	for _, p := range problems {
		sentence := p.Text
		if p.Line > 0 {
			sentence = fmt.Sprintf("line %d, column %d: %s", p.Line, p.Column, p.Text)
		}
		if p.File != file {
			sentence = filepath.Base(p.File) + ", " + sentence
		}
		list = append(list, sentence)
	}
	return list
}

// Apply writes a text into the file and goes by it. What can be refused is refused before
// anything is changed; when the engine refuses, the file is put back.
func (c *controller) Apply(ctx context.Context, change httpapi.ConfigurationChange) (view.Configuration, error) {
	none := view.Configuration{}
	release, err := c.take(ctx)
	if err != nil {
		return none, err
	}
	defer release()
	if err := c.leads(); err != nil {
		return none, err
	}
	running := c.config()
	if versionOf(running.Text) != change.If {
		return none, httpapi.ErrVersionChanged
	}
	fresh, err := running.Instead([]byte(change.Text))
	if err == nil {
		err = restartless(running, fresh)
	}
	if err != nil {
		return none, &httpapi.MistakesError{Mistakes: mistakes(err, running.File)}
	}
	// With a hole in the history nobody could go back to what is gone by now.
	if err := c.complete(ctx); err != nil {
		return none, &access.Refusal{Kind: access.Away, Code: "redis_away", Text: "the history of the configuration cannot be written, so nothing was changed: " + err.Error()}
	}
	if !sameFile(running) {
		return none, &httpapi.FileError{Text: "the configuration file was changed on the machine and not applied: apply it by hotline reload, or put it back, and try again"}
	}
	if err := writeFile(running.File, change.Text); err != nil {
		return none, &httpapi.FileError{Text: fmt.Sprintf("the configuration file cannot be written, so nothing was changed (%v): let the user of hotline write in its folder, or change the file on the machine and apply it by hotline reload", err)}
	}
	if err := c.engineGoesBy(ctx, running, fresh, change.By); err != nil {
		return none, err
	}
	c.tell(ctx, change.Note)
	return c.present(), nil
}

// engineGoesBy applies what stands in the file already, or puts the file back. Once it has
// begun it is carried through, whether the client waits or not.
func (c *controller) engineGoesBy(ctx context.Context, running, fresh *config.Config, by string) error {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), engineBound)
	defer cancel()
	refusal := c.apply(bounded, fresh, by)
	if refusal == nil {
		return nil
	}
	if err := writeFile(running.File, running.Text); err != nil {
		c.log.Error("the configuration file could not be put back: it is not what is gone by", zap.Error(err))
	}
	var request *acd.RequestError
	if errors.As(refusal, &request) {
		return &httpapi.MistakesError{Mistakes: []string{request.Text}}
	}
	if errors.Is(refusal, context.DeadlineExceeded) {
		// The engine may still come to it: let it find the former one after that.
		again, cancel := context.WithTimeout(context.WithoutCancel(ctx), engineBound)
		defer cancel()
		if err := c.request(again, acd.Reconfigure{Config: engineConfig(running)}); err != nil {
			c.log.Error("the engine does not answer; it may go by a configuration that is not in the file until the next reload", zap.Error(err))
		}
	}
	return refusal
}
