CREATE TABLE kiosk (
	id          TEXT PRIMARY KEY,
	enrolled_at INTEGER NOT NULL,
	reported_at INTEGER,
	report      TEXT
) STRICT, WITHOUT ROWID;

-- The truth about what a kiosk handed over. A row is never changed.
CREATE TABLE submission (
	n             INTEGER PRIMARY KEY,
	id            TEXT NOT NULL UNIQUE,
	kiosk         TEXT NOT NULL,
	schema        INTEGER NOT NULL,
	key_id        TEXT NOT NULL,
	sealed        BLOB NOT NULL,
	hash          BLOB NOT NULL CHECK (length(hash) = 32),
	kind          TEXT NOT NULL,          -- '' when it could not be read
	document_hash BLOB UNIQUE,            -- one document counts once
	signed_at     INTEGER,
	stored_at     INTEGER NOT NULL,
	accepted      INTEGER NOT NULL CHECK (accepted IN (0, 1)),
	verdict       TEXT NOT NULL,
	checks        TEXT NOT NULL,
	summary       TEXT NOT NULL,
	ack           BLOB NOT NULL
) STRICT;
CREATE INDEX submission_kiosk ON submission (kiosk, n);
CREATE INDEX submission_kind ON submission (kind, accepted, n);

CREATE TRIGGER submission_is_final BEFORE UPDATE ON submission
BEGIN SELECT RAISE(ABORT, 'a stored submission is never changed'); END;

CREATE TABLE quarantine (
	n          INTEGER PRIMARY KEY,
	submission TEXT NOT NULL,
	kiosk      TEXT NOT NULL,
	hash       BLOB NOT NULL,
	sealed     BLOB NOT NULL,
	reason     TEXT NOT NULL,
	at         INTEGER NOT NULL,
	UNIQUE (submission, kiosk, hash)
) STRICT;

CREATE TABLE alarm (
	kind    TEXT NOT NULL,
	kiosk   TEXT NOT NULL,
	subject TEXT NOT NULL,
	text    TEXT NOT NULL,
	first   INTEGER NOT NULL,
	last    INTEGER NOT NULL,
	times   INTEGER NOT NULL,
	PRIMARY KEY (kind, kiosk, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX alarm_last ON alarm (last);

CREATE TABLE answer (
	kiosk       TEXT NOT NULL,
	scope       TEXT NOT NULL,
	request_id  TEXT NOT NULL,
	request_tag TEXT NOT NULL,
	status      INTEGER NOT NULL,
	sealed      BLOB NOT NULL,
	expires     INTEGER NOT NULL,
	PRIMARY KEY (kiosk, scope, request_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX answer_expires ON answer (expires);
