-- The schema as migrations 1 to 1 make it, with a few invented rows as the program of
-- then wrote them, for the test of upgrades. It never changes.
CREATE TABLE schema_migrations (
	version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());

-- 001_hub.sql
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
INSERT INTO schema_migrations (version, name) VALUES (1, '001_hub.sql');

-- The rows.
INSERT INTO kiosk (id, enrolled_at) VALUES ('kiosk-1', '2026-09-21 14:13:20+00');
UPDATE kiosk SET reported_at = '2026-09-21 14:13:29+00', report = '{"version":"v0.3","screen":"top","devices":{"reader":"ready"},"queued":2,"faults":["paper_out"]}' WHERE id = 'kiosk-1';
INSERT INTO kiosk (id, enrolled_at) VALUES ('kiosk-2', '2026-09-21 14:13:30+00');
INSERT INTO submission (id, kiosk, schema, key_id, sealed, hash, kind, document_hash, signed_at, stored_at, accepted, verdict, checks, summary, ack) VALUES ('5Q8F5Y3ERGE0SMB1MMEX5DE53D', 'kiosk-1', 1, 'seal-0123456789abcdef', '\x7365616c6564207265736572766174696f6e', '\x2ae7f67d1524b78d94e7e734333d8ee05b2fbfd9ced116619960d6c925782299', 'reservation', '\x9efa077f044e7a779c655f8d8e8760cacd16ce2347b6aa10e45b18fb5325fdd6', '2026-09-21 14:13:21+00', '2026-09-21 14:13:22+00', true, '{"accepted":true,"mykey_id":"ZEBRAMYKEY"}', '[{"name":"seal","ok":true},{"name":"verdict","ok":true}]', '{"person":"ZEBRAPERSON","guardian":true}', '\x7b2261636b223a20225a45425241206f6620746865207265736572766174696f6e227d');
INSERT INTO submission (id, kiosk, schema, key_id, sealed, hash, kind, document_hash, signed_at, stored_at, accepted, verdict, checks, summary, ack) VALUES ('1DJGDFW40KP2K980J87D2YMM2Z', 'kiosk-1', 1, 'seal-0123456789abcdef', '\x7365616c6564206170706c69636174696f6e', '\x27a75c209070dcf663eb65dbb02ae2d64930b3d4c1771c54f93e41aba41c2189', 'application', '\x1fe289205936c3fdb61158223892c7a8bee6ff4dfa085ea1c094ce0294e32114', '2026-09-21 14:13:23+00', '2026-09-21 14:13:24+00', false, '{"accepted":false,"code":"not_reserved"}', '[{"name":"seal","ok":true},{"name":"verdict","ok":false}]', '{"service":"waon","service_id":"••••ZEBRA","person":"ZEBRAPERSON"}', '\x7b2261636b223a20225a45425241206f6620746865206170706c69636174696f6e227d');
INSERT INTO submission (id, kiosk, schema, key_id, sealed, hash, kind, document_hash, signed_at, stored_at, accepted, verdict, checks, summary, ack) VALUES ('2PNRYW8SRTS2GQW740NC8X3NQZ', 'kiosk-1', 1, 'seal-0123456789abcdef', '\x7365616c65642072756262697368', '\x1973f22562d70379e07da7349432d7726ba1d8a8bd22122b0e06ecbde2de5da5', '', NULL, NULL, '2026-09-21 14:13:26+00', false, '{"accepted":false,"code":"document_refused"}', '[{"name":"seal","ok":false,"detail":"ZEBRADETAIL"}]', '{}', '\x7b2261636b223a20225a45425241206f662072756262697368227d');
INSERT INTO quarantine (submission, kiosk, hash, sealed, reason, at) VALUES ('5Q8F5Y3ERGE0SMB1MMEX5DE53D', 'kiosk-1', '\xae980e7cf18fb21f7d6e46399ef0c2240bd14f4707eb1a0a511e06ab5d0ed04b', '\x7365616c6564206f7468657277697365', 'ZEBRAREASON', '2026-09-21 14:13:27+00');
INSERT INTO alarm (kind, kiosk, subject, text, first, last, times) VALUES ('submission_conflict', 'kiosk-1', '5Q8F5Y3ERGE0SMB1MMEX5DE53D', 'ZEBRATEXT', '2026-09-21 14:13:27+00', '2026-09-21 14:13:28+00', 3);
INSERT INTO answer (kiosk, scope, request_id, request_tag, status, sealed, expires) VALUES ('kiosk-1', '/v1/issue/complete', 'request-1', 'tag-1', 200, '\xe0217477c2da66da1f74119b622daae2cd191290891cfe852197e2e8947b7d0eab62225c16d5d01c60ec7ea9e1528589b983a55511', '2099-01-01 00:00:00+00');
INSERT INTO call (kiosk, scope, request_id, token, until) VALUES ('kiosk-2', '/v1/issue/complete', 'request-2', 'token of a hub that died', '2026-09-21 14:13:29+00');
INSERT INTO owner (keys) VALUES ('keys of the hub');
