-- What was committed under each ID, as a hash, so that the same commit again is
-- told from another one. It outlives the submission, as its slip does. Empty for
-- rows of before.
ALTER TABLE slips ADD COLUMN payload BLOB NOT NULL DEFAULT x'';
