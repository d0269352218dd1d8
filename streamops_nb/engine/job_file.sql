-- The tables of a job's own file beside its output and window state. No secondary indexes: they
-- have been seen to corrupt after a crash, and every table here is small or append-only.
CREATE TABLE IF NOT EXISTS {db}.about (key VARCHAR, value VARCHAR);
CREATE TABLE IF NOT EXISTS {db}.begun (n BIGINT, record VARCHAR);
CREATE TABLE IF NOT EXISTS {db}.batches (
    n BIGINT, record VARCHAR, checkpoint VARCHAR, facts VARCHAR
);
CREATE TABLE IF NOT EXISTS {db}.rejects (
    batch BIGINT, "at" TIMESTAMPTZ, stage VARCHAR, kind VARCHAR, reason VARCHAR,
    stream VARCHAR, "partition" VARCHAR, "offset" BIGINT, raw BLOB
);
