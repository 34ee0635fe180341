-- Each of a company's systems has a line of its own in the outbox of a relationship:
-- '' is that of the system that has the customers, 'tickets' that of the one in which
-- the company talks to them. What waits is put into the right one when its turn comes.
ALTER TABLE delivery ADD COLUMN lane text NOT NULL DEFAULT '';
DROP INDEX delivery_line;
CREATE INDEX delivery_line ON delivery (rel, lane, n) WHERE status IN ('waiting', 'checking', 'stopped');

-- As due, of the line 'tickets'.
ALTER TABLE relationship ADD COLUMN due_tickets timestamptz;
CREATE INDEX relationship_due_tickets ON relationship (due_tickets) WHERE due_tickets IS NOT NULL AND NOT restored AND frozen = '';

-- Where both systems' changes were read up to stood in one setting. Its form is
-- matched whole, since a text that is no JSON can't be tried.
INSERT INTO setting (name, value)
	SELECT 'cursor tickets', CASE WHEN value ~ '^\{"records":"([^"\\]|\\.)*","tickets":"([^"\\]|\\.)+"\}$' THEN value::json ->> 'tickets' END
	FROM setting WHERE name = 'cursor' AND value ~ '^\{"records":"([^"\\]|\\.)*","tickets":"([^"\\]|\\.)+"\}$';
UPDATE setting SET value = CASE WHEN value ~ '^\{"records":"([^"\\]|\\.)*","tickets":"([^"\\]|\\.)*"\}$' THEN value::json ->> 'records' ELSE value END
	WHERE name = 'cursor';
DELETE FROM setting WHERE name = 'cursor' AND value = '';
