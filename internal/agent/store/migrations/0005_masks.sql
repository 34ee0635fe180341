-- Addresses of hers that one company has each.
CREATE TABLE mask (
	token   TEXT PRIMARY KEY,
	domain  TEXT NOT NULL, -- key of the company
	kind    TEXT NOT NULL, -- of the provider
	address TEXT NOT NULL,
	id      TEXT NOT NULL, -- by which the provider knows it
	state   TEXT NOT NULL CHECK (state IN ('making', 'active', 'paused', 'retired')),
	made    TEXT NOT NULL
) STRICT;

CREATE INDEX mask_domain ON mask (domain);

-- Mail to them that came from somewhere else.
CREATE TABLE leak (
	token   TEXT    NOT NULL,
	sender  TEXT    NOT NULL, -- registrable domain
	n       INTEGER NOT NULL,
	first   TEXT    NOT NULL,
	last    TEXT    NOT NULL,
	verdict TEXT    NOT NULL,
	PRIMARY KEY (token, sender)
) STRICT;
