-- What each run of each job has done, from the committed batches in the catalog.
SELECT job, run,
       sum(batches)::BIGINT AS batches,
       sum(rows_in)::BIGINT AS rows_in,
       sum(rows_out)::BIGINT AS rows_out,
       sum(rejects)::BIGINT AS rejects,
       sum(late + partly_late)::BIGINT AS late
FROM ({metrics})
GROUP BY ALL
