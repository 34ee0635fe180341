-- Where and in which language she writes to a company, as she says herself.
ALTER TABLE company_own ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE company_own ADD COLUMN lang    TEXT NOT NULL DEFAULT '';
