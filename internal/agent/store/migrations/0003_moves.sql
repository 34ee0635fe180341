-- What the outbox has to know of a relationship without reading its logs: cached,
-- like the summary.
ALTER TABLE relationship ADD COLUMN head    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE relationship ADD COLUMN expects TEXT    NOT NULL DEFAULT '';
ALTER TABLE relationship ADD COLUMN quiet   INTEGER NOT NULL DEFAULT 0 CHECK (quiet IN (0, 1));

UPDATE relationship SET
	head    = coalesce((SELECT max(seq) FROM entry WHERE entry.relationship = relationship.id AND side = 'first'), 0),
	expects = coalesce(json_extract(CAST(summary AS TEXT), '$.expects'), ''),
	quiet   = coalesce(json_extract(CAST(summary AS TEXT), '$.closed') AND json_extract(CAST(summary AS TEXT), '$.waiting') = 0, 0);

-- All that the outbox reads at a start, so that ten thousand rows are a few pages.
CREATE INDEX relationship_outbox ON relationship
	(id, head, received_seq, restored, frozen, next_try, expects, quiet) WHERE gateway <> '';

-- A cache: entries of hers that are on their way, and what became of them as the
-- logs say. It can be made anew from them.
CREATE TABLE carried (
	entry        BLOB    PRIMARY KEY CHECK (length(entry) = 32),
	relationship BLOB    NOT NULL CHECK (length(relationship) = 32),
	seq          INTEGER NOT NULL,
	kind         TEXT    NOT NULL,
	fact         TEXT    NOT NULL,
	made         TEXT    NOT NULL,
	due          TEXT    NOT NULL,
	step         TEXT    NOT NULL, -- '' as far as the outbox knows
	system       TEXT    NOT NULL,
	record       TEXT    NOT NULL,
	why          TEXT    NOT NULL,
	noted        TEXT    NOT NULL,
	unpaired     INTEGER NOT NULL CHECK (unpaired IN (0, 1))
) STRICT;

CREATE INDEX carried_relationship ON carried (relationship, seq);
CREATE INDEX carried_task ON carried (step, made) WHERE unpaired = 1;

-- A change that goes everywhere, and what it means for each fact at each company.
CREATE TABLE move (
	id      INTEGER PRIMARY KEY,
	key     TEXT    UNIQUE CHECK (key <> ''), -- so that a double click is one move
	move    TEXT    NOT NULL, -- JSON of what she decided
	made    TEXT    NOT NULL,
	state   TEXT    NOT NULL CHECK (state IN ('scheduled', 'begun', 'cancelled')),
	began   TEXT    NOT NULL,
	paused  INTEGER NOT NULL CHECK (paused IN (0, 1)),
	problem TEXT    NOT NULL
) STRICT;

CREATE TABLE leg (
	move         INTEGER NOT NULL,
	n            INTEGER NOT NULL CHECK (n > 0),
	domain       TEXT    NOT NULL,
	name         TEXT    NOT NULL,
	relationship BLOB    NOT NULL CHECK (length(relationship) = 32), -- zeros for none
	fact         TEXT    NOT NULL,
	old          TEXT    NOT NULL, -- JSON, '' for none
	holding      BLOB    NOT NULL CHECK (length(holding) = 32),
	way          TEXT    NOT NULL, -- its group
	channel      TEXT    NOT NULL,
	reason       TEXT    NOT NULL,
	basis        TEXT    NOT NULL, -- JSON, '' for none
	guessed      INTEGER NOT NULL CHECK (guessed IN (0, 1)),
	origin       TEXT    NOT NULL,
	proposal     INTEGER NOT NULL CHECK (proposal IN (0, 1)),
	entry        BLOB    CHECK (length(entry) = 32),
	PRIMARY KEY (move, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX leg_entry ON leg (entry) WHERE entry IS NOT NULL;
CREATE INDEX leg_relationship ON leg (relationship);

-- A draft may be a leg: then the leg becomes the entry that the draft does.
ALTER TABLE draft ADD COLUMN move INTEGER NOT NULL DEFAULT 0;
ALTER TABLE draft ADD COLUMN leg  INTEGER NOT NULL DEFAULT 0;

-- When she wants to be reminded of what she carries herself.
CREATE TABLE reminder (
	entry BLOB PRIMARY KEY CHECK (length(entry) = 32),
	day   TEXT NOT NULL CHECK (day <> '')
) STRICT;
