-- How long rows have been here is counted in days that are over by the hub's clock, because
-- the kiosk's own may be set by years. What has no higher number in the audit log than n was
-- here when that day began.
CREATE TABLE days (
  day INTEGER PRIMARY KEY, -- one more each time
  at  INTEGER NOT NULL,    -- what the hub's clock showed
  n   INTEGER NOT NULL     -- of the newest row of the audit log
) STRICT;
