-- What happened at kiosks, as their audit logs tell, and in the log of kiosk '' what
-- operators did here. Rows are never changed and never go.
CREATE TABLE audit (
	kiosk       text COLLATE "C" NOT NULL,
	log         text COLLATE "C" NOT NULL,
	n           bigint NOT NULL CHECK (n > 0),
	at          bigint NOT NULL, -- seconds, by the kiosk's clock
	event       text COLLATE "C" NOT NULL,
	subject     text COLLATE "C" NOT NULL,
	detail      text COLLATE "C" NOT NULL,
	hash        bytea NOT NULL CHECK (octet_length(hash) = 32),
	received_at timestamptz NOT NULL,
	PRIMARY KEY (kiosk, log, n)
);

CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'the audit log is append-only';
END $$;
CREATE TRIGGER audit_is_final BEFORE UPDATE OR DELETE ON audit
	FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_stays BEFORE TRUNCATE ON audit
	FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

-- How far each log has come: rows that are cut off its end are missed.
CREATE TABLE audit_head (
	kiosk     text COLLATE "C" NOT NULL,
	log       text COLLATE "C" NOT NULL,
	prior     text COLLATE "C" NOT NULL,
	base      bigint NOT NULL,
	base_hash bytea NOT NULL CHECK (octet_length(base_hash) = 32),
	n         bigint NOT NULL,
	hash      bytea NOT NULL CHECK (octet_length(hash) = 32),
	at        timestamptz NOT NULL,
	whole     timestamptz,
	PRIMARY KEY (kiosk, log)
);
CREATE INDEX audit_head_log ON audit_head (log);
CREATE TRIGGER audit_head_goes_on BEFORE UPDATE ON audit_head FOR EACH ROW
	WHEN (new.n < old.n OR new.kiosk <> old.kiosk OR new.log <> old.log OR new.prior <> old.prior
		OR new.base <> old.base OR new.base_hash <> old.base_hash)
	EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head
	FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_heads_stay BEFORE TRUNCATE ON audit_head
	FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

-- Batches that were not taken, for whoever looks into it.
CREATE TABLE audit_evidence (
	n       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kiosk   text COLLATE "C" NOT NULL,
	log     text COLLATE "C" NOT NULL,
	verdict text COLLATE "C" NOT NULL,
	batch   bytea NOT NULL,
	hash    bytea NOT NULL,
	at      timestamptz NOT NULL,
	UNIQUE (kiosk, log, hash)
);
