-- The schema as migrations 1 to 3 make it, with a few invented rows as the program of
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

-- 002_identity.sql
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
INSERT INTO schema_migrations (version, name) VALUES (2, '002_identity.sql');

-- 003_audit.sql
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
INSERT INTO schema_migrations (version, name) VALUES (3, '003_audit.sql');

-- The rows.
INSERT INTO kiosk (id, enrolled_at) VALUES ('kiosk-1', '2026-09-21 14:13:20+00');
UPDATE kiosk SET reported_at = '2026-09-21 14:13:29+00', report = '{"version":"v0.3","screen":"top","devices":{"reader":"ready"},"queued":2,"faults":["paper_out"]}' WHERE id = 'kiosk-1';
INSERT INTO kiosk (id, enrolled_at) VALUES ('kiosk-2', '2026-09-21 14:13:30+00');
INSERT INTO kiosk (id, name, key_hash, enrolled_at) VALUES ('kiosk-3', '新宿 3', '\x3d3ee11c2fbf7f6a6b1e6aa16c382631ec5f1fbfc50ca3ba5a89d366d22eeaef', '2026-09-21 14:13:31+00');
UPDATE kiosk SET cert_until = '2026-09-21 14:28:20+00', revoked_for = 'stolen', revoked_at = '2026-09-21 14:13:34+00' WHERE id = 'kiosk-3';
INSERT INTO submission (id, kiosk, schema, key_id, sealed, hash, kind, document_hash, signed_at, stored_at, accepted, verdict, checks, summary, ack) VALUES ('5Q8F5Y3ERGE0SMB1MMEX5DE53D', 'kiosk-1', 1, 'seal-0123456789abcdef', '\x7365616c6564207265736572766174696f6e', '\x2ae7f67d1524b78d94e7e734333d8ee05b2fbfd9ced116619960d6c925782299', 'reservation', '\x9efa077f044e7a779c655f8d8e8760cacd16ce2347b6aa10e45b18fb5325fdd6', '2026-09-21 14:13:21+00', '2026-09-21 14:13:22+00', true, '{"accepted":true,"mykey_id":"ZEBRAMYKEY"}', '[{"name":"seal","ok":true},{"name":"verdict","ok":true}]', '{"person":"ZEBRAPERSON","guardian":true}', '\x7b2261636b223a20225a45425241206f6620746865207265736572766174696f6e227d');
INSERT INTO submission (id, kiosk, schema, key_id, sealed, hash, kind, document_hash, signed_at, stored_at, accepted, verdict, checks, summary, ack) VALUES ('1DJGDFW40KP2K980J87D2YMM2Z', 'kiosk-1', 1, 'seal-0123456789abcdef', '\x7365616c6564206170706c69636174696f6e', '\x27a75c209070dcf663eb65dbb02ae2d64930b3d4c1771c54f93e41aba41c2189', 'application', '\x1fe289205936c3fdb61158223892c7a8bee6ff4dfa085ea1c094ce0294e32114', '2026-09-21 14:13:23+00', '2026-09-21 14:13:24+00', false, '{"accepted":false,"code":"not_reserved"}', '[{"name":"seal","ok":true},{"name":"verdict","ok":false}]', '{"service":"waon","service_id":"••••ZEBRA","person":"ZEBRAPERSON"}', '\x7b2261636b223a20225a45425241206f6620746865206170706c69636174696f6e227d');
INSERT INTO submission (id, kiosk, schema, key_id, sealed, hash, kind, document_hash, signed_at, stored_at, accepted, verdict, checks, summary, ack) VALUES ('2PNRYW8SRTS2GQW740NC8X3NQZ', 'kiosk-1', 1, 'seal-0123456789abcdef', '\x7365616c65642072756262697368', '\x1973f22562d70379e07da7349432d7726ba1d8a8bd22122b0e06ecbde2de5da5', '', NULL, NULL, '2026-09-21 14:13:26+00', false, '{"accepted":false,"code":"document_refused"}', '[{"name":"seal","ok":false,"detail":"ZEBRADETAIL"}]', '{}', '\x7b2261636b223a20225a45425241206f662072756262697368227d');
INSERT INTO quarantine (submission, kiosk, hash, sealed, reason, at) VALUES ('5Q8F5Y3ERGE0SMB1MMEX5DE53D', 'kiosk-1', '\xae980e7cf18fb21f7d6e46399ef0c2240bd14f4707eb1a0a511e06ab5d0ed04b', '\x7365616c6564206f7468657277697365', 'ZEBRAREASON', '2026-09-21 14:13:27+00');
INSERT INTO alarm (kind, kiosk, subject, text, first, last, times) VALUES ('submission_conflict', 'kiosk-1', '5Q8F5Y3ERGE0SMB1MMEX5DE53D', 'ZEBRATEXT', '2026-09-21 14:13:27+00', '2026-09-21 14:13:28+00', 3);
INSERT INTO answer (kiosk, scope, request_id, request_tag, status, sealed, expires) VALUES ('kiosk-1', '/v1/issue/complete', 'request-1', 'tag-1', 200, '\x3fdcb4f9620232ed256fa9243ea98ca2890f99c8c655bc6cb247535c2470d53136d4daafede9afc20a7e38ad71f56dd71288fe6ddb', '2099-01-01 00:00:00+00');
INSERT INTO call (kiosk, scope, request_id, token, until) VALUES ('kiosk-2', '/v1/issue/complete', 'request-2', 'token of a hub that died', '2026-09-21 14:13:29+00');
INSERT INTO owner (keys) VALUES ('keys of the hub');
INSERT INTO invitation (token_hash, name, made, expires, used_at, used_by) VALUES ('\x96d848e0ea5aa5b4c2549bfc1e4075175f0f895615f0950807c0cd378895dc96', '新宿 3', '2026-09-21 14:13:30+00', '2099-01-01 00:00:00+00', '2026-09-21 14:13:31+00', 'kiosk-3');
INSERT INTO invitation (token_hash, name, made, expires) VALUES ('\x3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0', '渋谷 5', '2026-09-21 14:13:32+00', '2099-01-01 00:00:00+00');
INSERT INTO certificate (serial, kiosk, issued, expires) VALUES ('0b', 'kiosk-3', '2026-09-21 14:13:33+00', '2026-09-21 14:28:20+00');
INSERT INTO certificate (serial, kiosk, issued, expires) VALUES ('0a', 'kiosk-3', '2026-09-21 14:13:31+00', '2026-09-21 14:26:40+00');
INSERT INTO hub (id, until) VALUES ('hub-1', '2099-01-01 00:00:00+00');
INSERT INTO link (id, kiosk, run, hub, remote, since) VALUES ('link-1', 'kiosk-1', 'run-1', 'hub-1', '192.0.2.1:4321', '2026-09-21 14:13:35+00');
INSERT INTO alarm (kind, kiosk, subject, text, first, last, times) VALUES ('audit_gap', 'kiosk-1', '6G6C51P29VJP6HB7NMWJ4X4Q2C', 'goes on with entry 9, and the hub has 4', '2026-09-21 14:13:40+00', '2026-09-21 14:13:40+00', 1);
INSERT INTO audit (kiosk, log, n, at, event, subject, detail, hash, received_at) VALUES ('kiosk-1', '6G6C51P29VJP6HB7NMWJ4X4Q2C', 1, 1790000000, 'log_begun', '6G6C51P29VJP6HB7NMWJ4X4Q2C', '', '\x826f12f00a957c366a134f6d68d355b96286a5d19d615e3c548925babac6738e', '2026-09-21 14:13:37+00');
INSERT INTO audit (kiosk, log, n, at, event, subject, detail, hash, received_at) VALUES ('kiosk-1', '6G6C51P29VJP6HB7NMWJ4X4Q2C', 2, 1790000002, 'committed', '5Q8F5Y3ERGE0SMB1MMEX5DE53D', '2ae7f67d1524b78d94e7e734333d8ee05b2fbfd9ced116619960d6c925782299', '\x2f9bc0e565a004ec293b36418dc28187d69c277f07089647c9697d24bc48da37', '2026-09-21 14:13:37+00');
INSERT INTO audit (kiosk, log, n, at, event, subject, detail, hash, received_at) VALUES ('kiosk-1', '6G6C51P29VJP6HB7NMWJ4X4Q2C', 3, 1790000004, 'committed', '1DJGDFW40KP2K980J87D2YMM2Z', '27a75c209070dcf663eb65dbb02ae2d64930b3d4c1771c54f93e41aba41c2189', '\x38d06360703466ab9897a8e3ac7565a155ef0edc8b719a18e74ed0946eac9438', '2026-09-21 14:13:37+00');
INSERT INTO audit (kiosk, log, n, at, event, subject, detail, hash, received_at) VALUES ('kiosk-1', '6G6C51P29VJP6HB7NMWJ4X4Q2C', 4, 1790000006, 'committed', '2PNRYW8SRTS2GQW740NC8X3NQZ', '1973f22562d70379e07da7349432d7726ba1d8a8bd22122b0e06ecbde2de5da5', '\x94fffcac551d6b99397c8e65cb3978bd6586e80c53faeac04fb96c0e9859ea1b', '2026-09-21 14:13:37+00');
INSERT INTO audit_head (kiosk, log, prior, base, base_hash, n, hash, at, whole) VALUES ('kiosk-1', '6G6C51P29VJP6HB7NMWJ4X4Q2C', '', 0, '\x0000000000000000000000000000000000000000000000000000000000000000', 4, '\x94fffcac551d6b99397c8e65cb3978bd6586e80c53faeac04fb96c0e9859ea1b', '2026-09-21 14:13:37+00', '2026-09-21 14:13:37+00');
INSERT INTO audit (kiosk, log, n, at, event, subject, detail, hash, received_at) VALUES ('', 'hub', 1, 1790000016, 'hub_started', '', '', '\x6f6fb9d1bbf23d09e9dac437e45cce34b11f8cc40e725ac9dbc18ec3e24feb98', '2026-09-21 14:13:37+00');
INSERT INTO audit_head (kiosk, log, prior, base, base_hash, n, hash, at, whole) VALUES ('', 'hub', '', 0, '\x0000000000000000000000000000000000000000000000000000000000000000', 1, '\x6f6fb9d1bbf23d09e9dac437e45cce34b11f8cc40e725ac9dbc18ec3e24feb98', '2026-09-21 14:13:37+00', '2026-09-21 14:13:37+00');
INSERT INTO audit_evidence (kiosk, log, verdict, batch, hash, at) VALUES ('kiosk-1', '6G6C51P29VJP6HB7NMWJ4X4Q2C', 'gap', '\x7b226c6f67223a2022364736433531503239564a50364842374e4d574a345834513243222c202268656164223a20397d', '\x7cb0dfaf0ae92aa8ad4940567570b65aef82404e96a654ef9de29f0e22c170b3', '2026-09-21 14:13:40+00');
