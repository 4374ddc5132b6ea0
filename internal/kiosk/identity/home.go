// Package identity is who the kiosk is at its hub: the private key, which is made
// once and stays, and the enrolment that the hub gives for it.
//
// The key lives in a file of its own beside the enrolment, in a credential of
// systemd, or, as the demo hub writes it, in the enrolment file itself. It is kept
// over renewals and enrolments: the kiosk's ID is its hash, and what waits in the
// outbox is addressed by that ID.
package identity

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"kioskd/internal/wire"
)

// KeyName is the name of the file, or of systemd's credential, with the key.
const KeyName = "identity.key"

// ErrChanged says that the enrolment is not any more the one that was to be changed.
var ErrChanged = errors.New("another enrolment has come meanwhile")

// Home is where a kiosk keeps its identity.
type Home struct {
	// File of the enrolment.
	File string
	// KeyFile of the private key.
	KeyFile string
	// Credentials is the folder that systemd made ($CREDENTIALS_DIRECTORY), "" = none.
	// A key that lies there is used, and never written.
	Credentials string
}

// At is the home with the enrolment in file. keyFile "" puts the key beside it.
func At(file, keyFile, credentials string) Home {
	if keyFile == "" {
		keyFile = filepath.Join(filepath.Dir(file), KeyName)
	}
	return Home{File: file, KeyFile: keyFile, Credentials: credentials}
}

// Load gives the enrolment with its key. While there is none the error is
// fs.ErrNotExist.
func (h Home) Load() (*wire.Enrolment, error) {
	e, err := wire.LoadEnrolment(h.File)
	if err != nil || e.ClientKey != "" {
		return e, err
	}
	whole, _, err := h.fitting(e)
	if errors.Is(err, fs.ErrNotExist) {
		// Not wrapped: the enrolment is there, so this is no mere waiting.
		return nil, fmt.Errorf("cannot use enrolment %s: its key %s is not there: put it back, or enrol the kiosk anew", h.File, h.KeyFile)
	}
	return whole, err
}

// Sum tells contents of the files apart, for whoever watches them.
func (h Home) Sum() [sha256.Size]byte {
	sum := sha256.New()
	for _, path := range []string{h.File, h.KeyFile, h.credential()} {
		b, err := os.ReadFile(path)
		if err != nil {
			b = []byte(err.Error())
		}
		one := sha256.Sum256(b)
		sum.Write(one[:])
	}
	return [sha256.Size]byte(sum.Sum(nil))
}

// Update changes the stored enrolment, if it is still the one that from was read
// from: an enrolment that came meanwhile must not be overwritten by the renewal of
// its predecessor.
func (h Home) Update(from *wire.Enrolment, change func(*wire.Enrolment)) error {
	return h.locked(func() error {
		e, err := wire.LoadEnrolment(h.File)
		if err != nil {
			return err
		}
		if e.Kiosk != from.Kiosk || e.HubURL != from.HubURL || e.HubCA != from.HubCA || e.ClientCert != from.ClientCert {
			return fmt.Errorf("cannot change enrolment: %w", ErrChanged)
		}
		change(e)
		return wire.StoreEnrolment(h.File, e)
	})
}

func (h Home) credential() string {
	if h.Credentials == "" {
		return ""
	}
	return filepath.Join(h.Credentials, KeyName)
}

// Who changes an enrolment is done in moments. A folder that stays locked is held by
// somebody who has no business there: that must be told, not waited for.
const (
	lockWait  = 10 * time.Second
	lockAgain = 50 * time.Millisecond
)

// locked keeps other processes off while f reads and writes, and clears away before. The lock is on the
// folder, so that it leaves no file behind.
func (h Home) locked(f func() error) (err error) {
	dir := filepath.Dir(h.File)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("cannot use the folder of the enrolment: %w", err)
	}
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("cannot use the folder of the enrolment: %w", err)
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	for began := time.Now(); ; <-time.After(lockAgain) {
		err = syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		held := errors.Is(err, syscall.EWOULDBLOCK)
		if held && time.Since(began) > lockWait {
			return fmt.Errorf("cannot lock the folder of the enrolment: another program holds %s: look who it is (fuser -v %[1]s), and make the folder readable for kioskd only", dir)
		}
		if !held && !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("cannot lock the folder of the enrolment: %w", err)
	}
	h.sweep()
	return f()
}

// KeyPlace says where the key of a whole enrolment lies.
func (h Home) KeyPlace(e *wire.Enrolment) string {
	if stored, err := wire.LoadEnrolment(h.File); err == nil && stored.ClientKey != "" {
		return h.File
	}
	for key, err := range h.keys() {
		if err == nil && key.pem == e.ClientKey {
			return key.from
		}
	}
	return ""
}
