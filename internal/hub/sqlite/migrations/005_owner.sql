-- Whose keys this database belongs to. One row, made at the first start.
CREATE TABLE owner (
	one  INTEGER PRIMARY KEY CHECK (one = 1),
	keys TEXT NOT NULL
) STRICT;
