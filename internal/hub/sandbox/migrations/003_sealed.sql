-- What is personal is sealed. The messages of a demonstration are not worth keeping;
-- a MyKey ID that is still in clear (mykey is NULL) is sealed when the file is opened.
DROP TABLE sms;
CREATE TABLE sms (
	n         INTEGER PRIMARY KEY,
	phone_tag TEXT NOT NULL,
	content   BLOB NOT NULL,   -- sealed
	at        INTEGER NOT NULL
) STRICT;
CREATE INDEX sms_phone ON sms (phone_tag, n);
ALTER TABLE person RENAME COLUMN mykey_id TO mykey_tag;
ALTER TABLE person ADD COLUMN mykey BLOB;  -- sealed
