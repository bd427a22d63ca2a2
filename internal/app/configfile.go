package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"hotline/internal/config"
)

// readFile reads a configuration file, but no more than there may be.
func readFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, config.Largest+1))
	return string(data), err
}

// sameFile reports whether the file still is what was read from it.
func sameFile(cfg *config.Config) bool {
	text, err := readFile(cfg.File)
	return err == nil && text == cfg.Text
}

// writeFile puts a text in the place of a file, of which it keeps mode and owner: it is
// written beside and renamed, so that a crash leaves one of the two whole. A link stays.
func writeFile(path, text string) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	was, err := os.Stat(path)
	if err != nil {
		return err
	}
	owner, ok := was.Sys().(*syscall.Stat_t)
	if !ok || !was.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", path)
	}
	folder := filepath.Dir(path)
	f, err := os.CreateTemp(folder, "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if int(owner.Uid) != os.Geteuid() || int(owner.Gid) != os.Getegid() {
		err = errors.Join(err, f.Chown(int(owner.Uid), int(owner.Gid)))
	}
	if err := errors.Join(err, f.Chmod(was.Mode().Perm()), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
