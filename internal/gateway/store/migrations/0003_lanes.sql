-- Each of a company's systems has a line of its own in the outbox of a relationship:
-- '' is that of the system that has the customers, 'tickets' that of the one in which
-- the company talks to them. What waits is put into the right one when its turn comes.
ALTER TABLE delivery ADD COLUMN lane TEXT NOT NULL DEFAULT '';
DROP INDEX delivery_line;
CREATE INDEX delivery_line ON delivery (rel, lane, n) WHERE status IN ('waiting', 'checking', 'stopped');

-- As due, of the line 'tickets'.
ALTER TABLE relationship ADD COLUMN due_tickets TEXT;
CREATE INDEX relationship_due_tickets ON relationship (due_tickets) WHERE due_tickets IS NOT NULL AND restored = 0 AND frozen = '';

-- Where both systems' changes were read up to stood in one setting.
INSERT INTO setting (name, value)
	SELECT 'cursor tickets', json_extract(value, '$.tickets') FROM setting
	WHERE name = 'cursor' AND value GLOB '{"records":"*","tickets":"?*"}' AND json_valid(value);
UPDATE setting SET value = json_extract(value, '$.records')
	WHERE name = 'cursor' AND value GLOB '{"records":"*","tickets":"*"}' AND json_valid(value);
DELETE FROM setting WHERE name = 'cursor' AND value = '';
