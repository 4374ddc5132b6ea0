-- What happened at kiosks, as their audit logs tell, and in the log of kiosk '' what
-- operators did here. Rows are never changed and never go.
CREATE TABLE audit (
	kiosk       TEXT NOT NULL,
	log         TEXT NOT NULL,
	n           INTEGER NOT NULL CHECK (n > 0),
	at          INTEGER NOT NULL,       -- seconds, by the kiosk's clock
	event       TEXT NOT NULL,
	subject     TEXT NOT NULL,
	detail      TEXT NOT NULL,
	hash        BLOB NOT NULL CHECK (length(hash) = 32),
	received_at INTEGER NOT NULL,
	PRIMARY KEY (kiosk, log, n)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER audit_is_final BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_stays BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

-- How far each log has come: rows that are cut off its end are missed.
CREATE TABLE audit_head (
	kiosk       TEXT NOT NULL,
	log         TEXT NOT NULL,
	prior       TEXT NOT NULL,
	base        INTEGER NOT NULL,
	base_hash   BLOB NOT NULL CHECK (length(base_hash) = 32),
	n           INTEGER NOT NULL,
	hash        BLOB NOT NULL CHECK (length(hash) = 32),
	at          INTEGER NOT NULL,
	whole       INTEGER,
	PRIMARY KEY (kiosk, log)
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_head_log ON audit_head (log);
CREATE TRIGGER audit_head_goes_on BEFORE UPDATE ON audit_head
WHEN new.n < old.n OR new.kiosk <> old.kiosk OR new.log <> old.log OR new.prior <> old.prior
	OR new.base <> old.base OR new.base_hash <> old.base_hash
BEGIN SELECT RAISE(ABORT, 'an audit log does not go back'); END;
CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

-- Batches that were not taken, for whoever looks into it.
CREATE TABLE audit_evidence (
	n       INTEGER PRIMARY KEY,
	kiosk   TEXT NOT NULL,
	log     TEXT NOT NULL,
	verdict TEXT NOT NULL,
	batch   BLOB NOT NULL,
	hash    BLOB NOT NULL,
	at      INTEGER NOT NULL,
	UNIQUE (kiosk, log, hash)
) STRICT;
