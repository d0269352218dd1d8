-- What each run of each job has done, from the committed batches in the catalog.
SELECT job, (body::JSON ->> 'run')::BIGINT AS run,
       count(*)::BIGINT AS batches,
       sum((body::JSON ->> 'rows_in')::BIGINT)::BIGINT AS rows_in,
       sum((body::JSON ->> 'rows_out')::BIGINT)::BIGINT AS rows_out,
       sum((body::JSON ->> 'rejects')::BIGINT)::BIGINT AS rejects,
       sum((body::JSON ->> 'late')::BIGINT + (body::JSON ->> 'partly_late')::BIGINT)::BIGINT AS late
FROM catalog.events
WHERE kind = 'BatchCommitted'
GROUP BY ALL
