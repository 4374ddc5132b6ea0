CREATE TABLE session (
	id           TEXT PRIMARY KEY,
	kiosk        TEXT NOT NULL,
	request_id   TEXT NOT NULL,
	last_request TEXT NOT NULL,
	service      TEXT NOT NULL,
	card_tag     TEXT NOT NULL,
	phone        BLOB NOT NULL,    -- sealed
	code         BLOB NOT NULL,    -- sealed
	code_expires INTEGER NOT NULL,
	tries_left   INTEGER NOT NULL,
	resends_left INTEGER NOT NULL,
	resend_at    INTEGER NOT NULL,
	verified     INTEGER NOT NULL DEFAULT 0,
	ends         INTEGER NOT NULL,
	UNIQUE (kiosk, request_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_ends ON session (ends);

CREATE TABLE account (
	issue_ref  TEXT PRIMARY KEY,
	session    TEXT NOT NULL UNIQUE,
	service    TEXT NOT NULL,
	card_tag   TEXT NOT NULL UNIQUE,   -- one registration a card
	phone_tag  TEXT NOT NULL,
	last4_tag  TEXT NOT NULL,
	id_tag     TEXT NOT NULL UNIQUE,
	content    BLOB NOT NULL,          -- sealed service ID and codes
	password   TEXT NOT NULL,          -- argon2id
	issued_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX account_phone ON account (phone_tag, issued_at);

CREATE TABLE login (
	phone_tag    TEXT PRIMARY KEY,
	wrong        INTEGER NOT NULL,
	locked_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE person (
	person      TEXT PRIMARY KEY,
	mykey_id    TEXT NOT NULL UNIQUE,
	guardian    INTEGER NOT NULL,
	reserved_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE application (
	person      TEXT PRIMARY KEY REFERENCES person (person),
	submission  TEXT NOT NULL UNIQUE,
	service     TEXT NOT NULL,
	id_tag      TEXT NOT NULL,
	applied_at  INTEGER NOT NULL,
	complete_by INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX application_id_tag ON application (id_tag);

CREATE TABLE sms (
	n     INTEGER PRIMARY KEY,
	phone TEXT NOT NULL,
	text  TEXT NOT NULL,
	code  TEXT NOT NULL,
	at    INTEGER NOT NULL
) STRICT;
CREATE INDEX sms_phone ON sms (phone, n);
