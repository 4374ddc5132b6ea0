-- What is personal is sealed: private holds it, vault_key says with which key. In
-- rows of the first version both are NULL, until they are sealed as well.
ALTER TABLE submission ADD COLUMN private BLOB;   -- verdict, checks, summary, ack
ALTER TABLE submission ADD COLUMN vault_key TEXT;
ALTER TABLE quarantine ADD COLUMN private BLOB;   -- reason
ALTER TABLE quarantine ADD COLUMN vault_key TEXT;
ALTER TABLE alarm ADD COLUMN private BLOB;        -- text
ALTER TABLE alarm ADD COLUMN vault_key TEXT;
ALTER TABLE answer ADD COLUMN vault_key TEXT;     -- of sealed
CREATE INDEX submission_vault_key ON submission (vault_key, n);

-- A stored submission is never changed, but that its sealed bytes are cleared when
-- they have been kept for long enough, and that its private part is sealed (anew).
DROP TRIGGER submission_is_final;
CREATE TRIGGER submission_is_final BEFORE UPDATE ON submission
WHEN NOT (
	NEW.n IS OLD.n AND NEW.id IS OLD.id AND NEW.kiosk IS OLD.kiosk AND NEW.schema IS OLD.schema AND NEW.key_id IS OLD.key_id
	AND NEW.hash IS OLD.hash AND NEW.kind IS OLD.kind AND NEW.document_hash IS OLD.document_hash
	AND NEW.signed_at IS OLD.signed_at AND NEW.stored_at IS OLD.stored_at AND NEW.accepted IS OLD.accepted
	AND (NEW.sealed IS OLD.sealed OR NEW.sealed = x'')
	AND (
		NEW.private IS OLD.private AND NEW.vault_key IS OLD.vault_key AND NEW.verdict IS OLD.verdict
		AND NEW.checks IS OLD.checks AND NEW.summary IS OLD.summary AND NEW.ack IS OLD.ack
		OR ifnull(length(NEW.private), 0) > 0 AND NEW.private IS NOT OLD.private AND ifnull(NEW.vault_key, '') <> ''
		AND NEW.vault_key IS NOT OLD.vault_key AND NEW.sealed IS OLD.sealed
		AND NEW.verdict = '' AND NEW.checks = '' AND NEW.summary = '' AND NEW.ack = x''
	)
)
BEGIN SELECT RAISE(ABORT, 'a stored submission is never changed'); END;

-- What retention looks for.
CREATE INDEX submission_kept ON submission (stored_at) WHERE sealed <> x'';
CREATE INDEX quarantine_at ON quarantine (at);

-- Of several hubs one does what has a name here, until the lease ends.
CREATE TABLE lease (
	name   TEXT PRIMARY KEY,
	holder TEXT NOT NULL,
	until  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What a kiosk has left: the budget is full at full_at, and lacks the time until then.
CREATE TABLE budget (
	kiosk   TEXT NOT NULL,
	what    TEXT NOT NULL,
	full_at INTEGER NOT NULL,  -- microseconds
	PRIMARY KEY (kiosk, what)
) STRICT, WITHOUT ROWID;
CREATE INDEX budget_full_at ON budget (full_at);

-- By what each key of the vault is known again.
CREATE TABLE vault_key (
	id    TEXT PRIMARY KEY,
	proof BLOB NOT NULL
) STRICT, WITHOUT ROWID;
