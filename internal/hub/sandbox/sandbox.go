// Package sandbox plays the payment services' issuer and the points platform,
// so that the whole system runs on one machine. It keeps the real rules: codes
// that expire and lock, one registration a card, one application a person,
// completion after a while, points after completion.
//
// # Test cards
//
// Any 16-digit number that passes the Luhn check succeeds, but these:
//
//	4980000000000014  succeeds (for documents and demonstrations)
//	4980000000000022  declined by the issuer
//	4980000000000030  already registered by somebody else
//	4980000000000048  the issuer is away
//
// # Test phones
//
// Any mobile number (060, 070, 080, 090) gets its message at once, but these:
//
//	09000000001  the message never arrives
//	09000000002  the message cannot be sent
//	09000000003  slow: 6 seconds
//	09000000004  very slow: 15 seconds, longer than a shopper waits without a way out
//	09000000005  the issuer is away
//	09000000006  the code in the message is wrong
//
// A phone or card gets three messages in quick succession, then one in 30
// seconds, and ten in an hour, whatever the session; a phone has 12 wrong codes
// in an hour. [Sandbox.Reset] begins anew.
//
// Messages are not sent but kept in an outbox, which [Sandbox.Messages] reads.
//
// # IDs
//
// The services of the catalogue that can be issued at a kiosk get their IDs
// here; they begin with 6911, and in an application one is accepted only with
// its own codes and phone digits. IDs of all other services are somebody else's
// and are held against the catalogue's format only. Every ID belongs to one
// person: a second one cannot apply with it.
//
// Card and phone numbers are stored as keyed hashes; names and birth dates are
// checked and forgotten. What must be shown again (messages, IDs, codes) is sealed.
package sandbox

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"
	"time"

	"kioskd/internal/catalogue"
	"kioskd/internal/hub"
	"kioskd/internal/hub/vault"
	"kioskd/internal/sqlitedb"
	"kioskd/internal/wire"
)

//go:embed migrations/*.sql
var migrations embed.FS

// DefaultCompleteAfter is how long the programme's registration takes.
const DefaultCompleteAfter = 24 * time.Hour

// Options of a sandbox. Zero values are replaced by the defaults.
type Options struct {
	Catalogue     *catalogue.Catalogue // required
	CompleteAfter time.Duration
	// Now is the clock that Forward moves on top of.
	Now func() time.Time
	// Wait plays a slow issuer.
	Wait func(ctx context.Context, d time.Duration) error
}

// Sandbox is issuer and platform. It is safe for concurrent use.
type Sandbox struct {
	db       *sqlitedb.DB
	vault    *vault.Vault
	cat      *catalogue.Catalogue
	complete time.Duration
	base     func() time.Time
	offset   atomic.Int64
	wait     func(ctx context.Context, d time.Duration) error
	hashing  chan struct{} // bounds the memory that password hashing takes
}

var (
	_ hub.Issuer   = (*Sandbox)(nil)
	_ hub.Platform = (*Sandbox)(nil)
)

// tag is [vault.Vault.Tag] of what is private.
func (s *Sandbox) tag(purpose, text string) string {
	b := []byte(text)
	defer clear(b)
	return s.vault.Tag(purpose, b)
}

// seal is [vault.Vault.Seal] of what is private.
func (s *Sandbox) seal(purpose, text string) []byte {
	b := []byte(text)
	defer clear(b)
	return s.vault.Seal(purpose, b)
}

// Open opens or creates the sandbox's own file at path.
func Open(ctx context.Context, path string, v *vault.Vault, o Options) (*Sandbox, error) {
	if o.Catalogue == nil {
		return nil, fmt.Errorf("cannot open sandbox: no catalogue")
	}
	wire.Learn[content]() // see wire.Warm
	wire.Learn[Message]()
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("cannot find migrations: %w", err)
	}
	d, err := sqlitedb.Open(ctx, path, sub)
	if err != nil {
		return nil, err
	}
	s := &Sandbox{
		db: d, vault: v, cat: o.Catalogue, complete: o.CompleteAfter, base: o.Now, wait: o.Wait,
		hashing: make(chan struct{}, 2),
	}
	if s.complete <= 0 {
		s.complete = DefaultCompleteAfter
	}
	if s.base == nil {
		s.base = time.Now
	}
	if s.wait == nil {
		s.wait = wait
	}
	if err := s.sealOld(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return s, nil
}

// Close closes the file.
func (s *Sandbox) Close() error { return s.db.Close() }

// Check says whether the sandbox can be used.
func (s *Sandbox) Check(ctx context.Context) error { return s.db.Check(ctx) }

// Now is the sandbox's time.
func (s *Sandbox) Now() time.Time { return s.base().Add(time.Duration(s.offset.Load())).UTC() }

// Forward moves the sandbox's clock ahead and gives the whole offset.
func (s *Sandbox) Forward(d time.Duration) time.Duration {
	return time.Duration(s.offset.Add(int64(d)))
}

// Reset forgets everybody and puts the clock back. For demonstrations only.
func (s *Sandbox) Reset(ctx context.Context) error {
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM application; DELETE FROM person; DELETE FROM account;
			DELETE FROM session; DELETE FROM login; DELETE FROM sms; DELETE FROM tally`)
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot reset sandbox: %w", err)
	}
	s.offset.Store(0)
	return nil
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
