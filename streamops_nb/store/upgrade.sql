-- From format 1 or 2 to 3. What a specification says (owner, tags, cu) is filled in by whoever can read one.
ALTER TABLE catalog.jobs ADD COLUMN IF NOT EXISTS owner VARCHAR;
ALTER TABLE catalog.jobs ADD COLUMN IF NOT EXISTS tags VARCHAR[];
ALTER TABLE catalog.jobs ADD COLUMN IF NOT EXISTS cu DOUBLE;
ALTER TABLE catalog.jobs ADD COLUMN IF NOT EXISTS ran INTEGER DEFAULT 0;
ALTER TABLE catalog.jobs ADD COLUMN IF NOT EXISTS held DOUBLE DEFAULT 0;
UPDATE catalog.jobs SET ran = CASE WHEN run > 0 THEN version ELSE 0 END, held = 0
WHERE '1' = (SELECT value FROM catalog.about WHERE key = 'format');
CREATE TABLE catalog.views (job VARCHAR, place BIGINT, seq BIGINT, body VARCHAR);
UPDATE catalog.about SET value = '3' WHERE key = 'format';
