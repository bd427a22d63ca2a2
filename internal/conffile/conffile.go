// Package conffile writes configuration files for other programs, which run as users
// of their own. It imports nothing of the project; asterisk-conf and deploy/cluster
// import it.
package conffile

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// Replace writes beside and renames, so that no reader sees half a file, and a file
// that was readable by all before is not so for a moment. Root gives it to the owner
// of its folder.
func Replace(path string, content []byte, mode os.FileMode) error {
	folder := filepath.Dir(path)
	f, err := os.CreateTemp(folder, "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	if err := errors.Join(err, f.Chmod(mode), GiveTo(f.Name(), folder), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// GiveTo lets a file or folder belong to the owner of another folder. Only root can;
// for everybody else it does nothing.
func GiveTo(path, folder string) error {
	info, err := os.Stat(folder)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return os.Chown(path, int(owner.Uid), int(owner.Gid))
}
