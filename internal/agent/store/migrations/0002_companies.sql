-- What she keeps of companies. The key of a company is its registrable domain, or
-- host and port on this machine; see docs/decisions/0012.

ALTER TABLE relationship ADD COLUMN key TEXT NOT NULL DEFAULT ''; -- of the company; '' until Open has filled it in
CREATE INDEX relationship_key ON relationship (key);

ALTER TABLE holding ADD COLUMN key  TEXT NOT NULL DEFAULT '';
ALTER TABLE holding ADD COLUMN fold TEXT NOT NULL DEFAULT ''; -- value, to be compared
CREATE INDEX holding_key ON holding (fact, key, fold, origin);

-- A cache: what lists show of each company, made from all that follows and from
-- relationships. It is narrow, and each order has an index that answers searches
-- and choices by itself, so that a page of 10,000 companies costs a millisecond.
CREATE TABLE company (
	n         INTEGER PRIMARY KEY,
	domain    TEXT    NOT NULL UNIQUE,
	name      TEXT    NOT NULL,
	fold      TEXT    NOT NULL, -- name, for search and order
	flags     INTEGER NOT NULL, -- bits, see companyFlags
	rel       BLOB    CHECK (length(rel) = 32),
	step      INTEGER NOT NULL, -- 0: no relationship
	agreement TEXT    NOT NULL,
	channel   TEXT    NOT NULL,
	held      INTEGER NOT NULL,
	accounts  INTEGER NOT NULL,
	asks      INTEGER NOT NULL,
	waiting   INTEGER NOT NULL,
	due       TEXT    NOT NULL, -- '~': nothing, which sorts last
	since     INTEGER NOT NULL, -- seconds since 1970, as is the next; see noSign
	used      INTEGER NOT NULL
) STRICT;

CREATE INDEX company_name ON company (fold, domain, flags, used);
CREATE INDEX company_held ON company (held, fold DESC, domain DESC, flags, used);
CREATE INDEX company_used ON company (used, fold DESC, domain DESC, flags);
CREATE INDEX company_step ON company (step, fold DESC, domain DESC, flags, used);
CREATE INDEX company_due  ON company (due, fold, domain, flags, used);

-- What is hers of a company.
CREATE TABLE company_own (
	domain    TEXT    PRIMARY KEY,
	name      TEXT    NOT NULL,
	confirmed INTEGER NOT NULL CHECK (confirmed IN (0, 1)),
	channel   TEXT    NOT NULL,
	gateway   INTEGER NOT NULL CHECK (gateway IN (0, 1)) -- it was seen to have one
) STRICT, WITHOUT ROWID;

CREATE TABLE company_group (
	name   TEXT NOT NULL,
	domain TEXT NOT NULL,
	PRIMARY KEY (name, domain)
) STRICT, WITHOUT ROWID;

CREATE INDEX company_group_domain ON company_group (domain, name);

-- What companies hold from before. Guessed rows are a cache, made from accounts.
CREATE TABLE statement (
	fact    TEXT    NOT NULL,
	domain  TEXT    NOT NULL,
	fold    TEXT    NOT NULL, -- value, to be compared
	value   TEXT    NOT NULL, -- JSON
	since   TEXT    NOT NULL,
	guessed INTEGER NOT NULL CHECK (guessed IN (0, 1)),
	kind    TEXT    NOT NULL, -- of the account that guesses it
	import  INTEGER NOT NULL,
	PRIMARY KEY (fact, domain, fold)
) STRICT, WITHOUT ROWID;

CREATE INDEX statement_domain ON statement (domain, fact, guessed);
CREATE INDEX statement_value ON statement (fact, fold, domain, guessed);

-- Files that she brought. AUTOINCREMENT: a number is never given again.
CREATE TABLE import (
	id     INTEGER PRIMARY KEY AUTOINCREMENT,
	format TEXT NOT NULL,
	file   TEXT NOT NULL,
	at     TEXT NOT NULL,
	state  TEXT NOT NULL CHECK (state IN ('reading', 'preview', 'kept')),
	counts TEXT NOT NULL, -- JSON, as is the next
	bad    TEXT NOT NULL,
	digest TEXT NOT NULL
) STRICT;

-- What they have of companies. No secret is ever in a row. The id is that of the
-- import times 2^32, and then its place, so that an import is a range.
CREATE TABLE account (
	id       INTEGER PRIMARY KEY,
	import   INTEGER NOT NULL,
	row      INTEGER NOT NULL,
	key      INTEGER NOT NULL, -- the same account has the same in every import
	old      INTEGER NOT NULL CHECK (old IN (0, 1)), -- a cache: the same is once more further down, in this import or in one that is kept
	domain   TEXT    NOT NULL, -- '' while it isn't certain
	host     TEXT    NOT NULL,
	name     TEXT    NOT NULL,
	title    TEXT    NOT NULL,
	url      TEXT    NOT NULL,
	login    TEXT    NOT NULL,
	mail     TEXT    NOT NULL, -- login, if it is an address, to be compared
	folder   TEXT    NOT NULL,
	kind     TEXT    NOT NULL,
	why      TEXT    NOT NULL,
	created  TEXT    NOT NULL,
	used     TEXT    NOT NULL,
	assigned INTEGER NOT NULL CHECK (assigned IN (0, 1)),
	quiet    INTEGER NOT NULL CHECK (quiet IN (0, 1))
) STRICT;

CREATE INDEX account_domain ON account (import, domain);
CREATE INDEX account_key ON account (key);
CREATE INDEX account_said ON account (key) WHERE assigned = 1 OR quiet = 1;

-- A cache: the companies of each import, made from its accounts.
CREATE TABLE found (
	import   INTEGER NOT NULL,
	domain   TEXT    NOT NULL,
	name     TEXT    NOT NULL,
	accounts INTEGER NOT NULL,
	hosts    INTEGER NOT NULL,
	PRIMARY KEY (import, domain)
) STRICT, WITHOUT ROWID;

-- Persons in an address book, one of whom may be she, until it is kept or undone.
CREATE TABLE card (
	id     INTEGER PRIMARY KEY, -- as of an account
	import INTEGER NOT NULL,
	row    INTEGER NOT NULL,
	name   TEXT    NOT NULL,
	org    TEXT    NOT NULL,
	own    INTEGER NOT NULL CHECK (own IN (0, 1)),
	facts  TEXT    NOT NULL -- JSON
) STRICT;

-- Data sets of what is publicly known.
CREATE TABLE listing_set (
	name  TEXT PRIMARY KEY,
	about TEXT NOT NULL -- JSON
) STRICT;

CREATE TABLE listing (
	n      INTEGER PRIMARY KEY,
	name   TEXT    NOT NULL, -- of the set
	key    TEXT    NOT NULL,
	record TEXT    NOT NULL, -- JSON
	UNIQUE (name, key)
) STRICT;

CREATE TABLE listing_host (
	host    TEXT    NOT NULL,
	listing INTEGER NOT NULL,
	PRIMARY KEY (host, listing)
) STRICT, WITHOUT ROWID;
