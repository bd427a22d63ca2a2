package app

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// wholeFile is a file that appears under its name only when it is whole. Nobody but
// its owner may read it.
type wholeFile struct {
	*os.File // under another name, in the same folder
	path     string
	done     bool
}

func createWhole(path string) (*wholeFile, error) {
	if err := CheckNewFile("", path); err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // with mode 0600
	if err != nil {
		return nil, NotWritten("", path, err)
	}
	return &wholeFile{File: file, path: path}, nil
}

// commit gives the file its name, after it has reached the disk.
func (f *wholeFile) commit() error {
	err := f.Sync()
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), f.path)
	}
	if err != nil {
		return NotWritten("", f.path, err)
	}
	f.done = true
	folder, err := os.Open(filepath.Dir(f.path))
	if err != nil {
		return fmt.Errorf("write %s: %w", f.path, err)
	}
	defer func() { _ = folder.Close() }() // only synced
	if err := folder.Sync(); err != nil {
		return fmt.Errorf("write %s: %w", f.path, err)
	}
	return nil
}

// abandon removes what has not been committed.
func (f *wholeFile) abandon() {
	if !f.done {
		_ = f.Close() // may be closed
		_ = os.Remove(f.Name())
	}
}

// checksumOf is the SHA-256 of an archive, in hexadecimal.
func checksumOf(path string) (string, error) {
	file, err := OpenFile("", path, archiveRemedy)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }() // only read
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
