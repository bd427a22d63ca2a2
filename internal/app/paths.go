package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// PathError says in one sentence what is wrong with a file or folder that somebody
// named, and what to do.
type PathError struct {
	sentence string
	err      error // what the system answered; nil: nothing
}

func (e *PathError) Error() string { return e.sentence }
func (e *PathError) Unwrap() error { return e.err }

// OpenFile opens a file to be read. The error begins with where it was named, for
// example "--demand: ", and says what file to name instead.
func OpenFile(where, path, remedy string) (*os.File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, notReadable(where, path, remedy, err)
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = syscall.EISDIR
	}
	if err != nil {
		_ = file.Close() // only read
		return nil, notReadable(where, path, remedy, err)
	}
	return file, nil
}

func notReadable(where, path, remedy string, err error) error {
	tell := func(format string, args ...any) error {
		return &PathError{where + fmt.Sprintf(format, args...), err}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return tell("there is no file %s; %s", path, remedy)
	case errors.Is(err, fs.ErrPermission):
		return tell("%s may not be read by this user; change its owner or mode", path)
	case errors.Is(err, syscall.EISDIR):
		return tell("%s is a folder; %s", path, remedy)
	}
	return tell("%s cannot be read (%v); %s", path, reason(err), remedy)
}

// CheckNewFile looks beforehand whether a file can be written, and answers as it is
// written: a former file of the name is replaced, nothing else is.
func CheckNewFile(where, path string) error {
	switch info, err := os.Stat(path); {
	case err == nil && info.IsDir():
		return &PathError{fmt.Sprintf("%s%s is a folder; name a file in it, for example %s", where, path, filepath.Join(path, "report")), syscall.EISDIR}
	case err == nil && !info.Mode().IsRegular():
		return &PathError{fmt.Sprintf("%s%s is no ordinary file and is not replaced; name another", where, path), nil}
	}
	folder := filepath.Dir(path)
	info, err := os.Stat(folder)
	if err == nil && !info.IsDir() {
		err = syscall.ENOTDIR
	}
	if err == nil {
		const write, search = 2, 1
		err = syscall.Access(folder, write|search)
	}
	return NotWritten(where, path, err)
}

// NotWritten says why a file could not be written; nil when it was.
func NotWritten(where, path string, err error) error {
	if err == nil {
		return nil
	}
	folder := filepath.Dir(path)
	tell := func(format string, args ...any) error {
		return &PathError{where + fmt.Sprintf(format, args...), err}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return tell("there is no folder %s for %s; make it, or name another file", folder, filepath.Base(path))
	case errors.Is(err, syscall.ENOTDIR):
		return tell("%s is no folder; name a file in one", folder)
	case errors.Is(err, fs.ErrPermission):
		return tell("this user may not write into the folder %s; change its owner or mode, or name a file elsewhere", folder)
	case errors.Is(err, syscall.EROFS):
		return tell("the folder %s is on a disk that is read-only; name a file elsewhere", folder)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return tell("there is no space left for %s; make room, or name a file elsewhere", path)
	}
	return tell("%s cannot be written (%v); name a file elsewhere", path, reason(err))
}

// CheckNewFolder looks beforehand whether a folder is something else.
func CheckNewFolder(where, folder string) error {
	info, err := os.Stat(folder)
	if err == nil && !info.IsDir() {
		err = syscall.ENOTDIR
	}
	if !errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	return noFolder(where, folder, err)
}

// MakeFolder makes a folder, if need be, into which files are to be written.
func MakeFolder(where, folder string) error {
	err := os.MkdirAll(folder, 0o755)
	if err == nil {
		const write, search = 2, 1
		err = syscall.Access(folder, write|search)
	}
	if err == nil {
		return nil
	}
	return noFolder(where, folder, err)
}

func noFolder(where, folder string, err error) error {
	tell := func(format string, args ...any) error {
		return &PathError{where + fmt.Sprintf(format, args...), err}
	}
	switch {
	case errors.Is(err, syscall.ENOTDIR):
		return tell("%s is a file, or lies in one; name a folder", folder)
	case errors.Is(err, fs.ErrPermission):
		return tell("this user may not make the folder %s, or not write into it; change its owner or mode, or name another", folder)
	case errors.Is(err, syscall.EROFS):
		return tell("the folder %s would be on a disk that is read-only; name another", folder)
	}
	return tell("the folder %s cannot be made (%v); name another", folder, reason(err))
}

// reason is an answer of the system without the path, which is told already.
func reason(err error) error {
	var number syscall.Errno
	if errors.As(err, &number) {
		return number
	}
	return err
}
