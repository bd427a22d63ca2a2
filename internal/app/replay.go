package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/calendar"
	"hotline/internal/config"
	"hotline/internal/replay"
)

// WrittenScenario is a recorded day that was written as a scenario.
type WrittenScenario struct {
	replay.Summary
	File string // of the scenario
}

// WriteScenario writes the calls of a day, from the records in Redis, as a
// scenario into a folder. It overwrites no file.
func WriteScenario(ctx context.Context, cfg *config.Config, day calendar.Day, folder string) (WrittenScenario, error) {
	if err := CheckNewFolder("--out: ", folder); err != nil {
		return WrittenScenario{}, err
	}
	routing, err := filepath.Abs(cfg.File)
	if err != nil {
		return WrittenScenario{}, fmt.Errorf("where the configuration stands: %w", err)
	}
	store, err := newStore(cfg, zap.NewNop(), nil)
	if err != nil {
		return WrittenScenario{}, err
	}
	defer func() { _ = store.Close() }()
	recorder := replay.NewRecorder(day, cfg.Location, cfg.ACD())
	if err := store.Records(ctx, day, func(record acd.CallRecord) error {
		recorder.Add(record)
		return nil
	}); err != nil {
		return WrittenScenario{}, fmt.Errorf("read the call records of %s: %w", day, err)
	}
	if err := notArchived(ctx, store, day); err != nil {
		return WrittenScenario{}, err
	}
	files, summary, err := recorder.Files(routing)
	if err != nil {
		return WrittenScenario{}, err
	}
	if err := writeNew(folder, files); err != nil {
		return WrittenScenario{}, err
	}
	return WrittenScenario{Summary: summary, File: filepath.Join(folder, replay.ScenarioFile)}, nil
}

// writeNew writes files that are not there yet.
func writeNew(folder string, files []replay.File) error {
	if err := MakeFolder("--out: ", folder); err != nil {
		return err
	}
	for _, f := range files {
		path := filepath.Join(folder, f.Name)
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("--out: %s is there already; name another folder, or remove it", path)
		}
	}
	for _, f := range files {
		path := filepath.Join(folder, f.Name)
		if err := os.WriteFile(path, []byte(f.Text), 0o644); err != nil {
			return NotWritten("--out: ", path, err)
		}
	}
	return nil
}
