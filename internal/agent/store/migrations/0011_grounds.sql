-- What a plan asks of the relationship of a holding stands beside it, so that who holds
-- a fact, and what may be told to them, is one read; '' until Open has filled it in.
ALTER TABLE holding ADD COLUMN ground TEXT NOT NULL DEFAULT '';
