-- What she paid, as files say. Rows are never changed; they come in the order of
-- their IDs, and there is no index on what they say, so that one that is deleted is
-- overwritten where it was.
CREATE TABLE payment (
	id       INTEGER PRIMARY KEY, -- as of an account
	import   INTEGER NOT NULL,
	row      INTEGER NOT NULL,
	day      TEXT    NOT NULL CHECK (day <> ''),
	minor    INTEGER NOT NULL,
	currency TEXT    NOT NULL,
	name     TEXT    NOT NULL,
	text     TEXT    NOT NULL,
	ref      TEXT    NOT NULL,
	creditor TEXT    NOT NULL,
	mandate  TEXT    NOT NULL,
	domain   TEXT    NOT NULL -- '' if none is sure
) STRICT;

-- What files say of contracts.
CREATE TABLE bound (
	id       INTEGER PRIMARY KEY,
	import   INTEGER NOT NULL,
	row      INTEGER NOT NULL,
	domain   TEXT    NOT NULL,
	title    TEXT    NOT NULL,
	contract TEXT    NOT NULL -- JSON
) STRICT;

-- Hers. What is guessed of contracts follows from the tables above.
CREATE TABLE contract (
	id       INTEGER PRIMARY KEY,
	contract TEXT    NOT NULL -- JSON
) STRICT;
