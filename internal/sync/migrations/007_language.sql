-- In which language the shopper read, at the last commit of the visit: whoever was cut
-- short is told of it in that one. '' is not known.
ALTER TABLE visits ADD COLUMN lang TEXT NOT NULL DEFAULT '';
