-- The schema as migrations 1 to 6 make it, with a few invented rows as the program of
-- then wrote them, for the test of upgrades. It never changes.

-- 001_hub.sql
CREATE TABLE kiosk (
	id          TEXT PRIMARY KEY,
	enrolled_at INTEGER NOT NULL,
	reported_at INTEGER,
	report      TEXT
) STRICT, WITHOUT ROWID;

-- The truth about what a kiosk handed over. A row is never changed.
CREATE TABLE submission (
	n             INTEGER PRIMARY KEY,
	id            TEXT NOT NULL UNIQUE,
	kiosk         TEXT NOT NULL,
	schema        INTEGER NOT NULL,
	key_id        TEXT NOT NULL,
	sealed        BLOB NOT NULL,
	hash          BLOB NOT NULL CHECK (length(hash) = 32),
	kind          TEXT NOT NULL,          -- '' when it could not be read
	document_hash BLOB UNIQUE,            -- one document counts once
	signed_at     INTEGER,
	stored_at     INTEGER NOT NULL,
	accepted      INTEGER NOT NULL CHECK (accepted IN (0, 1)),
	verdict       TEXT NOT NULL,
	checks        TEXT NOT NULL,
	summary       TEXT NOT NULL,
	ack           BLOB NOT NULL
) STRICT;
CREATE INDEX submission_kiosk ON submission (kiosk, n);
CREATE INDEX submission_kind ON submission (kind, accepted, n);

CREATE TRIGGER submission_is_final BEFORE UPDATE ON submission
BEGIN SELECT RAISE(ABORT, 'a stored submission is never changed'); END;

CREATE TABLE quarantine (
	n          INTEGER PRIMARY KEY,
	submission TEXT NOT NULL,
	kiosk      TEXT NOT NULL,
	hash       BLOB NOT NULL,
	sealed     BLOB NOT NULL,
	reason     TEXT NOT NULL,
	at         INTEGER NOT NULL,
	UNIQUE (submission, kiosk, hash)
) STRICT;

