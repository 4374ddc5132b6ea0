-- The schema as migrations 1 to 7 make it, with a few invented rows, for the test of upgrades. It never changes.
CREATE TABLE visits (
  id    TEXT    PRIMARY KEY,          -- run / visit
  run   TEXT    NOT NULL,             -- which start of the daemon
  ended INTEGER NOT NULL DEFAULT 0 CHECK (ended IN (0, 1))
, lang TEXT NOT NULL DEFAULT '') STRICT;
CREATE TABLE submissions (
  n        INTEGER PRIMARY KEY AUTOINCREMENT, -- order of commit
  id       TEXT    NOT NULL UNIQUE CHECK (length(id) = 26),
  visit    TEXT    NOT NULL REFERENCES visits (id),
  seq      INTEGER NOT NULL,
  kind     TEXT    NOT NULL CHECK (kind IN ('issuance', 'reservation', 'application')),
  number   TEXT    NOT NULL,
  kiosk    TEXT    NOT NULL,
  schema   INTEGER NOT NULL,
  key_id   TEXT    NOT NULL,
  sealed   BLOB    NOT NULL,
  hash     BLOB    NOT NULL CHECK (length(hash) = 32),
  state    TEXT    NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'quarantined')),
  reason   TEXT    NOT NULL DEFAULT '',
  attempts INTEGER NOT NULL DEFAULT 0,
  created  INTEGER NOT NULL,          -- the kiosk's clock: for people, never for decisions
  UNIQUE (visit, seq)
) STRICT;
CREATE TABLE audit (
  n       INTEGER PRIMARY KEY,
  at      INTEGER NOT NULL,
  event   TEXT    NOT NULL,
  subject TEXT    NOT NULL,           -- a submission ID or visit, or ''
  detail  TEXT    NOT NULL,           -- a word from a closed set, or a hash
  hash    BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX submissions_reserving ON submissions (n) WHERE kind = 'reservation' AND state = 'queued';
CREATE INDEX audit_acknowledged ON audit (subject) WHERE event = 'acknowledged';
CREATE TABLE "slips" (
  submission TEXT    PRIMARY KEY,
  visit      TEXT    NOT NULL REFERENCES visits (id),
  seq        INTEGER NOT NULL,
  kind       TEXT    NOT NULL,        -- of the submission
  number     TEXT    NOT NULL,
  slip       TEXT    NOT NULL,        -- '' when no slip belongs to it
  state      TEXT    NOT NULL CHECK (state IN
               ('none', 'queued', 'sending', 'printed', 'unconfirmed', 'failed', 'unknown', 'expired')),
  reprints   INTEGER NOT NULL DEFAULT 0,
  payload    BLOB    NOT NULL DEFAULT x''
) STRICT;
CREATE INDEX slips_of_visit ON slips (visit, seq);
CREATE TABLE audit_log (
  log         TEXT    NOT NULL,   -- a random ID
  prior       TEXT    NOT NULL,   -- the log that it goes on from, '' where none is known
  kiosk       TEXT    NOT NULL,   -- whose log it is, '' before the first sending
  first       INTEGER NOT NULL,   -- n of its first row; those before it belong to earlier logs
  confirmed   INTEGER NOT NULL,   -- the hub has said that it has all up to this n
  anchor      INTEGER NOT NULL,   -- n of the last row that was forgotten, 0 for none
  anchor_hash BLOB    NOT NULL CHECK (length(anchor_hash) = 32)
) STRICT;
INSERT INTO visits (id, run, ended) VALUES ('1DJGDFW40KP2K980J87D2YMM2Z/0-1', '1DJGDFW40KP2K980J87D2YMM2Z', 1);
INSERT INTO visits (id, run, ended) VALUES ('1DJGDFW40KP2K980J87D2YMM2Z/0-2', '1DJGDFW40KP2K980J87D2YMM2Z', 0);
INSERT INTO visits (id, run, ended, lang) VALUES ('2PNRYW8SRTS2GQW740NC8X3NQZ/0-1', '2PNRYW8SRTS2GQW740NC8X3NQZ', 0, 'en');
INSERT INTO submissions (n, id, visit, seq, kind, number, kiosk, schema, key_id, sealed, hash, state, reason, attempts, created) VALUES (2, '5Q8F5Y3ERGE0SMB1MMEX5DE53D', '1DJGDFW40KP2K980J87D2YMM2Z/0-1', 2, 'reservation', '4EZQ-J8T9-S', 'kiosk-1', 1, 'seal-0123456789abcdef', x'b7eda38fa4382356c637141804414e5e198b1554cc5a1d919cc57a97455a968dc9fda53042af35e734f27e39c0301c5742f547bdef60cb354fc8b52de0035e1bb7eda38fa4382356c637141804414e5e198b1554cc5a1d919cc57a97455a968dc9fda53042af35e734f27e39c0301c5742f547bdef60cb354fc8b52de0035e1bb7eda38fa4382356c637141804414e5e198b1554cc5a1d919cc57a97455a968dc9fda53042af35e734f27e39c0301c5742f547bdef60cb354fc8b52de0035e1b', x'37e3ea5bdb427f9388ea9c1c38d3649129ac8725b21dc8bf65baf760b7cc5d09', 'quarantined', 'hub_refused', 3, 1790000002);
INSERT INTO submissions (n, id, visit, seq, kind, number, kiosk, schema, key_id, sealed, hash, state, reason, attempts, created) VALUES (3, '6516GYEA7G364SWJJ0A0XCCA3J', '1DJGDFW40KP2K980J87D2YMM2Z/0-1', 3, 'application', 'BJ3K-RHC7-F', 'kiosk-1', 1, 'seal-0123456789abcdef', x'1368c09d67213b4f4e0dbb393238e04f8b91174417930a8e8749ea3ed3e2ff8a12761f44b95adf1cc2723c4942429bc48b9ee8c9a5f7583bfad143f041cf71911368c09d67213b4f4e0dbb393238e04f8b91174417930a8e8749ea3ed3e2ff8a12761f44b95adf1cc2723c4942429bc48b9ee8c9a5f7583bfad143f041cf71911368c09d67213b4f4e0dbb393238e04f8b91174417930a8e8749ea3ed3e2ff8a12761f44b95adf1cc2723c4942429bc48b9ee8c9a5f7583bfad143f041cf7191', x'1479f3a11867922c2de847313a5d1acfac1be6121ac2a4b1102e42c5ccbd2c75', 'queued', '', 0, 1790000003);
INSERT INTO submissions (n, id, visit, seq, kind, number, kiosk, schema, key_id, sealed, hash, state, reason, attempts, created) VALUES (5, '4K9N2YNAHAWHKCK3B49EZS4M3K', '1DJGDFW40KP2K980J87D2YMM2Z/0-2', 1, 'reservation', '20MS-8SDM-A', 'kiosk-1', 1, 'seal-0123456789abcdef', x'7f487e87f15bb11b376fb5b2490b4e8e4c229a7454e5a990b6819eba7a4ef908437bb43111c76d98f4919979cb6e45677e946d975124f9d23bb6a86c0e41bf2a7f487e87f15bb11b376fb5b2490b4e8e4c229a7454e5a990b6819eba7a4ef908437bb43111c76d98f4919979cb6e45677e946d975124f9d23bb6a86c0e41bf2a7f487e87f15bb11b376fb5b2490b4e8e4c229a7454e5a990b6819eba7a4ef908437bb43111c76d98f4919979cb6e45677e946d975124f9d23bb6a86c0e41bf2a', x'bfea23fffe3e8c86dabe94b67ecbf887fdefdcbddec6d6a3fd211c448f7ce061', 'queued', '', 17, 1790000005);
INSERT INTO submissions (n, id, visit, seq, kind, number, kiosk, schema, key_id, sealed, hash, state, reason, attempts, created) VALUES (7, '21ACGX3YN7XJ52REPZT5VKWNEV', '2PNRYW8SRTS2GQW740NC8X3NQZ/0-1', 1, 'issuance', 'DVXG-RVNQ-8', 'kiosk-1', 1, 'seal-0123456789abcdef', x'0f9407ab35aee1e9568799229c654a4cc755fc785f68b4c0dad44de7a5060204712631557229ec7e4cf7a7fa6058767b9b4d2c751f7490d7d0823158eff654570f9407ab35aee1e9568799229c654a4cc755fc785f68b4c0dad44de7a5060204712631557229ec7e4cf7a7fa6058767b9b4d2c751f7490d7d0823158eff654570f9407ab35aee1e9568799229c654a4cc755fc785f68b4c0dad44de7a5060204712631557229ec7e4cf7a7fa6058767b9b4d2c751f7490d7d0823158eff65457', x'590cdf1d45ec20b4e87b8557e8de194a3c4fb669f3d365b58e47c76028376229', 'queued', '', 0, 1790000007);
INSERT INTO slips (submission, visit, seq, kind, number, slip, state, reprints, payload) VALUES ('1AWBRDXJW1ZGFCFCEWQGCS2ARS', '1DJGDFW40KP2K980J87D2YMM2Z/0-1', 1, 'issuance', '2BS7-X3XG-D', 'issuance', 'printed', 1, x'');
INSERT INTO slips (submission, visit, seq, kind, number, slip, state, reprints, payload) VALUES ('5Q8F5Y3ERGE0SMB1MMEX5DE53D', '1DJGDFW40KP2K980J87D2YMM2Z/0-1', 2, 'reservation', '4EZQ-J8T9-S', 'reservation', 'unconfirmed', 0, x'');
INSERT INTO slips (submission, visit, seq, kind, number, slip, state, reprints, payload) VALUES ('6516GYEA7G364SWJJ0A0XCCA3J', '1DJGDFW40KP2K980J87D2YMM2Z/0-1', 3, 'application', 'BJ3K-RHC7-F', 'application', 'expired', 0, x'a837b2378542e78a8344462f425a37a6c555f03d843a911d9200d2ab2a597dd5');
INSERT INTO slips (submission, visit, seq, kind, number, slip, state, reprints, payload) VALUES ('4K9N2YNAHAWHKCK3B49EZS4M3K', '1DJGDFW40KP2K980J87D2YMM2Z/0-2', 1, 'reservation', '20MS-8SDM-A', 'reservation', 'sending', 0, x'f8c29732888cff5995689ee68477041a70ea612423e68cc078e02519d5021a34');
INSERT INTO slips (submission, visit, seq, kind, number, slip, state, reprints, payload) VALUES ('21ACGX3YN7XJ52REPZT5VKWNEV', '2PNRYW8SRTS2GQW740NC8X3NQZ/0-1', 1, 'issuance', 'DVXG-RVNQ-8', 'issuance', 'queued', 0, x'5a2e5ef1794970945d26fa5380d7879ad3d80442842fc3846724275022565b0e');
INSERT INTO slips (submission, visit, seq, kind, number, slip, state, reprints, payload) VALUES ('04PW4147N6E38NEZ7S59Z1CGFW', '2PNRYW8SRTS2GQW740NC8X3NQZ/0-1', 2, 'reservation', '75YA-3FMH-2', 'reservation', 'unknown', 0, x'c4770370d11fec79432fe945c849ba176b4bbb3ce31512f661e4b3f376bc0a8b');
INSERT INTO audit (n, at, event, subject, detail, hash) VALUES (1, 1790000001, 'started', '1DJGDFW40KP2K980J87D2YMM2Z', '', x'5112eb5f82e242d8edee7ec1e3aa66e395ab70c1c0d493261f1d0a803165b548');
INSERT INTO audit (n, at, event, subject, detail, hash) VALUES (2, 1790000002, 'committed', '1AWBRDXJW1ZGFCFCEWQGCS2ARS', 'ac9fd43914b86ab84ae35311f00ea70e06cf9dbf454b6676734a096033495e8a', x'e7b1e346ebd393104d1fff52cbbe6e2333e7d038210476057ab4d980c47ac17d');
INSERT INTO audit (n, at, event, subject, detail, hash) VALUES (3, 1790000003, 'committed', '5Q8F5Y3ERGE0SMB1MMEX5DE53D', '37e3ea5bdb427f9388ea9c1c38d3649129ac8725b21dc8bf65baf760b7cc5d09', x'd4e50de9bc6bb216a1d08b3f65f47517badafe734afcb8221d37e96826e461a4');
INSERT INTO audit (n, at, event, subject, detail, hash) VALUES (4, 1790000004, 'committed', '6516GYEA7G364SWJJ0A0XCCA3J', '1479f3a11867922c2de847313a5d1acfac1be6121ac2a4b1102e42c5ccbd2c75', x'dda5fe37a240d691e30cf285ff7a027a07ba7d876431c4519d2c82490ae8fd73');
INSERT INTO audit (n, at, event, subject, detail, hash) VALUES (5, 1790000005, 'committed', '4K9N2YNAHAWHKCK3B49EZS4M3K', 'bfea23fffe3e8c86dabe94b67ecbf887fdefdcbddec6d6a3fd211c448f7ce061', x'006779ba3ef0df8cbc44aae62d0ce0f4e08c0e0e67ac0c5343038b6ef20e6919');
INSERT INTO audit (n, at, event, subject, detail, hash) VALUES (6, 1790000006, 'committed', '21ACGX3YN7XJ52REPZT5VKWNEV', '590cdf1d45ec20b4e87b8557e8de194a3c4fb669f3d365b58e47c76028376229', x'785ececbbd9ac269823404d6c492009965ace0d52144d23714baeb4a39bd3cf5');
INSERT INTO audit (n, at, event, subject, detail, hash) VALUES (7, 1790000007, 'committed', '04PW4147N6E38NEZ7S59Z1CGFW', '943c715ceabd6811d91ba96f6e0d9b4ae5cbce1a94a2bb28af09cf2b1503871e', x'0dfc900dddd69a8d4e80da96da6cb51407b033e2c768b40924b2132c84893ce9');
INSERT INTO audit (n, at, event, subject, detail, hash) VALUES (8, 1790000008, 'acknowledged', '1AWBRDXJW1ZGFCFCEWQGCS2ARS', 'accepted', x'ca8da53b359f9683272a419df47bc1df4aaabf09288422e806bc4382d6a80740');
INSERT INTO audit (n, at, event, subject, detail, hash) VALUES (9, 1790000009, 'quarantined', '5Q8F5Y3ERGE0SMB1MMEX5DE53D', 'hub_refused', x'925f502899337da538afa502f49dae21eb7751a797c664a93d75e8e87a88d241');
INSERT INTO audit (n, at, event, subject, detail, hash) VALUES (10, 1790000010, 'visit_ended', '1DJGDFW40KP2K980J87D2YMM2Z/0-1', '', x'c9530c03fda910beff6a80666b4e051ab3cb9edeb31fa1decbf9828337cda092');
INSERT INTO audit (n, at, event, subject, detail, hash) VALUES (11, 1790000011, 'started', '2PNRYW8SRTS2GQW740NC8X3NQZ', '', x'9520faa622d1e157a9af9b99ef660ff575ab2fe17ec55759375077b7561f9766');
INSERT INTO audit (n, at, event, subject, detail, hash) VALUES (12, 1790000012, 'acknowledged', '04PW4147N6E38NEZ7S59Z1CGFW', 'already_applied', x'9f90bbd265f29e003b011f0eaa9577d78e952d552f0d8a53cc1efa83cadc63c6');
INSERT INTO audit_log (log, prior, kiosk, first, confirmed, anchor, anchor_hash) VALUES ('3V2D1G7Q0M5N9B8XTKZCRW4HJE', '', 'kiosk-1', 1, 9, 0, zeroblob(32));
-- How long rows have been here is counted in days that are over by the hub's clock, because
-- the kiosk's own may be set by years. What has no higher number in the audit log than n was
-- here when that day began.
CREATE TABLE days (
  day INTEGER PRIMARY KEY, -- one more each time
  at  INTEGER NOT NULL,    -- what the hub's clock showed
  n   INTEGER NOT NULL     -- of the newest row of the audit log
) STRICT;
INSERT INTO days (day, at, n) VALUES (1, 1790000001, 1), (2, 1790086401, 12);
CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit
BEGIN SELECT RAISE (ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_shrinks_behind BEFORE DELETE ON audit
WHEN NOT EXISTS (SELECT 1 FROM audit_log WHERE old.n <= anchor AND anchor <= confirmed)
BEGIN SELECT RAISE (ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER submissions_need_acknowledgement BEFORE DELETE ON submissions
WHEN NOT EXISTS (SELECT 1 FROM audit WHERE event = 'acknowledged' AND subject = old.id)
BEGIN SELECT RAISE (ABORT, 'this submission is not acknowledged'); END;
CREATE TRIGGER submissions_never_change BEFORE UPDATE OF n, id, visit, seq, kiosk, schema, key_id, sealed, hash ON submissions
BEGIN SELECT RAISE (ABORT, 'a submission does not change'); END;
CREATE TRIGGER audit_log_is_one BEFORE INSERT ON audit_log WHEN EXISTS (SELECT 1 FROM audit_log)
BEGIN SELECT RAISE (ABORT, 'there is one audit log'); END;
CREATE TRIGGER audit_log_goes_on BEFORE UPDATE ON audit_log
WHEN new.anchor < old.anchor OR (new.log = old.log AND (new.first <> old.first OR new.prior <> old.prior))
BEGIN SELECT RAISE (ABORT, 'an audit log does not go back'); END;
PRAGMA user_version = 7;
