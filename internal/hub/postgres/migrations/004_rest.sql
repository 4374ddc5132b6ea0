-- What is personal is sealed: private holds it, vault_key says with which key. In
-- rows of the first version both are NULL, until they are sealed as well.
ALTER TABLE submission
	ADD COLUMN private bytea,                    -- verdict, checks, summary, ack
	ADD COLUMN vault_key text COLLATE "C",
	ALTER COLUMN verdict DROP NOT NULL, ALTER COLUMN checks DROP NOT NULL,
	ALTER COLUMN summary DROP NOT NULL, ALTER COLUMN ack DROP NOT NULL;
ALTER TABLE quarantine
	ADD COLUMN private bytea,                    -- reason
	ADD COLUMN vault_key text COLLATE "C",
	ALTER COLUMN reason DROP NOT NULL;
ALTER TABLE alarm
	ADD COLUMN private bytea,                    -- text
	ADD COLUMN vault_key text COLLATE "C",
	ALTER COLUMN text DROP NOT NULL;
ALTER TABLE answer ADD COLUMN vault_key text COLLATE "C";  -- of sealed
CREATE INDEX submission_vault_key ON submission (vault_key, n);

-- A stored submission is never changed, but that its sealed bytes are cleared when
-- they have been kept for long enough, and that its private part is sealed (anew).
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF (NEW.n, NEW.id, NEW.kiosk, NEW.schema, NEW.key_id, NEW.hash, NEW.kind, NEW.document_hash, NEW.signed_at, NEW.stored_at, NEW.accepted)
		IS NOT DISTINCT FROM
		(OLD.n, OLD.id, OLD.kiosk, OLD.schema, OLD.key_id, OLD.hash, OLD.kind, OLD.document_hash, OLD.signed_at, OLD.stored_at, OLD.accepted)
	THEN
		IF NEW.sealed = '' AND (NEW.private, NEW.vault_key, NEW.verdict::text, NEW.checks::text, NEW.summary::text, NEW.ack)
			IS NOT DISTINCT FROM (OLD.private, OLD.vault_key, OLD.verdict::text, OLD.checks::text, OLD.summary::text, OLD.ack)
		THEN
			RETURN NEW;
		END IF;
		IF octet_length(NEW.private) > 0 AND NEW.private IS DISTINCT FROM OLD.private AND NEW.vault_key <> '' AND NEW.vault_key IS DISTINCT FROM OLD.vault_key AND NEW.sealed = OLD.sealed
			AND NEW.verdict IS NULL AND NEW.checks IS NULL AND NEW.summary IS NULL AND NEW.ack IS NULL
		THEN
			RETURN NEW;
		END IF;
	END IF;
	RAISE EXCEPTION 'a stored submission is never changed';
END $$;

-- What retention looks for.
CREATE INDEX submission_kept ON submission (stored_at) WHERE octet_length(sealed) > 0;
CREATE INDEX quarantine_at ON quarantine (at);

-- Of several hubs one does what has a name here, until the lease ends.
CREATE TABLE lease (
	name   text COLLATE "C" PRIMARY KEY,
	holder text NOT NULL,
	until  timestamptz NOT NULL
);

-- What a kiosk has left: the budget is full at full_at, and lacks the time until then.
CREATE TABLE budget (
	kiosk   text COLLATE "C" NOT NULL,
	what    text COLLATE "C" NOT NULL,
	full_at timestamptz NOT NULL,
	PRIMARY KEY (kiosk, what)
);
CREATE INDEX budget_full_at ON budget (full_at);
CREATE INDEX call_until ON call (until);

-- By what each key of the vault is known again.
CREATE TABLE vault_key (
	id    text COLLATE "C" PRIMARY KEY,
	proof bytea NOT NULL
);
