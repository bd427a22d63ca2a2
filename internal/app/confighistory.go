package app

import (
	"context"
	"time"

	"go.uber.org/zap"

	"hotline/internal/config"
	"hotline/internal/httpapi"
	"hotline/internal/httpapi/view"
	"hotline/internal/redisstore"
)

// configurationHistory is what the controller needs of the store.
type configurationHistory interface {
	AddConfiguration(ctx context.Context, c redisstore.AppliedConfiguration, text string) (redisstore.AppliedConfiguration, bool, error)
	NewestConfiguration(ctx context.Context) (redisstore.AppliedConfiguration, error)
	Configurations(ctx context.Context) ([]redisstore.AppliedConfiguration, error)
	ConfigurationText(ctx context.Context, version string) (string, bool, error)
}

var _ configurationHistory = (*redisstore.Store)(nil)

// toldConfiguration is what is to be told to the history.
type toldConfiguration struct {
	redisstore.AppliedConfiguration
	text string
}

const (
	// historyBound is how long Redis may take.
	historyBound = time.Second
	// mostUntold is how many texts wait for a Redis that is away; of older ones only the
	// program's log has the versions.
	mostUntold = 20
	// fileRound is how often it is looked whether the file is what was applied.
	fileRound = time.Minute
)

// tell puts what is gone by into the history; when that is not possible now, it waits for
// the next time. The caller has the turn.
func (c *controller) tell(ctx context.Context, note string) {
	is, _ := c.goneBy()
	is.Note = note
	c.toTell(is)
	if err := c.tellAll(context.WithoutCancel(ctx)); err != nil {
		c.log.Warn("the history of the configuration is completed later", zap.String("version", is.Version), zap.Error(err))
	}
}

func (c *controller) tellAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, historyBound)
	defer cancel()
	for len(c.untold) > 0 {
		if _, _, err := c.history.AddConfiguration(ctx, c.untold[0].AppliedConfiguration, c.untold[0].text); err != nil {
			return err
		}
		c.untold = c.untold[1:]
	}
	return nil
}

// complete makes sure that Redis answers and that the history has what is gone by.
func (c *controller) complete(ctx context.Context) error {
	is, _ := c.goneBy()
	c.toTell(is) // nothing is added when it is the newest
	return c.tellAll(ctx)
}

func (c *controller) toTell(is toldConfiguration) {
	if n := len(c.untold); n == 0 || c.untold[n-1].Version != is.Version {
		c.untold = append(c.untold, is)
	}
	c.untold = c.untold[max(0, len(c.untold)-mostUntold):]
}

// tellLate is tried from time to time. Who does not lead any more waits for the next term,
// or what is told late would be the newest.
func (c *controller) tellLate(ctx context.Context) {
	release, err := c.take(ctx)
	if err != nil {
		return
	}
	defer release()
	if c.leads() == nil {
		_ = c.tellAll(ctx) // it is told again
	}
}

// tellBeginning puts into the history by what this controller goes as it begins to lead, and
// tells when that is not what the site has gone by.
func (c *controller) tellBeginning(ctx context.Context) {
	release, err := c.take(ctx)
	if err != nil {
		return
	}
	defer release()
	bounded, cancel := context.WithTimeout(ctx, historyBound)
	defer cancel()
	newest, err := c.history.NewestConfiguration(bounded)
	cfg := c.config()
	switch version := versionOf(cfg.Text); {
	case err != nil, newest.Version == "":
	case newest.Version == version && len(c.untold) == 0:
		c.mu.Lock()
		c.applied, c.by = newest.Applied, newest.By
		c.mu.Unlock()
	case newest.Shared != cfg.Shared():
		c.log.Warn("The configuration file of this host is another one than what was applied last, and this controller goes by it; let all controllers of a site have the same file",
			zap.String("file", cfg.File), zap.String("version", version), zap.String("applied_last", newest.Version), zap.Time("applied", newest.Applied), zap.String("by", newest.By))
	}
	c.tell(ctx, "a term began")
}

