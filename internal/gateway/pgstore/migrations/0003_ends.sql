-- Where both logs end, as the commit says that made this version of the row: so most
-- calls need not read the logs. NULL where a commit doesn't say it.
ALTER TABLE relationship ADD COLUMN ends bytea;
