-- What the committed batches of jobs did, as numbers: a row per batch, or per batches rolled up.
SELECT
    job,
    told.run AS run,
    to_timestamp(coalesce(told.since, told_at)) AS since,
    to_timestamp(told_at) AS "at",
    coalesce(told.batches, 1) AS batches,
    coalesce(told.rows_in, 0) AS rows_in,
    coalesce(told.rows_out, 0) AS rows_out,
    coalesce(told.rejects, 0) AS rejects,
    coalesce(told.late, 0) AS late,
    coalesce(told.partly_late, 0) AS partly_late,
    coalesce(told.cut_off, 0) AS cut_off,
    coalesce(told.bytes_in, 0) AS bytes_in,
    coalesce(list_sum(map_values(told.lag)), 0)::BIGINT AS lag,
    -- before the first row and after the end there is none
    CASE WHEN list_min(map_values(told.watermarks)) BETWEEN -9223372022400000 AND 253402300799999999
         THEN make_timestamptz(list_min(map_values(told.watermarks))) END AS watermark,
    told_at - epoch(watermark) AS watermark_delay,
    coalesce(told.state_rows, 0) AS state_rows,
    coalesce(list_sum(map_values(told.seconds)), 0)::DOUBLE AS seconds,
    coalesce(told.longest, seconds) AS longest,
    coalesce(told.seconds['read'], 0) AS read_seconds,
    coalesce(told.seconds['decode'], 0) AS decode_seconds,
    coalesce(told.seconds['run'], 0) AS run_seconds,
    coalesce(told.seconds['write'], 0) AS write_seconds,
    coalesce(told.seconds['commit'], 0) AS commit_seconds
FROM (
    SELECT job, "at" AS told_at, from_json(body, '{
        "run": "BIGINT", "since": "DOUBLE", "batches": "BIGINT", "rows_in": "BIGINT",
        "rows_out": "BIGINT", "rejects": "BIGINT", "late": "BIGINT", "partly_late": "BIGINT",
        "cut_off": "BIGINT", "bytes_in": "BIGINT", "lag": "MAP(VARCHAR, BIGINT)",
        "watermarks": "MAP(VARCHAR, BIGINT)", "state_rows": "BIGINT", "longest": "DOUBLE",
        "seconds": "MAP(VARCHAR, DOUBLE)"}') AS told
    FROM catalog.events
    WHERE kind IN ('BatchCommitted', 'BatchesRolled')
)