// watchFile tells, while this controller leads or stands by, whether its file is what was
// applied last at the site, so that it is known before it takes over.
func (c *controller) watchFile(ctx context.Context) error {
	round := time.NewTicker(fileRound)
	defer round.Stop()
	told := ""
	for {
		c.tellLate(ctx)
		if newest, differs, err := c.fileDiffers(ctx); err == nil {
			c.meters.ConfigurationDiffers(differs)
			if differs && told != newest.Version {
				c.log.Warn("The configuration file here is another one than what was applied last at this site; hotline check says more",
					zap.String("applied_last", newest.Version), zap.Time("applied", newest.Applied), zap.String("by", newest.By))
			}
			if told = ""; differs {
				told = newest.Version
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-round.C:
		}
	}
}

func (c *controller) fileDiffers(ctx context.Context) (newest redisstore.AppliedConfiguration, differs bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, historyBound)
	defer cancel()
	newest, err = c.history.NewestConfiguration(ctx)
	if err != nil || newest.Version == "" {
		return newest, false, err
	}
	text, err := readFile(c.config().File)
	if err != nil || versionOf(text) == newest.Version {
		return newest, false, err
	}
	fresh, err := config.Load(c.config().File)
	return newest, err != nil || fresh.Shared() != newest.Shared, nil // one with mistakes is another one, too
}

// History lists what was applied.
func (c *controller) History(ctx context.Context) ([]view.AppliedConfiguration, error) {
	if err := c.leads(); err != nil {
		return nil, err
	}
	all, err := c.history.Configurations(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]view.AppliedConfiguration, len(all))
	for i, v := range all {
		list[i] = shownConfiguration(v, "")
	}
	return list, nil
}

func shownConfiguration(v redisstore.AppliedConfiguration, text string) view.AppliedConfiguration {
	return view.AppliedConfiguration{
		Number: v.Number, Version: v.Version, Applied: v.Applied, By: v.By, Note: v.Note, Size: v.Size,
		LinesAdded: v.Added, LinesRemoved: v.Removed, Text: text,
	}
}

// Version is the newest with this version.
func (c *controller) Version(ctx context.Context, version string) (view.AppliedConfiguration, error) {
	none := view.AppliedConfiguration{}
	if err := c.leads(); err != nil {
		return none, err
	}
	all, err := c.history.Configurations(ctx)
	if err != nil {
		return none, err
	}
	for _, v := range all {
		if v.Version != version {
			continue
		}
		text, kept, err := c.history.ConfigurationText(ctx, version)
		if err != nil || kept {
			return shownConfiguration(v, text), err
		}
	}
	return none, httpapi.ErrUnknownVersion
}

// checkConfiguration compares a file with what was applied last at the site.
func checkConfiguration(ctx context.Context, history configurationHistory, cfg *config.Config) []Finding {
	const name = "configuration applied"
	newest, err := history.NewestConfiguration(ctx)
	switch {
	case err != nil:
		return nil // what is the matter with Redis is a finding of its own
	case newest.Version == "":
		return []Finding{{Name: name, OK: true, Detail: "none was applied yet"}}
	case newest.Shared == cfg.Shared():
		return []Finding{{Name: name, OK: true, Detail: "the file is what was applied last at the site, on " + newest.Applied.In(cfg.Location).Format("2006-01-02 15:04:05") + " by " + newest.By}}
	}
	return []Finding{{
		Name:   name,
		Detail: "the file is not what was applied last at the site, on " + newest.Applied.In(cfg.Location).Format("2006-01-02 15:04:05") + " by " + newest.By + ", version " + newest.Version,
		Remedy: "if the file here is right, apply it by hotline reload where the leader is; else bring what hotline configuration show prints there into " + cfg.File,
	}}
}
