-- Names and ids compare byte by byte, whatever the database's own collation
-- says: lists have one order on every server. json, not jsonb, keeps texts as
-- they were written.
CREATE TABLE kiosk (
	id          text COLLATE "C" PRIMARY KEY,
	enrolled_at timestamptz NOT NULL,
	reported_at timestamptz,
	report      json
);

-- The truth about what a kiosk handed over. A row is never changed.
CREATE TABLE submission (
	n             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	id            text COLLATE "C" NOT NULL UNIQUE,
	kiosk         text COLLATE "C" NOT NULL,
	schema        integer NOT NULL,
	key_id        text COLLATE "C" NOT NULL,
	sealed        bytea NOT NULL,
	hash          bytea NOT NULL CHECK (octet_length(hash) = 32),
	kind          text COLLATE "C" NOT NULL, -- '' when it could not be read
	document_hash bytea UNIQUE,              -- one document counts once
	signed_at     timestamptz,
	stored_at     timestamptz NOT NULL,
	accepted      boolean NOT NULL,
	verdict       json NOT NULL,
	checks        json NOT NULL,
	summary       json NOT NULL,
	ack           bytea NOT NULL
);
CREATE INDEX submission_kiosk ON submission (kiosk, n);
CREATE INDEX submission_kind ON submission (kind, accepted, n);
-- What is sealed does not compress.
ALTER TABLE submission ALTER COLUMN sealed SET STORAGE EXTERNAL;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'a stored submission is never changed';
END $$;
CREATE TRIGGER submission_is_final BEFORE UPDATE ON submission
	FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE quarantine (
	n          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	submission text COLLATE "C" NOT NULL,
	kiosk      text COLLATE "C" NOT NULL,
	hash       bytea NOT NULL,
	sealed     bytea NOT NULL,
	reason     text NOT NULL,
	at         timestamptz NOT NULL,
	UNIQUE (submission, kiosk, hash)
);

CREATE TABLE alarm (
	kind    text COLLATE "C" NOT NULL,
	kiosk   text COLLATE "C" NOT NULL,
	subject text COLLATE "C" NOT NULL,
	text    text NOT NULL,
	first   timestamptz NOT NULL,
	last    timestamptz NOT NULL,
	times   integer NOT NULL,
	PRIMARY KEY (kind, kiosk, subject)
);
CREATE INDEX alarm_last ON alarm (last);

CREATE TABLE answer (
	kiosk       text COLLATE "C" NOT NULL,
	scope       text COLLATE "C" NOT NULL,
	request_id  text COLLATE "C" NOT NULL,
	request_tag text NOT NULL,
	status      integer NOT NULL,
	sealed      bytea NOT NULL,
	expires     timestamptz NOT NULL,
	PRIMARY KEY (kiosk, scope, request_id)
);
CREATE INDEX answer_expires ON answer (expires);

-- Interactive calls that a hub is making now. What a dead hub left ends at
-- until, by this server's clock.
CREATE TABLE call (
	kiosk      text COLLATE "C" NOT NULL,
	scope      text COLLATE "C" NOT NULL,
	request_id text COLLATE "C" NOT NULL,
	token      text NOT NULL,
	until      timestamptz NOT NULL,
	PRIMARY KEY (kiosk, scope, request_id)
);

-- Whose keys this database belongs to: all its hubs hold the same.
CREATE TABLE owner (
	one  boolean PRIMARY KEY DEFAULT true CHECK (one),
	keys text NOT NULL
);
