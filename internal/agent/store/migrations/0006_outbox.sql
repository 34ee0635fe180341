-- A relationship is in three tables by how often it changes: almost never, with each
-- entry, and with each call. A call to a company then writes a row of a hundred
-- bytes, and not kilobytes of a discovery document with all indexes.

-- What the outbox knows, and all that it reads at a start: ten thousand rows are a
-- megabyte.
CREATE TABLE outbox (
	n            INTEGER PRIMARY KEY, -- of the relationship
	id           BLOB    NOT NULL CHECK (length(id) = 32), -- likewise
	paired       INTEGER NOT NULL CHECK (paired IN (0, 1)),
	head         INTEGER NOT NULL,
	received_seq INTEGER NOT NULL,
	received_id  BLOB    NOT NULL CHECK (length(received_id) = 32),
	sent         INTEGER NOT NULL,
	tries        INTEGER NOT NULL,
	next_try     TEXT    NOT NULL,
	failure      TEXT    NOT NULL,
	restored     INTEGER NOT NULL CHECK (restored IN (0, 1)),
	frozen       TEXT    NOT NULL,
	expects      TEXT    NOT NULL,
	quiet        INTEGER NOT NULL CHECK (quiet IN (0, 1))
) STRICT;

INSERT INTO outbox SELECT n, id, gateway <> '', head, received_seq, received_id, sent, tries, next_try, failure, restored, frozen, expects, quiet
FROM relationship ORDER BY n;

-- A cache: what lists show of a relationship.
CREATE TABLE summary (
	n       INTEGER PRIMARY KEY, -- of the relationship
	summary BLOB    NOT NULL
) STRICT;

INSERT INTO summary SELECT n, summary FROM relationship WHERE summary IS NOT NULL ORDER BY n;

CREATE TABLE relationship_kept (
	n       INTEGER PRIMARY KEY,
	id      BLOB    NOT NULL UNIQUE CHECK (length(id) = 32),
	domain  TEXT    NOT NULL,
	key     TEXT    NOT NULL, -- of the company; '' until Open has filled it in
	name    TEXT    NOT NULL,
	gateway TEXT    NOT NULL, -- '' in an unpaired log
	company BLOB,             -- the discovery document; NULL if unpaired
	seed    BLOB    NOT NULL CHECK (length(seed) = 32), -- her key in force
	opened  TEXT    NOT NULL,
	kept    INTEGER NOT NULL CHECK (kept IN (0, 1))
) STRICT;

INSERT INTO relationship_kept SELECT n, id, domain, key, name, gateway, company, seed, opened, kept FROM relationship ORDER BY n;
DROP TABLE relationship;
ALTER TABLE relationship_kept RENAME TO relationship;

CREATE INDEX relationship_opened ON relationship (opened);
CREATE INDEX relationship_key ON relationship (key);
