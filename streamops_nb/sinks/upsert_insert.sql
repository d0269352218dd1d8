-- Insert the rows of a batch, of each key only the one that came last.
INSERT INTO {table} BY NAME
SELECT * EXCLUDE (_arrival), {n} AS _batch
FROM (
    SELECT *, row_number() OVER () AS _arrival
    FROM (
{select}
    )
)
QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY {order} _arrival DESC) = 1
