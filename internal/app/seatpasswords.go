package app

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"hotline/internal/conffile"
	"hotline/internal/config"
)

// MakeSeatPasswords writes a SIP password of 192 random bits for each seat that has
// neither a password nor a fixed contact, and returns how many it made. What is there is
// left as it is.
func MakeSeatPasswords(cfg *config.Config) (made int, err error) {
	dir := cfg.Asterisk.SeatPasswordDir
	if dir == "" {
		return 0, nil // every seat has a contact
	}
	if err := MakeFolder("asterisk.seat_password_dir: ", dir); err != nil {
		return 0, err
	}
	for _, seat := range cfg.Seats {
		path := filepath.Join(dir, string(seat.ID))
		if _, err := os.Lstat(path); err == nil || seat.Contact != "" {
			continue
		} else if !errors.Is(err, fs.ErrNotExist) {
			return made, fmt.Errorf("the password of seat %s: %w", seat.ID, err)
		}
		raw := make([]byte, 24)
		_, _ = rand.Read(raw) // never fails
		if err := conffile.Replace(path, []byte(hex.EncodeToString(raw)+"\n"), 0o600); err != nil {
			return made, fmt.Errorf("make the password of seat %s: %w", seat.ID, err)
		}
		made++
	}
	return made, nil
}
