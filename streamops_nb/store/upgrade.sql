-- From format 1 to 2. What a specification says (owner, tags, cu) is filled in by whoever can read one.
ALTER TABLE catalog.jobs ADD COLUMN owner VARCHAR;
ALTER TABLE catalog.jobs ADD COLUMN tags VARCHAR[];
ALTER TABLE catalog.jobs ADD COLUMN cu DOUBLE;
ALTER TABLE catalog.jobs ADD COLUMN ran INTEGER DEFAULT 0;
ALTER TABLE catalog.jobs ADD COLUMN held DOUBLE DEFAULT 0;
UPDATE catalog.jobs SET ran = CASE WHEN run > 0 THEN version ELSE 0 END, held = 0;
UPDATE catalog.about SET value = '2' WHERE key = 'format';
