-- A cache: what waits for her in relationships, as the logs say.
CREATE TABLE waiting (
	relationship BLOB    NOT NULL CHECK (length(relationship) = 32),
	n            INTEGER NOT NULL, -- place among those of the relationship
	key          TEXT    NOT NULL,
	what         TEXT    NOT NULL,
	entry        BLOB    NOT NULL CHECK (length(entry) = 32), -- zeros for none
	fact         TEXT    NOT NULL,
	until        TEXT    NOT NULL,
	since        TEXT    NOT NULL,
	place        TEXT    NOT NULL, -- the day by which it is sorted
	PRIMARY KEY (relationship, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX waiting_place ON waiting (place, since, key);

-- Cards that she has put off, and until when.
CREATE TABLE later (
	key   TEXT PRIMARY KEY,
	until TEXT NOT NULL CHECK (until <> '')
) STRICT, WITHOUT ROWID;
