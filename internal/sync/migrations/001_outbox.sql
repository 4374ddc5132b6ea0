-- Nothing personal stands in clear in any of these tables.

-- One row a visit that committed something. A row without "ended" from an
-- earlier run is a visit whose shopper may not have seen its end.
CREATE TABLE visits (
  id    TEXT    PRIMARY KEY,          -- run / visit
  run   TEXT    NOT NULL,             -- which start of the daemon
  ended INTEGER NOT NULL DEFAULT 0 CHECK (ended IN (0, 1))
) STRICT;

-- What waits for its acknowledgement, sealed.
CREATE TABLE submissions (
  n        INTEGER PRIMARY KEY AUTOINCREMENT, -- order of commit
  id       TEXT    NOT NULL UNIQUE CHECK (length(id) = 26),
  visit    TEXT    NOT NULL REFERENCES visits (id),
  seq      INTEGER NOT NULL,
  kind     TEXT    NOT NULL CHECK (kind IN ('issuance', 'reservation', 'application')),
  number   TEXT    NOT NULL,
  kiosk    TEXT    NOT NULL,
  schema   INTEGER NOT NULL,
  key_id   TEXT    NOT NULL,
  sealed   BLOB    NOT NULL,
  hash     BLOB    NOT NULL CHECK (length(hash) = 32),
  state    TEXT    NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'quarantined')),
  reason   TEXT    NOT NULL DEFAULT '',
  attempts INTEGER NOT NULL DEFAULT 0,
  created  INTEGER NOT NULL,          -- the kiosk's clock: for people, never for decisions
  UNIQUE (visit, seq)
) STRICT;

-- The slip that belongs to each submission. It outlives the submission.
CREATE TABLE slips (
  submission TEXT    PRIMARY KEY,
  visit      TEXT    NOT NULL REFERENCES visits (id),
  seq        INTEGER NOT NULL,
  kind       TEXT    NOT NULL,        -- of the submission
  number     TEXT    NOT NULL,
  slip       TEXT    NOT NULL,        -- '' when no slip belongs to it
  state      TEXT    NOT NULL CHECK (state IN
               ('none', 'queued', 'sending', 'printed', 'unconfirmed', 'failed', 'unknown')),
  reprints   INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX slips_of_visit ON slips (visit, seq);

-- What happened, for ever, each row bound to the one before it.
CREATE TABLE audit (
  n       INTEGER PRIMARY KEY,
  at      INTEGER NOT NULL,
  event   TEXT    NOT NULL,
  subject TEXT    NOT NULL,           -- a submission ID or visit, or ''
  detail  TEXT    NOT NULL,           -- a word from a closed set, or a hash
  hash    BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX audit_acknowledged ON audit (subject) WHERE event = 'acknowledged';

CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit
BEGIN SELECT RAISE (ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_never_shrinks BEFORE DELETE ON audit
BEGIN SELECT RAISE (ABORT, 'the audit log is append-only'); END;

-- The last line of defence against losing a submission, below all Go code.
CREATE TRIGGER submissions_need_acknowledgement BEFORE DELETE ON submissions
WHEN NOT EXISTS (SELECT 1 FROM audit WHERE event = 'acknowledged' AND subject = old.id)
BEGIN SELECT RAISE (ABORT, 'this submission is not acknowledged'); END;
CREATE TRIGGER submissions_never_change BEFORE UPDATE OF n, id, visit, seq, kiosk, schema, key_id, sealed, hash ON submissions
BEGIN SELECT RAISE (ABORT, 'a submission does not change'); END;
