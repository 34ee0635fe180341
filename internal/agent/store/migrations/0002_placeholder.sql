-- Taken by the companies.
SELECT 1;
