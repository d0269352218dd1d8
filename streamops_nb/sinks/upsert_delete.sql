-- Delete what an upsert has just replaced; keys may be NULL.
DELETE FROM {table} AS older
USING (SELECT {keys} FROM {table} WHERE _batch = {n}) AS newer
WHERE older._batch < {n} AND {same}
