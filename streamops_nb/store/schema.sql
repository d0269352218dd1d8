-- The catalog's tables. No secondary indexes: they have been seen to corrupt after a crash.
-- Times are seconds since the epoch, as in the events.
CREATE TABLE catalog.about (key VARCHAR, value VARCHAR);
CREATE TABLE catalog.jobs (
    name VARCHAR, author VARCHAR, version INTEGER, created_at DOUBLE, saved_at DOUBLE,
    desired VARCHAR, observed VARCHAR, since DOUBLE, reason VARCHAR, run INTEGER, copied BIGINT,
    -- of the latest version, so that thousands of jobs are listed without reading a specification
    owner VARCHAR, tags VARCHAR[], cu DOUBLE,
    -- of the latest run: its version, and the CU it holds while it goes on
    ran INTEGER, held DOUBLE
);
CREATE TABLE catalog.versions (
    job VARCHAR, version INTEGER, spec VARCHAR, author VARCHAR, "at" DOUBLE, comment VARCHAR
);
-- id is the order of arrival; seq is the event's number in its job's own file, 0 if it has none
CREATE TABLE catalog.events (
    id BIGINT, job VARCHAR, seq BIGINT, "at" DOUBLE, kind VARCHAR, body VARCHAR
);
CREATE TABLE catalog.allocation (cu DOUBLE, status VARCHAR, "at" DOUBLE, who VARCHAR);
-- Where folding the view of a job goes on: all events with an id up to "place", or a seq up to "seq",
-- are in it. Not mixed with later ones when events are rolled up.
CREATE TABLE catalog.views (job VARCHAR, place BIGINT, seq BIGINT, body VARCHAR);
