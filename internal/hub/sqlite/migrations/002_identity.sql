ALTER TABLE kiosk ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE kiosk ADD COLUMN key_hash BLOB;
ALTER TABLE kiosk ADD COLUMN cert_until INTEGER;
ALTER TABLE kiosk ADD COLUMN revoked_at INTEGER;
ALTER TABLE kiosk ADD COLUMN revoked_for TEXT NOT NULL DEFAULT '';
CREATE INDEX kiosk_revoked ON kiosk (id) WHERE revoked_at IS NOT NULL;

-- The right to enrol once; the token itself is stored nowhere.
CREATE TABLE invitation (
	token_hash BLOB PRIMARY KEY CHECK (length(token_hash) = 32),
	name       TEXT NOT NULL,
	made       INTEGER NOT NULL,
	expires    INTEGER NOT NULL,
	used_at    INTEGER,
	used_by    TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE certificate (
	serial  TEXT PRIMARY KEY,
	kiosk   TEXT NOT NULL,
	issued  INTEGER NOT NULL,
	expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX certificate_kiosk ON certificate (kiosk, issued);

CREATE TABLE hub (
	id    TEXT PRIMARY KEY,
	until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE link (
	n      INTEGER PRIMARY KEY AUTOINCREMENT, -- the order in which links were added
	id     TEXT NOT NULL UNIQUE,
	kiosk  TEXT NOT NULL,
	run    TEXT NOT NULL,
	hub    TEXT NOT NULL,
	remote TEXT NOT NULL,
	since  INTEGER NOT NULL
) STRICT;
CREATE INDEX link_kiosk ON link (kiosk, n);
CREATE INDEX link_hub ON link (hub);
