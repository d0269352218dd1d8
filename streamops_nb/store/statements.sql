-- The catalog's statements, each below its name.

-- name: tables
SELECT table_name FROM duckdb_tables() WHERE database_name = 'catalog';

-- name: size
SELECT used_blocks, block_size FROM pragma_database_size() WHERE database_name = 'catalog';

-- name: format
SELECT value FROM catalog.about WHERE key = 'format';

-- name: note format
INSERT INTO catalog.about VALUES ('format', ?);

-- name: last id
SELECT coalesce(max(id), 0) FROM catalog.events;

-- name: jobs
SELECT name, author, version, created_at, saved_at, desired, observed, since, reason, run, copied,
    owner, tags, cu, ran, held
FROM catalog.jobs
ORDER BY name;

-- name: job
SELECT name, author, version, created_at, saved_at, desired, observed, since, reason, run, copied,
    owner, tags, cu, ran, held
FROM catalog.jobs
WHERE name = ?;

-- name: add job
INSERT INTO catalog.jobs
VALUES ($name, $author, 1, $at, $at, $desired, $observed, $at, '', 0, 0, $owner, $tags, $cu, 0, 0);

-- name: raise version
UPDATE catalog.jobs
SET version = $version, saved_at = $at, owner = $owner, tags = $tags, cu = $cu
WHERE name = $name;

-- name: add version
INSERT INTO catalog.versions VALUES ($name, $version, $spec, $author, $at, $comment);

-- name: spec
SELECT spec FROM catalog.versions WHERE job = ? AND version = ?;

-- name: versions
SELECT job, version, author, "at", comment FROM catalog.versions WHERE job = ? ORDER BY version;

-- name: set state
UPDATE catalog.jobs
SET desired = $desired, observed = $observed, since = $since, reason = $reason
WHERE name = $name;

-- name: raise run
UPDATE catalog.jobs SET run = run + 1, ran = version WHERE name = ? RETURNING run;

-- name: hold
UPDATE catalog.jobs SET held = $held WHERE name = $name;

-- name: undescribed
SELECT name FROM catalog.jobs WHERE cu IS NULL;

-- name: describe
UPDATE catalog.jobs
SET owner = $owner, tags = $tags, cu = $cu, held = $cu
WHERE name = $name;

-- name: mentioning
SELECT j.name FROM catalog.jobs AS j
JOIN catalog.versions AS v ON v.job = j.name AND v.version = j.version
WHERE contains(v.spec, ?);

-- name: held
SELECT name, held FROM catalog.jobs WHERE list_contains(?, observed);

-- name: delete job
DELETE FROM catalog.jobs WHERE name = ?;

-- name: delete versions
DELETE FROM catalog.versions WHERE job = ?;

-- name: delete events
DELETE FROM catalog.events WHERE job = ?;

-- name: delete view
DELETE FROM catalog.views WHERE job = ?;

-- name: add views
INSERT INTO catalog.views SELECT job, $place, seq, body FROM fresh;

-- name: drop views
DELETE FROM catalog.views WHERE job IN (SELECT job FROM fresh);

-- name: views
SELECT job, place, body FROM catalog.views WHERE job IN (SELECT unnest(?));

-- name: in views
SELECT job, place, seq FROM catalog.views;

-- name: copied
SELECT name, copied FROM catalog.jobs WHERE list_contains(?, name);

-- name: known
SELECT job, seq FROM catalog.events SEMI JOIN asked USING (job, seq);

-- name: add events
INSERT INTO catalog.events SELECT id, job, seq, "at", kind, body FROM fresh;

-- name: raise copied
UPDATE catalog.jobs SET copied = greatest(copied, top)
FROM (SELECT job, max(seq) AS top FROM fresh GROUP BY job)
WHERE name = job;

-- name: next events
SELECT id, body FROM catalog.events
WHERE id > $since AND ($job IS NULL OR job = $job) AND ($kinds IS NULL OR list_contains($kinds, kind))
ORDER BY id
LIMIT $limit;

-- name: newest events
SELECT id, body FROM catalog.events
WHERE id > $since AND ($job IS NULL OR job = $job) AND ($kinds IS NULL OR list_contains($kinds, kind))
ORDER BY id DESC
LIMIT $limit;

-- name: recalled
-- Per job what came after the view that was kept, of rejects the last. Where none was kept: what came
-- since the latest run, and the newest of each kind from before. Bodies are long: they are read by id.
WITH asked AS (
    SELECT unnest(CAST($jobs AS VARCHAR[])) AS job, unnest(CAST($places AS BIGINT[])) AS kept
), theirs AS (
    SELECT id, job, kind, kept FROM catalog.events JOIN asked USING (job)
    WHERE id > $least AND id > coalesce(kept, 0)
), newest AS (
    SELECT job,
        coalesce(any_value(kept), max(id) FILTER (kind = 'RunStarted') - 1, 0) AS place,
        max(id) FILTER (kind = 'JobSaved') AS saved,
        max(id) FILTER (kind IN ('BatchCommitted', 'BatchesRolled')) AS batch,
        max(id) FILTER (kind = 'ErrorRaised') AS error,
        max(id) FILTER (kind = 'RejectsFound') AS rejects
    FROM theirs
    GROUP BY job
)
SELECT id FROM theirs JOIN newest USING (job)
WHERE id IN (saved, batch, error)
    OR (id > place AND (id = rejects OR kind IN (
        'BatchCommitted', 'BatchesRolled', 'ErrorRaised', 'JobSaved', 'RunEnded', 'RunStarted',
        'SourceNoted'
    )))
ORDER BY id;

-- name: done
SELECT job, run, sum(batches)::BIGINT, sum(rows_in)::BIGINT, sum(rows_out)::BIGINT,
    sum(rejects)::BIGINT, sum(late + partly_late)::BIGINT
FROM ({metrics})
WHERE list_contains(CAST(? AS VARCHAR[]), job)
GROUP BY job, run;

-- name: recalled events
SELECT body FROM catalog.events SEMI JOIN asked USING (id) ORDER BY id;

-- name: events between
SELECT id, "at", body FROM catalog.events
WHERE "at" >= $begin AND "at" < $until AND list_contains($kinds, kind)
ORDER BY "at", id
LIMIT $limit;

-- name: drop events
DELETE FROM catalog.events WHERE id IN (SELECT id FROM gone);

-- name: allocation
SELECT cu, status, "at", who FROM catalog.allocation;

-- name: drop allocation
DELETE FROM catalog.allocation;

-- name: allocate
INSERT INTO catalog.allocation VALUES (?, ?, ?, ?);

-- name: setting
SELECT value FROM catalog.about WHERE key = ?;

-- name: drop setting
DELETE FROM catalog.about WHERE key = ?;

-- name: note setting
INSERT INTO catalog.about VALUES (?, ?);
