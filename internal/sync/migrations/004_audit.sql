-- The name under which the hub knows the audit log of this file, and what became of
-- its older rows. One row, made at the first start.
CREATE TABLE audit_log (
  log         TEXT    NOT NULL,   -- a random ID
  prior       TEXT    NOT NULL,   -- the log that it goes on from, '' where none is known
  kiosk       TEXT    NOT NULL,   -- whose log it is, '' before the first sending
  first       INTEGER NOT NULL,   -- n of its first row; those before it belong to earlier logs
  confirmed   INTEGER NOT NULL,   -- the hub has said that it has all up to this n
  anchor      INTEGER NOT NULL,   -- n of the last row that was forgotten, 0 for none
  anchor_hash BLOB    NOT NULL CHECK (length(anchor_hash) = 32)
) STRICT;
CREATE TRIGGER audit_log_is_one BEFORE INSERT ON audit_log WHEN EXISTS (SELECT 1 FROM audit_log)
BEGIN SELECT RAISE (ABORT, 'there is one audit log'); END;
CREATE TRIGGER audit_log_goes_on BEFORE UPDATE ON audit_log
WHEN new.anchor < old.anchor OR (new.log = old.log AND (new.first <> old.first OR new.prior <> old.prior))
BEGIN SELECT RAISE (ABORT, 'an audit log does not go back'); END;

-- Rows go from the oldest on, and only when the hub has them.
DROP TRIGGER audit_never_shrinks;
CREATE TRIGGER audit_shrinks_behind BEFORE DELETE ON audit
WHEN NOT EXISTS (SELECT 1 FROM audit_log WHERE old.n <= anchor AND anchor <= confirmed)
BEGIN SELECT RAISE (ABORT, 'the audit log is append-only'); END;
