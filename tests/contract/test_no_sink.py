"""The sink that keeps nothing: it only has to count, and to notice what fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamops_nb.db import open_instance
from streamops_nb.model.errors import RowError
from streamops_nb.sinks.base import Context
from streamops_nb.sinks.nothing import NoSettings, NoSink


def test_no_sink_counts_the_rows_and_keeps_nothing(tmp_path: Path) -> None:
    instance = open_instance(tmp_path, threads=1)
    instance.attach(tmp_path / "hot.db", "hot")
    session = instance.session()
    sink = NoSink(
        NoSettings(), Context(job="hot", folder=tmp_path, schema={"n": "BIGINT"}, database='"hot"')
    )
    assert sink.transactional
    sink.open(session)
    for n, count in enumerate((0, 1, 1_000), start=1):
        with session.transaction():
            assert sink.write(n, f"SELECT * FROM range({count})", session) == count
    sink.tidy(session)
    tables = "SELECT count(*) FROM duckdb_tables() WHERE database_name = 'hot'"
    assert session.rows(tables) == [(0,)]
    instance.close()


def test_no_sink_computes_every_column_so_that_a_failing_one_is_noticed(tmp_path: Path) -> None:
    instance = open_instance(tmp_path, threads=1)
    session = instance.session()
    sink = NoSink(NoSettings(), Context(job="hot", folder=tmp_path, schema={"n": "BIGINT"}))
    with pytest.raises(RowError, match="Could not convert string"):
        sink.write(1, "SELECT 'abc'::VARCHAR::BIGINT AS n FROM range(3)", session)
    instance.close()
