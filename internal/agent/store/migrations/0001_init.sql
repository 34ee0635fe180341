-- A customer's life. IDs and keys are their bytes; times are RFC 3339 in UTC
-- with nine digits of a second, so that they sort, and '' for none.

-- What is kept of a relationship beside its logs: rows of her own.
CREATE TABLE relationship (
	n            INTEGER PRIMARY KEY,
	id           BLOB    NOT NULL UNIQUE CHECK (length(id) = 32),
	domain       TEXT    NOT NULL,
	name         TEXT    NOT NULL,
	gateway      TEXT    NOT NULL, -- '' in an unpaired log
	company      BLOB,             -- the discovery document; NULL if unpaired
	seed         BLOB    NOT NULL CHECK (length(seed) = 32), -- her key in force
	opened       TEXT    NOT NULL,
	kept         INTEGER NOT NULL CHECK (kept IN (0, 1)),
	received_seq INTEGER NOT NULL,
	received_id  BLOB    NOT NULL CHECK (length(received_id) = 32),
	sent         INTEGER NOT NULL,
	tries        INTEGER NOT NULL,
	next_try     TEXT    NOT NULL,
	failure      TEXT    NOT NULL,
	restored     INTEGER NOT NULL CHECK (restored IN (0, 1)),
	frozen       TEXT    NOT NULL,
	summary      BLOB
) STRICT;

CREATE INDEX relationship_opened ON relationship (opened);

-- Both logs of each relationship. Entries are only ever added, but for two
-- cases: a nameless relationship is forgotten whole when it ends, and a branch
-- that lost in a fork goes to the evidence.
CREATE TABLE entry (
	n            INTEGER PRIMARY KEY, -- rises as entries are added
	relationship BLOB    NOT NULL CHECK (length(relationship) = 32),
	side         TEXT    NOT NULL CHECK (side IN ('first', 'second')),
	seq          INTEGER NOT NULL CHECK (seq > 0),
	id           BLOB    NOT NULL UNIQUE CHECK (length(id) = 32),
	signed       BLOB    NOT NULL, -- as it came; never made again
	UNIQUE (relationship, side, seq) -- the last row's id is the head
) STRICT;

CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END;

-- What entries say, apart from them, so that it can be erased.
CREATE TABLE body (
	entry INTEGER PRIMARY KEY REFERENCES entry (n),
	salt  BLOB NOT NULL CHECK (length(salt) = 32),
	body  BLOB NOT NULL CHECK (length(body) > 0)
) STRICT;

CREATE TRIGGER body_no_update BEFORE UPDATE ON body
BEGIN SELECT RAISE(ABORT, 'bodies are never changed'); END;

-- What the other side has signed for, once for each head.
CREATE TABLE receipt (
	n            INTEGER PRIMARY KEY, -- rises as they come
	relationship BLOB    NOT NULL CHECK (length(relationship) = 32),
	seq          INTEGER NOT NULL CHECK (seq > 0),
	id           BLOB    NOT NULL CHECK (length(id) = 32),
	signed       BLOB    NOT NULL,
	UNIQUE (relationship, seq, id)
) STRICT;

CREATE TRIGGER receipt_no_update BEFORE UPDATE ON receipt
BEGIN SELECT RAISE(ABORT, 'receipts are never changed'); END;

-- Entries that lost against another at the same place: proof, never state.
CREATE TABLE evidence (
	n            INTEGER PRIMARY KEY,
	relationship BLOB NOT NULL CHECK (length(relationship) = 32),
	id           BLOB NOT NULL UNIQUE CHECK (length(id) = 32),
	signed       BLOB NOT NULL,
	salt         BLOB CHECK (length(salt) = 32),
	body         BLOB CHECK ((body IS NULL) = (salt IS NULL)),
	why          TEXT NOT NULL
) STRICT;

CREATE INDEX evidence_relationship ON evidence (relationship);

CREATE TRIGGER evidence_no_update BEFORE UPDATE ON evidence
BEGIN SELECT RAISE(ABORT, 'evidence is never changed'); END;

-- A cache: who holds what, as the logs say. It can be made anew from them.
CREATE TABLE holding (
	relationship BLOB    NOT NULL CHECK (length(relationship) = 32),
	n            INTEGER NOT NULL, -- place among those of the relationship
	domain       TEXT    NOT NULL,
	entry        BLOB    NOT NULL CHECK (length(entry) = 32),
	fact         TEXT    NOT NULL,
	value        TEXT    NOT NULL, -- JSON
	origin       TEXT    NOT NULL,
	since        TEXT    NOT NULL,
	until        TEXT    NOT NULL,
	last         BLOB    NOT NULL CHECK (length(last) = 32),
	outcome      TEXT    NOT NULL,
	PRIMARY KEY (relationship, n)
) STRICT;

CREATE INDEX holding_fact ON holding (fact, domain, relationship, n);

CREATE TABLE fact (
	name    TEXT PRIMARY KEY,
	value   TEXT NOT NULL, -- JSON
	updated TEXT NOT NULL
) STRICT;

-- Acts that wait to be signed. AUTOINCREMENT: a number is never given again.
CREATE TABLE draft (
	id           INTEGER PRIMARY KEY AUTOINCREMENT,
	relationship BLOB NOT NULL CHECK (length(relationship) = 32),
	body         BLOB NOT NULL,
	made         TEXT NOT NULL
) STRICT;

CREATE INDEX draft_relationship ON draft (relationship);

-- The book of next keys. What was used, or emptied out, stays and stays used.
CREATE TABLE label (
	n     INTEGER PRIMARY KEY,
	label BLOB    NOT NULL UNIQUE CHECK (length(label) = 16),
	hash  BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
	used  INTEGER NOT NULL CHECK (used IN (0, 1))
) STRICT;

CREATE INDEX label_free ON label (used) WHERE used = 0;

CREATE TABLE setting (
	name  TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT;

-- The public halves of what opens the file.
CREATE TABLE recipient (
	kind TEXT PRIMARY KEY CHECK (kind IN ('passphrase', 'keyfile', 'kit')),
	text TEXT NOT NULL
) STRICT;

-- What the store has to remember of itself: the instance mark, and the hash of
-- the file with the wrapped key.
CREATE TABLE own (
	name  TEXT PRIMARY KEY CHECK (name IN ('instance', 'sidecar')),
	value BLOB NOT NULL
) STRICT;
