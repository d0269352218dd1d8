-- What the error log is made of, as columns to choose by; as `streamops_nb.model.errorlog` tells it.
SELECT
    id, job, "at", told.run AS run, body,
    coalesce(told.first_at, "at") AS first_at,
    CASE event WHEN 'ErrorRaised' THEN told.level WHEN 'RejectsFound' THEN 'warning'
        ELSE if(told.what = 'field without values', 'warning', 'info') END AS level,
    coalesce(told.stage, told.stream) AS stage,
    CASE event WHEN 'RejectsFound' THEN 'reject: ' || told.kind WHEN 'SourceNoted' THEN told.what
        ELSE told.kind END AS kind,
    coalesce(told.message, told.example, '') AS message
FROM (
    SELECT id, job, "at", kind AS event, body, from_json(body, '{
        "run": "BIGINT", "first_at": "DOUBLE", "level": "VARCHAR", "stage": "VARCHAR",
        "stream": "VARCHAR", "kind": "VARCHAR", "what": "VARCHAR", "message": "VARCHAR",
        "example": "VARCHAR"}') AS told
    FROM catalog.events
    WHERE kind IN ('ErrorRaised', 'RejectsFound', 'SourceNoted')
)
