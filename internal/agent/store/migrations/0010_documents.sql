-- Files that companies gave her of what they hold. The file is a blob. Rows are added
-- and deleted in their order, and there is no index on what they say: nothing of them
-- is left elsewhere when they are erased. AUTOINCREMENT: a number is never given again.
CREATE TABLE document (
	id     INTEGER PRIMARY KEY AUTOINCREMENT,
	domain TEXT    NOT NULL, -- the company's key
	hash   BLOB    NOT NULL CHECK (length(hash) = 32),
	size   INTEGER NOT NULL,
	media  TEXT    NOT NULL,
	name   TEXT    NOT NULL,
	came   TEXT    NOT NULL,
	answer BLOB    NOT NULL CHECK (length(answer) = 32), -- the key of the mail it came with; zeros if it came otherwise
	entry  BLOB    NOT NULL CHECK (length(entry) = 32)   -- the request that it answers; zeros if none
) STRICT;

-- A statement has an origin and may be from a document: what a company holds by
-- several origins, it holds several times.
CREATE TABLE statement_by_origin (
	fact     TEXT    NOT NULL,
	domain   TEXT    NOT NULL,
	fold     TEXT    NOT NULL, -- value, to be compared
	origin   TEXT    NOT NULL CHECK (origin IN ('stated', 'told', 'observed', 'inferred', 'bought')),
	value    TEXT    NOT NULL, -- JSON
	since    TEXT    NOT NULL,
	guessed  INTEGER NOT NULL CHECK (guessed IN (0, 1)),
	kind     TEXT    NOT NULL, -- of the account that guesses it
	import   INTEGER NOT NULL,
	document BLOB    NOT NULL CHECK (length(document) = 32), -- the hash of the one it is from; zeros if from none
	PRIMARY KEY (fact, domain, fold, origin)
) STRICT, WITHOUT ROWID;

INSERT INTO statement_by_origin (fact, domain, fold, origin, value, since, guessed, kind, import, document)
	SELECT fact, domain, fold, 'stated', value, since, guessed, kind, import, zeroblob(32) FROM statement ORDER BY fact, domain, fold;
DROP TABLE statement;
ALTER TABLE statement_by_origin RENAME TO statement;
CREATE INDEX statement_domain ON statement (domain, fact, guessed);
CREATE INDEX statement_value ON statement (fact, fold, domain, guessed);
