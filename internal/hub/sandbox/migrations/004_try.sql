-- Of the passwords chosen in a session the last counts, in whatever order they come.
ALTER TABLE session ADD COLUMN try INTEGER NOT NULL DEFAULT 0;
