package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"strings"

	"kioskd/internal/wire"
)

// The mark of a kiosk that its hub has stopped accepting lies beside the enrolment. A
// start without a line must not take in what the hub will refuse.

func (h Home) mark() string { return h.File + ".revoked" }

func markOf(e *wire.Enrolment) string {
	sum := sha256.Sum256([]byte(e.ClientCert))
	return hex.EncodeToString(sum[:])
}

// Revoked reports whether the hub has said so of this enrolment, and has not accepted it
// since. Another certificate begins afresh.
func (h Home) Revoked(e *wire.Enrolment) bool {
	b, err := os.ReadFile(h.mark())
	return err == nil && strings.TrimSpace(string(b)) == markOf(e)
}

// NoteRevoked notes what the hub says of this enrolment.
func (h Home) NoteRevoked(e *wire.Enrolment, revoked bool) error {
	if revoked {
		return wire.WritePrivate(h.mark(), []byte(markOf(e)+"\n"))
	}
	if err := os.Remove(h.mark()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
