-- Phone numbers and one-time passwords are not kept in clear. Messages live for
-- minutes: those of before are dropped.
DROP TABLE sms;
CREATE TABLE sms (
	n         INTEGER PRIMARY KEY,
	phone_tag TEXT NOT NULL,
	content   BLOB NOT NULL,    -- sealed: phone number, text, code
	at        INTEGER NOT NULL
) STRICT;
CREATE INDEX sms_phone ON sms (phone_tag, n);
