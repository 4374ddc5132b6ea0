-- An application waits for older reservations: whether there are any is asked of each
-- application that waits, so it must not take a walk through the whole queue.
CREATE INDEX submissions_reserving ON submissions (n) WHERE kind = 'reservation' AND state = 'queued';
