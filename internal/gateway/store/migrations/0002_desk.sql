-- When a delivery was first added, and when nothing was left of it, in milliseconds
-- since 1970, and the last day by which something was owed about it: how well the
-- company answers is counted from these.
ALTER TABLE delivery ADD COLUMN made  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN ended INTEGER NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN owed  TEXT    NOT NULL DEFAULT '';
UPDATE delivery SET owed = due WHERE due <> '';

CREATE INDEX delivery_ended      ON delivery (ended) WHERE ended > 0;
CREATE INDEX delivery_stopped    ON delivery (n) WHERE status = 'stopped';
CREATE INDEX relationship_frozen ON relationship (n) WHERE frozen <> '';

-- An act of staff may be about no relationship. SQLite can't drop a NOT NULL: the
-- table is made anew, with all that is in it.
DROP TRIGGER audit_no_update;
DROP TRIGGER audit_no_delete;
ALTER TABLE audit RENAME TO old_audit;
CREATE TABLE audit (
	n     INTEGER PRIMARY KEY,
	rel   INTEGER REFERENCES relationship (n), -- NULL: about none
	at    TEXT    NOT NULL,
	by    TEXT    NOT NULL,
	act   TEXT    NOT NULL,
	entry BLOB    NOT NULL,
	note  TEXT    NOT NULL
) STRICT;
INSERT INTO audit SELECT n, rel, at, by, act, entry, note FROM old_audit;
DROP TABLE old_audit;
CREATE INDEX audit_rel ON audit (rel);
CREATE INDEX audit_entry ON audit (entry) WHERE act IN ('apply', 'refuse');
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is never changed'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is never changed'); END;
