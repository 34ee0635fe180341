-- Every table that a call touches begins its key with the relationship's ID, so that
-- an engine that shards can keep a relationship in one place. There are no foreign
-- keys: rows of a relationship are written under its version, and never removed.
CREATE TABLE relationship (
	id       bytea       PRIMARY KEY CHECK (octet_length(id) = 32),
	n        bigint      GENERATED ALWAYS AS IDENTITY UNIQUE, -- oldest first
	-- Raised by one with each commit that changes anything of it but its audit.
	version  bigint      NOT NULL CONSTRAINT relationship_version CHECK (version > 0),
	opened   timestamptz NOT NULL,
	key      bytea       NOT NULL, -- first's, in force
	next     bytea       NOT NULL, -- hash of the one after it
	keys     integer     NOT NULL, -- of the company's chain that its log has reached
	system   text        NOT NULL, -- the record that is hers
	record   text        NOT NULL,
	restored boolean     NOT NULL,
	noticed  timestamptz NOT NULL, -- when it was noticed last that it was restored
	frozen   text        NOT NULL,
	-- When the outbox has something to do: cached from delivery in each commit that
	-- touches it, so that finding work doesn't pass over rows that can't be done.
	due      timestamptz
) WITH (fillfactor = 70);

CREATE INDEX relationship_due    ON relationship (due) WHERE due IS NOT NULL AND NOT restored AND frozen = '';
CREATE INDEX relationship_keys   ON relationship (keys, n) WHERE NOT restored AND frozen = '';
CREATE INDEX relationship_frozen ON relationship (n) WHERE frozen <> '';
CREATE INDEX relationship_record ON relationship (record, system) WHERE record <> '';

-- Both logs of each relationship. Entries are only ever added; those of second's
-- that lost in a fork of its own move to evidence. What an entry says stands beside
-- it, and is set to NULL when it is erased.
CREATE TABLE entry (
	rel    bytea    NOT NULL,
	side   smallint NOT NULL CHECK (side IN (1, 2)),
	seq    bigint   NOT NULL CHECK (seq > 0),
	id     bytea    NOT NULL CHECK (octet_length(id) = 32),
	signed bytea    NOT NULL, -- as it came; never serialised again
	salt   bytea,
	body   bytea,
	PRIMARY KEY (rel, side, seq)
);

-- Entries that forked a log: proof, never state.
CREATE TABLE evidence (
	rel    bytea  NOT NULL,
	id     bytea  NOT NULL,
	n      bigint GENERATED ALWAYS AS IDENTITY,
	signed bytea  NOT NULL,
	salt   bytea,
	body   bytea,
	why    text   NOT NULL,
	PRIMARY KEY (rel, id)
);

-- The outbox. It says nothing of hers: what is delivered is read from the log.
CREATE TABLE delivery (
	rel      bytea       NOT NULL,
	seq      bigint      NOT NULL,
	task     text        NOT NULL,
	n        bigint      GENERATED ALWAYS AS IDENTITY, -- their order within a relationship
	entry    bytea       NOT NULL,
	status   text        NOT NULL,
	next     timestamptz NOT NULL,
	due      text        COLLATE "C" NOT NULL,
	tries    integer     NOT NULL,
	why      text        NOT NULL,
	system   text        NOT NULL,
	record   text        NOT NULL,
	version  text        NOT NULL,
	reported boolean     NOT NULL,
	made     timestamptz NOT NULL,
	ended    timestamptz, -- NULL while something is left to be done or said
	owed     text        COLLATE "C" NOT NULL, -- the last due that it had
	PRIMARY KEY (rel, seq, task)
);

-- Few rows are in these at a time: what is on its way, what is set for later, and
-- what waits for somebody.
CREATE INDEX delivery_line  ON delivery (rel, n)    WHERE status IN ('waiting', 'checking', 'stopped');
CREATE INDEX delivery_ended   ON delivery (ended)    WHERE ended IS NOT NULL;
CREATE INDEX delivery_stopped ON delivery (n)        WHERE status = 'stopped';
CREATE INDEX delivery_later ON delivery (rel, next) WHERE status = 'later';
CREATE INDEX delivery_due   ON delivery (due, n)    WHERE due <> '' AND status NOT IN ('waiting', 'checking');

CREATE TABLE challenge (
	rel    bytea       NOT NULL,
	claim  bytea       NOT NULL,
	seq    bigint      NOT NULL,
	system text        NOT NULL,
	record text        NOT NULL,
	sends  integer     NOT NULL,
	hash   bytea       NOT NULL, -- of the code, never the code; zero where none is good
	sent   timestamptz NOT NULL,
	until  text        NOT NULL,
	tries  integer     NOT NULL, -- left
	tried  bigint      NOT NULL,
	entry  bytea       NOT NULL,
	proof  bytea       NOT NULL,
	PRIMARY KEY (rel, claim)
);

CREATE INDEX challenge_record ON challenge (record, sent);

-- What the company has said and can't sign yet.
CREATE TABLE draft (
	rel   bytea       NOT NULL,
	id    bigint      GENERATED ALWAYS AS IDENTITY UNIQUE,
	body  bytea       NOT NULL,
	entry bytea       NOT NULL, -- of first's, that it is about
	made  timestamptz NOT NULL,
	PRIMARY KEY (rel, id)
);

-- What operators have seen and done, written before they did.
CREATE TABLE audit (
	rel   bytea       NOT NULL,
	n     bigint      GENERATED ALWAYS AS IDENTITY,
	at    timestamptz NOT NULL,
	by    text        NOT NULL,
	act   text        NOT NULL,
	entry bytea       NOT NULL,
	note  text        NOT NULL,
	PRIMARY KEY (rel, n)
);
CREATE INDEX audit_n     ON audit (n);
CREATE INDEX audit_entry ON audit (entry) WHERE act IN ('apply', 'refuse');

-- Changes of the company's system that were taken.
CREATE TABLE change (
	id text PRIMARY KEY
);

CREATE TABLE setting (
	name  text PRIMARY KEY,
	value text NOT NULL
);

-- The processes that use this database. One that does not say for a while that it is
-- there has nothing any more of what it held.
CREATE TABLE process (
	id    text        PRIMARY KEY,
	beat  bigint      NOT NULL, -- how often it has said so
	until timestamptz NOT NULL
);

CREATE TABLE hold (
	what    text PRIMARY KEY,
	process text NOT NULL
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION '% is never changed', TG_TABLE_NAME;
END $$;

CREATE TRIGGER entry_no_update BEFORE UPDATE OF rel, side, seq, id, signed ON entry FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION refuse_change();
