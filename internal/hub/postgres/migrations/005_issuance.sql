-- What issuers gave, noted before a kiosk hears of it: an ID on a screen has a row here,
-- whatever fails at the kiosk.
CREATE TABLE issuance (
	n         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	tag       text COLLATE "C" NOT NULL UNIQUE, -- keyed hash of the issuer's reference
	kiosk     text COLLATE "C" NOT NULL,
	issued_at timestamptz NOT NULL,             -- by the issuer's clock
	record    text COLLATE "C",                 -- the submission that is the kiosk's record of it; NULL: none has come
	private   bytea NOT NULL,                   -- reference and service, sealed
	vault_key text COLLATE "C" NOT NULL         -- of private
);
CREATE INDEX issuance_kiosk ON issuance (kiosk, n);
CREATE INDEX issuance_unrecorded ON issuance (n) WHERE record IS NULL;
CREATE INDEX issuance_vault_key ON issuance (vault_key, n);

-- An issuance is never changed, but that its record comes, once, and that its private
-- part is sealed anew.
CREATE FUNCTION refuse_issuance_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'UPDATE' AND (NEW.n, NEW.tag, NEW.kiosk, NEW.issued_at) IS NOT DISTINCT FROM (OLD.n, OLD.tag, OLD.kiosk, OLD.issued_at) THEN
		IF (NEW.private, NEW.vault_key) IS NOT DISTINCT FROM (OLD.private, OLD.vault_key)
			AND (OLD.record IS NULL OR NEW.record IS NOT DISTINCT FROM OLD.record)
		THEN
			RETURN NEW;
		END IF;
		IF octet_length(NEW.private) > 0 AND NEW.private IS DISTINCT FROM OLD.private AND NEW.vault_key <> '' AND NEW.vault_key IS DISTINCT FROM OLD.vault_key
			AND NEW.record IS NOT DISTINCT FROM OLD.record
		THEN
			RETURN NEW;
		END IF;
	END IF;
	RAISE EXCEPTION 'an issuance is never changed';
END $$;
CREATE TRIGGER issuance_is_final BEFORE UPDATE OR DELETE ON issuance
	FOR EACH ROW EXECUTE FUNCTION refuse_issuance_change();
CREATE TRIGGER issuances_stay BEFORE TRUNCATE ON issuance
	FOR EACH STATEMENT EXECUTE FUNCTION refuse_issuance_change();
