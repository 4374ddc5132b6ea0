package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"kioskd/internal/config"
	"kioskd/internal/fault"
	ksync "kioskd/internal/sync"
	"kioskd/internal/wire"
)

// noteStart tells the audit log which program starts, and with which configuration
// where that is not the one of before. The function that it gives notes the end.
func noteStart(ctx context.Context, outbox *ksync.Outbox, cfg config.Config, log *slog.Logger) (end func(error), err error) {
	digest, err := configDigest(cfg)
	if err != nil {
		return nil, err
	}
	// A disk that is full or broken is a fault that the screen shows, not a reason to
	// show none.
	tell := func(err error) {
		if err != nil {
			log.Error("Cannot write into the audit log", "fault", fault.CodeOf(err), "err", err, "alarm", true)
		}
	}
	tell(outbox.Note(ctx, ksync.AuditProgram, "", wire.AuditVersion(version)))
	tell(outbox.NoteConfig(ctx, digest))
	return func(err error) {
		how := "ok"
		if err != nil {
			how = "failed"
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		tell(outbox.Note(ctx, ksync.AuditStopped, "", how))
	}, nil
}

// configDigest is a hash of everything that is configured, by file or flag.
func configDigest(cfg config.Config) ([sha256.Size]byte, error) {
	b, err := json.Marshal(cfg)
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("cannot compare the configuration: %w", err)
	}
	return sha256.Sum256(append([]byte("kioskd config v1\x00"), b...)), nil
}
