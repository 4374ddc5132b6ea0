-- The schema as migrations 1 to 5 make it, with a few invented rows as the program of
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

-- 004_rest.sql
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
INSERT INTO schema_migrations (version, name) VALUES (4, '004_rest.sql');

-- 005_issuance.sql
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
INSERT INTO schema_migrations (version, name) VALUES (5, '005_issuance.sql');

-- The rows.
INSERT INTO kiosk (id, enrolled_at) VALUES ('kiosk-1', '2026-09-21 14:13:20+00');
UPDATE kiosk SET reported_at = '2026-09-21 14:13:29+00', report = '{"version":"v0.3","screen":"top","devices":{"reader":"ready"},"queued":2,"faults":["paper_out"]}' WHERE id = 'kiosk-1';
INSERT INTO kiosk (id, enrolled_at) VALUES ('kiosk-2', '2026-09-21 14:13:30+00');
INSERT INTO kiosk (id, name, key_hash, enrolled_at) VALUES ('kiosk-3', '新宿 3', '\x3d3ee11c2fbf7f6a6b1e6aa16c382631ec5f1fbfc50ca3ba5a89d366d22eeaef', '2026-09-21 14:13:31+00');
UPDATE kiosk SET cert_until = '2026-09-21 14:28:20+00', revoked_for = 'stolen', revoked_at = '2026-09-21 14:13:34+00' WHERE id = 'kiosk-3';
INSERT INTO submission (id, kiosk, schema, key_id, sealed, hash, kind, document_hash, signed_at, stored_at, accepted, private, vault_key) VALUES ('5Q8F5Y3ERGE0SMB1MMEX5DE53D', 'kiosk-1', 1, 'seal-0123456789abcdef', '\x7365616c6564207265736572766174696f6e', '\x2ae7f67d1524b78d94e7e734333d8ee05b2fbfd9ced116619960d6c925782299', 'reservation', '\x9efa077f044e7a779c655f8d8e8760cacd16ce2347b6aa10e45b18fb5325fdd6', '2026-09-21 14:13:21+00', '2026-09-21 14:13:22+00', true, '\x4b56326100d8f3cc04fc532fd216790df0a7717d495c790cb829b5d044e99ab6dd2e4799108709703ae5ff3f61ca9cc98e25aae0f39fee94182ed7b5b21c2287c28b17c3dea061ca713a3f7c57cfc6d24b65cebd90c74fc16c2823cdd8338cbc41783925d9937eb4de4e071347db8a6a24186be99e3cbe6e318f70802e5a65393d3872139d64f2d262ac0fb0c408dd6cc86a9955a2eb2d1cb41b6eb1591165d548165a8ab12b2390549cbd09daed57f42d650dbbaf9e14d5ea22982ddea40454837308880574ef83ae0892eb9c5c5c647fd32d75fd9cabf4073c58b241b5b0f5b9d1655b7e2108f5c045824d1a1b26d2cb323fd077fce2eac2df56127ea56e37c8a3765eb0952ea8be73', 'vault-6100d8f3cc04fc53');
INSERT INTO submission (id, kiosk, schema, key_id, sealed, hash, kind, document_hash, signed_at, stored_at, accepted, private, vault_key) VALUES ('1DJGDFW40KP2K980J87D2YMM2Z', 'kiosk-1', 1, 'seal-0123456789abcdef', '\x7365616c6564206170706c69636174696f6e', '\x27a75c209070dcf663eb65dbb02ae2d64930b3d4c1771c54f93e41aba41c2189', 'application', '\x1fe289205936c3fdb61158223892c7a8bee6ff4dfa085ea1c094ce0294e32114', '2026-09-21 14:13:23+00', '2026-09-21 14:13:24+00', false, '\x4b56326100d8f3cc04fc5387a520508bd30aa7ef99fd48f310d07fc5c57b4bdfd7cd0f491b3b83384e11fea798f65304278ddf1184767e8b4b724de532af314b2f27f15823af9d7012ca02dea393b270b45633dcfeb01b63152e44a1341638d77ec06a92b6892b7637008dfcda78e8191162466c3c2a55ddfe7fb53187b934252a8e3ba1194989ea541fd655960ebd17a151547119ad200a15a88c4339efb05ab5e1bd6ea28e8f2084181cea2f7ceae5d835eeeb8d89e95ab0b127bfb640250d1e79a961173f83f49a78ea25222164106598576dfcda7c14ecda350100a40aba696474b710cf65cab538608d4d5543e9dd64e3934bd9261d9d90ebf9ddb15207aa55dd0e3447679e1698df27d621128cfabd9951ccdd0ee20402058142e186b6a3ba87fdb74d3a0547f31324', 'vault-6100d8f3cc04fc53');
UPDATE submission SET sealed = '' WHERE id = '1DJGDFW40KP2K980J87D2YMM2Z';
INSERT INTO submission (id, kiosk, schema, key_id, sealed, hash, kind, document_hash, signed_at, stored_at, accepted, verdict, checks, summary, ack) VALUES ('2PNRYW8SRTS2GQW740NC8X3NQZ', 'kiosk-1', 1, 'seal-0123456789abcdef', '\x7365616c65642072756262697368', '\x1973f22562d70379e07da7349432d7726ba1d8a8bd22122b0e06ecbde2de5da5', '', NULL, NULL, '2026-09-21 14:13:26+00', false, '{"accepted":false,"code":"document_refused"}', '[{"name":"seal","ok":false,"detail":"ZEBRADETAIL"}]', '{}', '\x7b2261636b223a20225a45425241206f662072756262697368227d');
INSERT INTO quarantine (submission, kiosk, hash, sealed, at, private, vault_key) VALUES ('5Q8F5Y3ERGE0SMB1MMEX5DE53D', 'kiosk-1', '\xae980e7cf18fb21f7d6e46399ef0c2240bd14f4707eb1a0a511e06ab5d0ed04b', '\x7365616c6564206f7468657277697365', '2026-09-21 14:13:27+00', '\x4b56326100d8f3cc04fc5397ebb1432b0954aef352216bb7ba8c87885ac3bd04ad9435ea850569dd0341f2e6c2a4e6fc7397', 'vault-6100d8f3cc04fc53');
INSERT INTO alarm (kind, kiosk, subject, first, last, times, private, vault_key) VALUES ('submission_conflict', 'kiosk-1', '5Q8F5Y3ERGE0SMB1MMEX5DE53D', '2026-09-21 14:13:27+00', '2026-09-21 14:13:28+00', 3, '\x4b56326100d8f3cc04fc53efab6b9cc5a9b6170a47d15d7c209df93af2f425c78f38f19512ffac323f00e55aadc323f5', 'vault-6100d8f3cc04fc53');
INSERT INTO answer (kiosk, scope, request_id, request_tag, status, sealed, expires, vault_key) VALUES ('kiosk-1', '/v1/issue/complete', 'request-1', 'tag-1', 200, '\x4b56326100d8f3cc04fc536934e6f952212b9cf6e532add3e1f6d670fdce097ce842f0f84bebfa757abba0787301c6d64c912bcc1bdb57f2a796d89d7066919c', '2099-01-01 00:00:00+00', 'vault-6100d8f3cc04fc53');
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
INSERT INTO lease (name, holder, until) VALUES ('upkeep', 'hub-1', '2099-01-01 00:00:00+00');
INSERT INTO budget (kiosk, what, full_at) VALUES ('kiosk-1', 'messages', '2099-01-01 00:00:00+00');
INSERT INTO vault_key (id, proof) VALUES ('vault-6100d8f3cc04fc53', '\x4b56326100d8f3cc04fc53cd19ea495f1b1edac5feb65178f5a1d86629da91ff970b9c7e0bc6a703ced055f57c61f5a475a000d50b560e2e642881933985e88f71f404dd58d1112d9b720399cbcb0deb32ef0114a720c842421d2cb929f878fd1717c73812b8f5');
INSERT INTO issuance (tag, kiosk, issued_at, record, private, vault_key) VALUES ('6d11419f2eade58ddebe78bfffd5cf639c86e9ee5afbe89216740494369721ca', 'kiosk-1', '2026-09-21 14:13:51+00', '3Z2YB1F6V4N1H8QX0S7D5KEMAJ', '\x4b56326100d8f3cc04fc53c4a762572baf5fc7be5a2b4f29d6b52f450119ff15790a3b4b808a69893a3ae75696af85c8c75af262c61c89da736ffad8bae7e7382eec8a96c27bc85a3384fcc510e59e7221', 'vault-6100d8f3cc04fc53');
INSERT INTO issuance (tag, kiosk, issued_at, record, private, vault_key) VALUES ('1f7736cd22404ace2d7cfcb42d413c0b56371de43722cbf5db7983b974ab7036', 'kiosk-1', '2026-09-21 14:13:52+00', NULL, '\x4b56326100d8f3cc04fc53d06094269f3c35de013dcb921a0f191f98e0863aebd57efd19b9d181f2fc43904af66367c202c5c8e9d7017011f16c2c6a1bf7cc77ec215cfac108c9b6a0f4229d32b7535b34', 'vault-6100d8f3cc04fc53');
