-- Slips may expire: nothing was sent before their time was over. A CHECK cannot be
-- changed, so the table is made anew.
CREATE TABLE slips_new (
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
INSERT INTO slips_new (submission, visit, seq, kind, number, slip, state, reprints, payload)
  SELECT submission, visit, seq, kind, number, slip, state, reprints, payload FROM slips ORDER BY rowid;
DROP TABLE slips;
ALTER TABLE slips_new RENAME TO slips;
CREATE INDEX slips_of_visit ON slips (visit, seq);
