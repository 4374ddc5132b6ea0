-- What counts over all sessions: messages to a phone or for a card, and wrong
-- codes of a phone. Rows older than the window are forgotten.
CREATE TABLE tally (
	n    INTEGER PRIMARY KEY,
	what TEXT NOT NULL CHECK (what IN ('message', 'wrong')),
	tag  TEXT NOT NULL,     -- of a phone or a card
	at   INTEGER NOT NULL
) STRICT;
CREATE INDEX tally_tag ON tally (what, tag, at);
