-- The last batch without which at least {rows} rows remain.
SELECT max(_batch)
FROM (
    SELECT _batch, sum(count(*)) OVER (ORDER BY _batch DESC) - count(*) AS newer
    FROM {table}
    GROUP BY _batch
)
WHERE newer >= {rows}