CREATE TABLE alarm (
	kind    TEXT NOT NULL,
	kiosk   TEXT NOT NULL,
	subject TEXT NOT NULL,
	text    TEXT NOT NULL,
	first   INTEGER NOT NULL,
	last    INTEGER NOT NULL,
	times   INTEGER NOT NULL,
	PRIMARY KEY (kind, kiosk, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX alarm_last ON alarm (last);

CREATE TABLE answer (
	kiosk       TEXT NOT NULL,
	scope       TEXT NOT NULL,
	request_id  TEXT NOT NULL,
	request_tag TEXT NOT NULL,
	status      INTEGER NOT NULL,
	sealed      BLOB NOT NULL,
	expires     INTEGER NOT NULL,
	PRIMARY KEY (kiosk, scope, request_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX answer_expires ON answer (expires);

-- 002_identity.sql
ALTER TABLE kiosk ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE kiosk ADD COLUMN key_hash BLOB;
ALTER TABLE kiosk ADD COLUMN cert_until INTEGER;
ALTER TABLE kiosk ADD COLUMN revoked_at INTEGER;
ALTER TABLE kiosk ADD COLUMN revoked_for TEXT NOT NULL DEFAULT '';
CREATE INDEX kiosk_revoked ON kiosk (id) WHERE revoked_at IS NOT NULL;

-- The right to enrol once; the token itself is stored nowhere.
CREATE TABLE invitation (
	token_hash BLOB PRIMARY KEY CHECK (length(token_hash) = 32),
	name       TEXT NOT NULL,
	made       INTEGER NOT NULL,
	expires    INTEGER NOT NULL,
	used_at    INTEGER,
	used_by    TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE certificate (
	serial  TEXT PRIMARY KEY,
	kiosk   TEXT NOT NULL,
	issued  INTEGER NOT NULL,
	expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX certificate_kiosk ON certificate (kiosk, issued);

CREATE TABLE hub (
	id    TEXT PRIMARY KEY,
	until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE link (
	n      INTEGER PRIMARY KEY AUTOINCREMENT, -- the order in which links were added
	id     TEXT NOT NULL UNIQUE,
	kiosk  TEXT NOT NULL,
	run    TEXT NOT NULL,
	hub    TEXT NOT NULL,
	remote TEXT NOT NULL,
	since  INTEGER NOT NULL
) STRICT;
CREATE INDEX link_kiosk ON link (kiosk, n);
CREATE INDEX link_hub ON link (hub);

-- 003_audit.sql
-- What happened at kiosks, as their audit logs tell, and in the log of kiosk '' what
-- operators did here. Rows are never changed and never go.
CREATE TABLE audit (
	kiosk       TEXT NOT NULL,
	log         TEXT NOT NULL,
	n           INTEGER NOT NULL CHECK (n > 0),
	at          INTEGER NOT NULL,       -- seconds, by the kiosk's clock
	event       TEXT NOT NULL,
	subject     TEXT NOT NULL,
	detail      TEXT NOT NULL,
	hash        BLOB NOT NULL CHECK (length(hash) = 32),
	received_at INTEGER NOT NULL,
	PRIMARY KEY (kiosk, log, n)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER audit_is_final BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_stays BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

-- How far each log has come: rows that are cut off its end are missed.
CREATE TABLE audit_head (
	kiosk       TEXT NOT NULL,
	log         TEXT NOT NULL,
	prior       TEXT NOT NULL,
	base        INTEGER NOT NULL,
	base_hash   BLOB NOT NULL CHECK (length(base_hash) = 32),
	n           INTEGER NOT NULL,
	hash        BLOB NOT NULL CHECK (length(hash) = 32),
	at          INTEGER NOT NULL,
	whole       INTEGER,
	PRIMARY KEY (kiosk, log)
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_head_log ON audit_head (log);
CREATE TRIGGER audit_head_goes_on BEFORE UPDATE ON audit_head
WHEN new.n < old.n OR new.kiosk <> old.kiosk OR new.log <> old.log OR new.prior <> old.prior
	OR new.base <> old.base OR new.base_hash <> old.base_hash
BEGIN SELECT RAISE(ABORT, 'an audit log does not go back'); END;
CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

-- Batches that were not taken, for whoever looks into it.
CREATE TABLE audit_evidence (
	n       INTEGER PRIMARY KEY,
	kiosk   TEXT NOT NULL,
	log     TEXT NOT NULL,
	verdict TEXT NOT NULL,
	batch   BLOB NOT NULL,
	hash    BLOB NOT NULL,
	at      INTEGER NOT NULL,
	UNIQUE (kiosk, log, hash)
) STRICT;

-- 004_rest.sql
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

-- 005_owner.sql
-- Whose keys this database belongs to. One row, made at the first start.
CREATE TABLE owner (
	one  INTEGER PRIMARY KEY CHECK (one = 1),
	keys TEXT NOT NULL
) STRICT;

-- 006_issuance.sql
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

-- The rows.
INSERT INTO kiosk (id, enrolled_at) VALUES ('kiosk-1', 1790000000000);
UPDATE kiosk SET reported_at = 1790000009000, report = '{"version":"v0.3","screen":"top","devices":{"reader":"ready"},"queued":2,"faults":["paper_out"]}' WHERE id = 'kiosk-1';
INSERT INTO kiosk (id, enrolled_at) VALUES ('kiosk-2', 1790000010000);
INSERT INTO kiosk (id, name, key_hash, enrolled_at) VALUES ('kiosk-3', '新宿 3', x'3d3ee11c2fbf7f6a6b1e6aa16c382631ec5f1fbfc50ca3ba5a89d366d22eeaef', 1790000011000);
UPDATE kiosk SET cert_until = 1790000900000, revoked_for = 'stolen', revoked_at = 1790000014000 WHERE id = 'kiosk-3';
INSERT INTO submission (id, kiosk, schema, key_id, sealed, hash, kind, document_hash, signed_at, stored_at, accepted, verdict, checks, summary, ack, private, vault_key) VALUES ('5Q8F5Y3ERGE0SMB1MMEX5DE53D', 'kiosk-1', 1, 'seal-0123456789abcdef', x'7365616c6564207265736572766174696f6e', x'2ae7f67d1524b78d94e7e734333d8ee05b2fbfd9ced116619960d6c925782299', 'reservation', x'9efa077f044e7a779c655f8d8e8760cacd16ce2347b6aa10e45b18fb5325fdd6', 1790000001000, 1790000002000, 1, '', '', '', x'', x'4b56326100d8f3cc04fc539850a0e62bd4e733435465071fc23fa4ff7bfa05da7ff75896eabe3b45df90c5c69b03011b70b2e91955c3114feefdf0ab7fd93d96948a9dfba097a33cc3747e5edf343c86f1c639c9c87990662a15f70ef5cc2f6a6a1ae190a3702a2ee70061383de197e2ab8154dd0e80ef1b6e7532f26b5b3eab6521991962a3734ef213927b9585d4f499d71a5caa7a9307271fe1ceff274d80db9411d2059ddbc45c1a8e3febfe03da7613418b19c31befd9ba910bfaaa2b2e095d4a66ec94c11cc04724e4a3d6b9fffcdd1fc836035f9870e1b4a02e8d9dafab54cea5566ba965615098d72fac41aa9775270bad8ef0c199abbc77930ecf016839b593fc69cc064396', 'vault-6100d8f3cc04fc53');
INSERT INTO submission (id, kiosk, schema, key_id, sealed, hash, kind, document_hash, signed_at, stored_at, accepted, verdict, checks, summary, ack, private, vault_key) VALUES ('1DJGDFW40KP2K980J87D2YMM2Z', 'kiosk-1', 1, 'seal-0123456789abcdef', x'7365616c6564206170706c69636174696f6e', x'27a75c209070dcf663eb65dbb02ae2d64930b3d4c1771c54f93e41aba41c2189', 'application', x'1fe289205936c3fdb61158223892c7a8bee6ff4dfa085ea1c094ce0294e32114', 1790000003000, 1790000004000, 0, '', '', '', x'', x'4b56326100d8f3cc04fc53c6794ce1b81b55e145e24276246d914df3cc97a96e9714c9b67af20ca9f309aa2f1590f4cf6286332d0b83827060d5742166590aca216306135bc66c9b474b46a155ac9f1e53e5459c685534a24c89750fbb90fc3f6c3ba0063dc116c6e54778e3688d5f2419928c46a6c7b0c41733ffcbabfbfb8fbf121f6fe2737a76e01e7d46c28f1a1e4b907b1248443c35b9ffd0c3371fca70c08866d80a1c18d9cc0ef45157da9e19079257a41bcaf063aa4179dd8de310921402b7b23e299c6e30e04904a6efc89d567a34239fd5ad93764e2e3ad52b88ffa74fc144381c8cd8a63ebec2282dbd722c12d4adf83f87a97b025cf41ec113d3feed3c7a80302065b3acea3e3ab5e4e59f401e36677f4013137e05bb507c89232531acc117d92618ebad92e2', 'vault-6100d8f3cc04fc53');
UPDATE submission SET sealed = x'' WHERE id = '1DJGDFW40KP2K980J87D2YMM2Z';
INSERT INTO submission (id, kiosk, schema, key_id, sealed, hash, kind, document_hash, signed_at, stored_at, accepted, verdict, checks, summary, ack) VALUES ('2PNRYW8SRTS2GQW740NC8X3NQZ', 'kiosk-1', 1, 'seal-0123456789abcdef', x'7365616c65642072756262697368', x'1973f22562d70379e07da7349432d7726ba1d8a8bd22122b0e06ecbde2de5da5', '', NULL, NULL, 1790000006000, 0, '{"accepted":false,"code":"document_refused"}', '[{"name":"seal","ok":false,"detail":"ZEBRADETAIL"}]', '{}', x'7b2261636b223a20225a45425241206f662072756262697368227d');
INSERT INTO quarantine (submission, kiosk, hash, sealed, reason, at, private, vault_key) VALUES ('5Q8F5Y3ERGE0SMB1MMEX5DE53D', 'kiosk-1', x'ae980e7cf18fb21f7d6e46399ef0c2240bd14f4707eb1a0a511e06ab5d0ed04b', x'7365616c6564206f7468657277697365', '', 1790000007000, x'4b56326100d8f3cc04fc53f1dd177fe0b27f6bcc1e6aeb1fa3f17d0f006b82cd9732a9156def6900cf2fa95f674c824aa389', 'vault-6100d8f3cc04fc53');
INSERT INTO alarm (kind, kiosk, subject, text, first, last, times, private, vault_key) VALUES ('submission_conflict', 'kiosk-1', '5Q8F5Y3ERGE0SMB1MMEX5DE53D', '', 1790000007000, 1790000008000, 3, x'4b56326100d8f3cc04fc539b7d6ed74e502c2abbb8a95eb07be4968e6a517258c5edf1495ffed18e7c524c9eae0cc9a6', 'vault-6100d8f3cc04fc53');
INSERT INTO answer (kiosk, scope, request_id, request_tag, status, sealed, expires, vault_key) VALUES ('kiosk-1', '/v1/issue/complete', 'request-1', 'tag-1', 200, x'4b56326100d8f3cc04fc534e0da63f6dffacc588b03b058fa0824461595512e504536671c55310bb2ceae00ad6b51275b20861daee10324ae212b5e7b04e27f2', 4070908800000, 'vault-6100d8f3cc04fc53');
INSERT INTO invitation (token_hash, name, made, expires, used_at, used_by) VALUES (x'96d848e0ea5aa5b4c2549bfc1e4075175f0f895615f0950807c0cd378895dc96', '新宿 3', 1790000010000, 4070908800000, 1790000011000, 'kiosk-3');
INSERT INTO invitation (token_hash, name, made, expires) VALUES (x'3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0', '渋谷 5', 1790000012000, 4070908800000);
INSERT INTO certificate (serial, kiosk, issued, expires) VALUES ('0b', 'kiosk-3', 1790000013000, 1790000900000);
INSERT INTO certificate (serial, kiosk, issued, expires) VALUES ('0a', 'kiosk-3', 1790000011000, 1790000800000);
INSERT INTO hub (id, until) VALUES ('hub-1', 4070908800000);
INSERT INTO link (id, kiosk, run, hub, remote, since) VALUES ('link-1', 'kiosk-1', 'run-1', 'hub-1', '192.0.2.1:4321', 1790000015000);
INSERT INTO alarm (kind, kiosk, subject, text, first, last, times) VALUES ('audit_gap', 'kiosk-1', '6G6C51P29VJP6HB7NMWJ4X4Q2C', 'goes on with entry 9, and the hub has 4', 1790000020000, 1790000020000, 1);
INSERT INTO audit (kiosk, log, n, at, event, subject, detail, hash, received_at) VALUES ('kiosk-1', '6G6C51P29VJP6HB7NMWJ4X4Q2C', 1, 1790000000, 'log_begun', '6G6C51P29VJP6HB7NMWJ4X4Q2C', '', x'826f12f00a957c366a134f6d68d355b96286a5d19d615e3c548925babac6738e', 1790000017000);
INSERT INTO audit (kiosk, log, n, at, event, subject, detail, hash, received_at) VALUES ('kiosk-1', '6G6C51P29VJP6HB7NMWJ4X4Q2C', 2, 1790000002, 'committed', '5Q8F5Y3ERGE0SMB1MMEX5DE53D', '2ae7f67d1524b78d94e7e734333d8ee05b2fbfd9ced116619960d6c925782299', x'2f9bc0e565a004ec293b36418dc28187d69c277f07089647c9697d24bc48da37', 1790000017000);
INSERT INTO audit (kiosk, log, n, at, event, subject, detail, hash, received_at) VALUES ('kiosk-1', '6G6C51P29VJP6HB7NMWJ4X4Q2C', 3, 1790000004, 'committed', '1DJGDFW40KP2K980J87D2YMM2Z', '27a75c209070dcf663eb65dbb02ae2d64930b3d4c1771c54f93e41aba41c2189', x'38d06360703466ab9897a8e3ac7565a155ef0edc8b719a18e74ed0946eac9438', 1790000017000);
INSERT INTO audit (kiosk, log, n, at, event, subject, detail, hash, received_at) VALUES ('kiosk-1', '6G6C51P29VJP6HB7NMWJ4X4Q2C', 4, 1790000006, 'committed', '2PNRYW8SRTS2GQW740NC8X3NQZ', '1973f22562d70379e07da7349432d7726ba1d8a8bd22122b0e06ecbde2de5da5', x'94fffcac551d6b99397c8e65cb3978bd6586e80c53faeac04fb96c0e9859ea1b', 1790000017000);
INSERT INTO audit_head (kiosk, log, prior, base, base_hash, n, hash, at, whole) VALUES ('kiosk-1', '6G6C51P29VJP6HB7NMWJ4X4Q2C', '', 0, x'0000000000000000000000000000000000000000000000000000000000000000', 4, x'94fffcac551d6b99397c8e65cb3978bd6586e80c53faeac04fb96c0e9859ea1b', 1790000017000, 1790000017000);
INSERT INTO audit (kiosk, log, n, at, event, subject, detail, hash, received_at) VALUES ('', 'hub', 1, 1790000016, 'hub_started', '', '', x'6f6fb9d1bbf23d09e9dac437e45cce34b11f8cc40e725ac9dbc18ec3e24feb98', 1790000017000);
INSERT INTO audit_head (kiosk, log, prior, base, base_hash, n, hash, at, whole) VALUES ('', 'hub', '', 0, x'0000000000000000000000000000000000000000000000000000000000000000', 1, x'6f6fb9d1bbf23d09e9dac437e45cce34b11f8cc40e725ac9dbc18ec3e24feb98', 1790000017000, 1790000017000);
INSERT INTO audit_evidence (kiosk, log, verdict, batch, hash, at) VALUES ('kiosk-1', '6G6C51P29VJP6HB7NMWJ4X4Q2C', 'gap', x'7b226c6f67223a2022364736433531503239564a50364842374e4d574a345834513243222c202268656164223a20397d', x'7cb0dfaf0ae92aa8ad4940567570b65aef82404e96a654ef9de29f0e22c170b3', 1790000020000);
INSERT INTO lease (name, holder, until) VALUES ('upkeep', 'hub-1', 4070908800000);
INSERT INTO budget (kiosk, what, full_at) VALUES ('kiosk-1', 'messages', 4070908800000000);
INSERT INTO vault_key (id, proof) VALUES ('vault-6100d8f3cc04fc53', x'4b56326100d8f3cc04fc53c8df7f4659dc38f474ce73ae9a83f3bcb593f0305b2b09b125af4b14cbb26aa77d5c4edfaec856e48746c6d03fe10f36e91fa9ea83b63073489a75d790779d45a5428634b96f523d15f0b5469f81ab2e694fe36fb3757aee69deaa3a');
INSERT INTO owner (one, keys) VALUES (1, 'keys of the hub');
INSERT INTO issuance (tag, kiosk, issued_at, record, private, vault_key) VALUES ('6d11419f2eade58ddebe78bfffd5cf639c86e9ee5afbe89216740494369721ca', 'kiosk-1', 1790000031000, '3Z2YB1F6V4N1H8QX0S7D5KEMAJ', x'4b56326100d8f3cc04fc53c4a762572baf5fc7be5a2b4f29d6b52f450119ff15790a3b4b808a69893a3ae75696af85c8c75af262c61c89da736ffad8bae7e7382eec8a96c27bc85a3384fcc510e59e7221', 'vault-6100d8f3cc04fc53');
INSERT INTO issuance (tag, kiosk, issued_at, record, private, vault_key) VALUES ('1f7736cd22404ace2d7cfcb42d413c0b56371de43722cbf5db7983b974ab7036', 'kiosk-1', 1790000032000, NULL, x'4b56326100d8f3cc04fc53d06094269f3c35de013dcb921a0f191f98e0863aebd57efd19b9d181f2fc43904af66367c202c5c8e9d7017011f16c2c6a1bf7cc77ec215cfac108c9b6a0f4229d32b7535b34', 'vault-6100d8f3cc04fc53');
PRAGMA user_version = 6;
