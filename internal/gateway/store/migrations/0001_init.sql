-- Relationships by a short number of this file's own, since a row of nearly every
-- other table has one. A row is made by the first thing that belongs to it.
CREATE TABLE relationship (
	n        INTEGER PRIMARY KEY, -- oldest first
	id       BLOB    NOT NULL UNIQUE CHECK (length(id) = 32),
	opened   TEXT    NOT NULL,
	key      BLOB    NOT NULL, -- first's, in force
	next     BLOB    NOT NULL, -- hash of the one after it
	keys     INTEGER NOT NULL, -- of the company's chain that its log has reached
	system   TEXT    NOT NULL, -- the record that is hers
	record   TEXT    NOT NULL,
	restored INTEGER NOT NULL CHECK (restored IN (0, 1)),
	noticed  TEXT    NOT NULL, -- when it was noticed last that it was restored
	frozen   TEXT    NOT NULL,
	-- When the outbox has something to do: cached from delivery in each commit that
	-- touches it, so that finding work doesn't pass over rows that can't be done.
	due      TEXT
) STRICT;

CREATE INDEX relationship_due    ON relationship (due) WHERE due IS NOT NULL AND restored = 0 AND frozen = '';
CREATE INDEX relationship_keys   ON relationship (keys);
CREATE INDEX relationship_record ON relationship (record) WHERE record <> '';

-- Both logs of each relationship. Entries are only ever added; those of second's
-- that lost in a fork of its own move to evidence.
CREATE TABLE entry (
	n      INTEGER PRIMARY KEY, -- a rowid: rows above 1 KB cost ten times as much without
	rel    INTEGER NOT NULL REFERENCES relationship (n),
	side   INTEGER NOT NULL CHECK (side IN (1, 2)),
	seq    INTEGER NOT NULL CHECK (seq > 0),
	id     BLOB    NOT NULL CHECK (length(id) = 32),
	signed BLOB    NOT NULL, -- as it came; never serialised again
	UNIQUE (rel, side, seq)
) STRICT;

-- What entries say, apart from them, so that it can be erased.
CREATE TABLE body (
	entry INTEGER PRIMARY KEY REFERENCES entry (n),
	salt  BLOB NOT NULL,
	body  BLOB NOT NULL
) STRICT;

-- Entries that forked a log: proof, never state.
CREATE TABLE evidence (
	n      INTEGER PRIMARY KEY,
	rel    INTEGER NOT NULL REFERENCES relationship (n),
	id     BLOB    NOT NULL,
	signed BLOB    NOT NULL,
	salt   BLOB,
	body   BLOB,
	why    TEXT    NOT NULL,
	UNIQUE (rel, id)
) STRICT;

-- The outbox. It says nothing of hers: what is delivered is read from the log.
CREATE TABLE delivery (
	n        INTEGER PRIMARY KEY, -- their order within a relationship
	rel      INTEGER NOT NULL REFERENCES relationship (n),
	seq      INTEGER NOT NULL,
	task     TEXT    NOT NULL,
	entry    BLOB    NOT NULL,
	status   TEXT    NOT NULL,
	next     TEXT    NOT NULL,
	due      TEXT    NOT NULL,
	-- A new one has none of these, and they aren't written.
	tries    INTEGER NOT NULL DEFAULT 0,
	why      TEXT    NOT NULL DEFAULT '',
	system   TEXT    NOT NULL DEFAULT '',
	record   TEXT    NOT NULL DEFAULT '',
	version  TEXT    NOT NULL DEFAULT '',
	reported INTEGER NOT NULL DEFAULT 0 CHECK (reported IN (0, 1)),
	UNIQUE (rel, seq, task)
) STRICT;

-- Few rows are in these at a time: what is on its way, what is set for later, and
-- what waits for somebody.
CREATE INDEX delivery_line  ON delivery (rel, n)    WHERE status IN ('waiting', 'checking', 'stopped');
CREATE INDEX delivery_later ON delivery (rel, next) WHERE status = 'later';
CREATE INDEX delivery_due   ON delivery (due, n)    WHERE due <> '' AND status NOT IN ('waiting', 'checking');

CREATE TABLE challenge (
	rel    INTEGER NOT NULL REFERENCES relationship (n),
	claim  BLOB    NOT NULL,
	seq    INTEGER NOT NULL,
	system TEXT    NOT NULL,
	record TEXT    NOT NULL,
	sends  INTEGER NOT NULL,
	hash   BLOB    NOT NULL, -- of the code, never the code; zero where none is good
	sent   TEXT    NOT NULL,
	until  TEXT    NOT NULL,
	tries  INTEGER NOT NULL, -- left
	tried  INTEGER NOT NULL,
	entry  BLOB    NOT NULL,
	proof  BLOB    NOT NULL,
	PRIMARY KEY (rel, claim)
) STRICT;

CREATE INDEX challenge_record ON challenge (record, sent);

-- What the company has said and can't sign yet.
CREATE TABLE draft (
	id    INTEGER PRIMARY KEY,
	rel   INTEGER NOT NULL REFERENCES relationship (n),
	body  BLOB    NOT NULL,
	entry BLOB    NOT NULL, -- of first's, that it is about
	made  TEXT    NOT NULL
) STRICT;

CREATE INDEX draft_rel ON draft (rel);

-- What operators have seen and done, written before they did.
CREATE TABLE audit (
	n     INTEGER PRIMARY KEY,
	rel   INTEGER NOT NULL REFERENCES relationship (n),
	at    TEXT    NOT NULL,
	by    TEXT    NOT NULL,
	act   TEXT    NOT NULL,
	entry BLOB    NOT NULL,
	note  TEXT    NOT NULL
) STRICT;

CREATE INDEX audit_rel ON audit (rel);

-- Changes of the company's system that were taken.
CREATE TABLE change (
	n  INTEGER PRIMARY KEY,
	id TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE setting (
	name  TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT;

CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is never changed'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is never changed'); END;
