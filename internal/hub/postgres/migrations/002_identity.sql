ALTER TABLE kiosk
	ADD COLUMN name        text NOT NULL DEFAULT '',
	ADD COLUMN key_hash    bytea,
	ADD COLUMN cert_until  timestamptz,
	ADD COLUMN revoked_at  timestamptz,
	ADD COLUMN revoked_for text NOT NULL DEFAULT '';
CREATE INDEX kiosk_revoked ON kiosk (id) WHERE revoked_at IS NOT NULL;

-- The right to enrol once; the token itself is stored nowhere.
CREATE TABLE invitation (
	token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
	name       text NOT NULL,
	made       timestamptz NOT NULL,
	expires    timestamptz NOT NULL,
	used_at    timestamptz,
	used_by    text COLLATE "C"
);

CREATE TABLE certificate (
	serial  text COLLATE "C" PRIMARY KEY,
	kiosk   text COLLATE "C" NOT NULL,
	issued  timestamptz NOT NULL,
	expires timestamptz NOT NULL
);
CREATE INDEX certificate_kiosk ON certificate (kiosk, issued);

-- Which hubs live, by this server's clock, and which links they hold. Each hub
-- puts back what is missing of its own, so neither table is worth a flush of the
-- disk, or a place in the log.
CREATE UNLOGGED TABLE hub (
	id    text COLLATE "C" PRIMARY KEY,
	until timestamptz NOT NULL
);

CREATE UNLOGGED TABLE link (
	n      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- the order in which links were added
	id     text COLLATE "C" NOT NULL UNIQUE,
	kiosk  text COLLATE "C" NOT NULL,
	run    text COLLATE "C" NOT NULL,
	hub    text COLLATE "C" NOT NULL,
	remote text NOT NULL,
	since  timestamptz NOT NULL
);
CREATE INDEX link_kiosk ON link (kiosk, n);
CREATE INDEX link_hub ON link (hub);
