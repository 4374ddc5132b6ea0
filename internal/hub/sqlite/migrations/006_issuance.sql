-- What issuers gave, noted before a kiosk hears of it: an ID on a screen has a row here,
-- whatever fails at the kiosk.
CREATE TABLE issuance (
	n         INTEGER PRIMARY KEY,
	tag       TEXT NOT NULL UNIQUE, -- keyed hash of the issuer's reference
	kiosk     TEXT NOT NULL,
	issued_at INTEGER NOT NULL,     -- by the issuer's clock
	record    TEXT,                 -- the submission that is the kiosk's record of it; NULL: none has come
	private   BLOB NOT NULL,        -- reference and service, sealed
	vault_key TEXT NOT NULL         -- of private
) STRICT;
CREATE INDEX issuance_kiosk ON issuance (kiosk, n);
CREATE INDEX issuance_unrecorded ON issuance (n) WHERE record IS NULL;
CREATE INDEX issuance_vault_key ON issuance (vault_key, n);

-- An issuance is never changed, but that its record comes, once, and that its private
-- part is sealed anew.
CREATE TRIGGER issuance_is_final BEFORE UPDATE ON issuance
WHEN NOT (
	NEW.n IS OLD.n AND NEW.tag IS OLD.tag AND NEW.kiosk IS OLD.kiosk AND NEW.issued_at IS OLD.issued_at
	AND (
		NEW.private IS OLD.private AND NEW.vault_key IS OLD.vault_key AND (OLD.record IS NULL OR NEW.record IS OLD.record)
		OR length(NEW.private) > 0 AND NEW.private IS NOT OLD.private AND NEW.vault_key <> '' AND NEW.vault_key IS NOT OLD.vault_key
		AND NEW.record IS OLD.record
	)
)
BEGIN SELECT RAISE(ABORT, 'an issuance is never changed'); END;
CREATE TRIGGER issuance_stays BEFORE DELETE ON issuance
BEGIN SELECT RAISE(ABORT, 'an issuance is never changed'); END;
