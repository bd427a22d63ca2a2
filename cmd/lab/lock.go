package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// lock takes the folder for this process until it ends, and notes its process
// id in lab.pid. The kernel gives the lock back however the process ends.
func lock(dir string) (release func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(pidFile(dir), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("another lab runs in %s; end it first (make down, or Ctrl-C in its terminal)", dir)
	}
	if err := errors.Join(file.Truncate(0), writeAll(file, strconv.Itoa(os.Getpid()))); err != nil {
		_ = file.Close()
		return nil, err
	}
	return func() { _ = file.Close() }, nil
}

func writeAll(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

func pidFile(dir string) string { return filepath.Join(dir, "lab.pid") }

// holder is the process that holds the lock of dir; 0 when there is none.
func holder(dir string) (int, error) {
	file, err := os.Open(pidFile(dir))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer file.Close()
	if syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil {
		return 0, nil // nobody holds it
	}
	raw, err := os.ReadFile(pidFile(dir))
	if err != nil {
		return 0, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		return 0, fmt.Errorf("a lab is starting or ending in %s at this moment; try again", dir)
	}
	return pid, nil
}
