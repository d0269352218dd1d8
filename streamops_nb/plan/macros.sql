-- The window macros. As a batch they yield every window; a job's plan is compiled from the same
-- arguments. rel is the bare name of a relation and time_col one of its TIMESTAMP or TIMESTAMPTZ
-- columns. Windows are half-open, [window_start, window_end), and aligned to 1970-01-01 00:00 UTC
-- (make_timestamp(0) fits both types while the session's time zone is UTC).

CREATE OR REPLACE MACRO tumble(rel, time_col, size) AS TABLE
SELECT *, time_bucket(size, time_col, make_timestamp(0)) AS window_start,
       time_bucket(size, time_col, make_timestamp(0)) + size AS window_end
FROM query_table(rel)
WHERE time_col IS NOT NULL;

CREATE OR REPLACE MACRO hop(rel, time_col, slide, size) AS TABLE
SELECT * EXCLUDE (_time), window_start + size AS window_end
FROM (
    SELECT *, time_col AS _time,
           unnest(generate_series(time_bucket(slide, time_col, make_timestamp(0)),
                                  time_bucket(slide, time_col, make_timestamp(0)) - size,
                                  -slide)) AS window_start
    FROM query_table(rel)
    WHERE time_col IS NOT NULL)
WHERE window_start + size > _time;

CREATE OR REPLACE MACRO cumulate(rel, time_col, step, size) AS TABLE
SELECT * EXCLUDE (_time)
FROM (
    SELECT *, time_col AS _time, time_bucket(size, time_col, make_timestamp(0)) AS window_start,
           unnest(generate_series(time_bucket(size, time_col, make_timestamp(0)) + step,
                                  time_bucket(size, time_col, make_timestamp(0)) + size,
                                  step)) AS window_end
    FROM query_table(rel)
    WHERE time_col IS NOT NULL)
WHERE window_end > _time;

CREATE OR REPLACE MACRO session(rel, time_col, keys, gap) AS TABLE
SELECT * EXCLUDE (_time, _first, _session),
       min(_time) OVER (PARTITION BY keys, _session) AS window_start,
       max(_time) OVER (PARTITION BY keys, _session) + gap AS window_end
FROM (
    SELECT *, sum(_first) OVER (PARTITION BY keys ORDER BY _time ROWS UNBOUNDED PRECEDING)
                  AS _session
    FROM (
        SELECT *, time_col AS _time,
               CASE WHEN time_col - lag(time_col) OVER (PARTITION BY keys ORDER BY time_col) < gap
                    THEN 0 ELSE 1 END AS _first
        FROM query_table(rel)
        WHERE time_col IS NOT NULL));
