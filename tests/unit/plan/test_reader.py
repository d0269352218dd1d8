"""Queries of people who may only look: outputs and rejects of jobs, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from streamops_nb.model.errors import QueryRefused
from streamops_nb.plan.reader import Reader


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    made = Reader()
    yield made
    made.close()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM job_a.output",
        'FROM "job_a"."output" ORDER BY _batch DESC LIMIT 3',
        "SELECT * EXCLUDE (_batch) FROM job_a.main.rejects",
        "WITH o AS (FROM job_a.output) SELECT device, count(*) AS n FROM o GROUP BY ALL",
        "SELECT a.x FROM job_a.output a JOIN job_b.output b USING (x)",
        "SELECT (body::JSON ->> 'run')::BIGINT FROM catalog.events WHERE kind = 'x'",
        "SELECT 1",
    ],
)
def test_outputs_may_be_read(reader: Reader, query: str) -> None:
    reader.check(query)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_text('owner.address')",
        "SELECT * FROM 'owner.address'",
        'SELECT * FROM "data/x.csv"',
        "SELECT * FROM glob('*')",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM query('SELECT 1')",
        "SELECT getenv('HOME')",
        "SELECT current_setting('memory_limit')",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM catalog.settings",
        "SELECT * FROM stream_log.main.log",
        "SELECT * FROM job_a.checkpoint",
        "DELETE FROM job_a.output",
        "COPY job_a.output TO 'x.csv'",
        "ATTACH 'x.db'",
        "SELECT 1; SELECT 2",
        "SELECT (SELECT content FROM read_text('owner.address')) FROM job_a.output",
        "WITH r AS (SELECT * FROM read_blob('x')) SELECT * FROM r",
        "",
        "rubbish",
    ],
)
def test_nothing_else_may(reader: Reader, query: str) -> None:
    with pytest.raises(QueryRefused):
        reader.check(query)


def test_tables_that_are_shown_may_be_read_by_name(reader: Reader) -> None:
    reader.check("SELECT avg(seconds) FROM metrics", {"metrics"})
    with pytest.raises(QueryRefused):
        reader.check("SELECT avg(seconds) FROM metrics")
