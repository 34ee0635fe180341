-- Mails of hers: an entry on its way by mail, or a reminder of it.
CREATE TABLE mail (
	n            INTEGER PRIMARY KEY,
	entry        BLOB    NOT NULL CHECK (length(entry) = 32),
	part         TEXT    NOT NULL, -- '' for the entry itself
	relationship BLOB    NOT NULL CHECK (length(relationship) = 32),
	state        TEXT    NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'filed', 'failed', 'unsure', 'dropped')),
	address      TEXT    NOT NULL,
	made         TEXT    NOT NULL,
	begun        TEXT    NOT NULL,
	sent         TEXT    NOT NULL,
	tries        INTEGER NOT NULL,
	next_try     TEXT    NOT NULL,
	failure      TEXT    NOT NULL,
	copy         INTEGER NOT NULL CHECK (copy IN (0, 1)),
	UNIQUE (entry, part)
) STRICT;

CREATE INDEX mail_open ON mail (made) WHERE state IN ('waiting', 'sending', 'sent');
CREATE INDEX mail_relationship ON mail (relationship);

-- What is sent, as it is sent, from the first attempt on. Rows are only added and
-- deleted, in their order: nothing of them is left elsewhere when they are erased. So
-- it is with answers.
CREATE TABLE mail_raw (
	n    INTEGER PRIMARY KEY,
	mail INTEGER NOT NULL UNIQUE,
	raw  BLOB    NOT NULL
) STRICT;

-- What came back by mail. AUTOINCREMENT: a number is never given again.
CREATE TABLE answer (
	id           INTEGER PRIMARY KEY AUTOINCREMENT,
	key          BLOB    NOT NULL UNIQUE CHECK (length(key) = 32), -- the same mail is kept once
	relationship BLOB    NOT NULL CHECK (length(relationship) = 32),
	entry        BLOB    NOT NULL CHECK (length(entry) = 32), -- zeros if it names the relationship alone
	message      TEXT    NOT NULL,
	kind         TEXT    NOT NULL CHECK (kind IN ('answer', 'auto', 'bounce')),
	sender       TEXT    NOT NULL,
	subject      TEXT    NOT NULL,
	said         TEXT    NOT NULL,
	came         TEXT    NOT NULL,
	proof        TEXT    NOT NULL, -- JSON
	stranger     INTEGER NOT NULL CHECK (stranger IN (0, 1)),
	body         TEXT    NOT NULL,
	cut          TEXT    NOT NULL
) STRICT;

CREATE INDEX answer_relationship ON answer (relationship, came);

-- What she says that they mean.
CREATE TABLE answer_mark (
	answer INTEGER PRIMARY KEY,
	mark   TEXT NOT NULL CHECK (mark <> ''),
	marked TEXT NOT NULL
) STRICT;

CREATE TABLE answer_blob (
	answer INTEGER NOT NULL,
	n      INTEGER NOT NULL,
	hash   BLOB    NOT NULL CHECK (length(hash) = 32),
	size   INTEGER NOT NULL,
	media  TEXT    NOT NULL,
	name   TEXT    NOT NULL,
	PRIMARY KEY (answer, n)
) STRICT;

CREATE INDEX answer_blob_hash ON answer_blob (hash);

-- Things too big for a row, by the hash of what they hold, in parts, so that none is
-- ever whole in memory. One without a hash is being written, or was when it ended.
CREATE TABLE blob (
	n    INTEGER PRIMARY KEY AUTOINCREMENT,
	hash BLOB    UNIQUE CHECK (length(hash) = 32),
	size INTEGER NOT NULL
) STRICT;

CREATE TABLE blob_part (
	id   INTEGER PRIMARY KEY, -- the blob's n times 2^20, and its place
	data BLOB    NOT NULL
) STRICT;
