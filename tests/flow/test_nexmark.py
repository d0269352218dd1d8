"""Nexmark: every query's job writes what plain DuckDB gives for the whole input."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.csv
import pytest

from benchmarks.nexmark import QUERIES, Nexmark, side_input, spec_path
from streamops_nb.db import load_sql
from streamops_nb.plan.specfile import load
from streamops_nb.testing import run_job

# 200 s of event time: twenty tumbling windows, and sessions that end before the input does
EVENTS, RATE, DISORDER = 10_000, 50, 4.0


@pytest.fixture(scope="module")
def events() -> Nexmark:
    return Nexmark(EVENTS, rate=RATE, disorder=DISORDER, seed=7)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("nexmark")
    pyarrow.csv.write_csv(side_input(), path / "side_input.csv")
    return path


@pytest.fixture(scope="module")
def plain(events: Nexmark, folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection without the engine: the streams are tables, the windows are the macros."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone='UTC'")
        connection.execute(load_sql("streamops_nb.plan", "macros.sql"))
        for name, table in events.streams().items():
            connection.register(name, table)
        connection.execute(
            f"CREATE VIEW side_input AS FROM read_csv('{folder / 'side_input.csv'}')"
        )
        yield connection


def multiset(frame: pd.DataFrame) -> Counter[tuple[object, ...]]:
    return Counter(
        tuple(float(f"{v:.9e}") if isinstance(v, float) else v for v in row)
        for row in frame.itertuples(index=False, name=None)
    )


@pytest.mark.parametrize("rows_per_batch", [97, 1_000, EVENTS])
@pytest.mark.parametrize("query", QUERIES)
def test_a_job_writes_what_the_batch_query_gives(
    query: str,
    rows_per_batch: int,
    events: Nexmark,
    folder: Path,
    plain: duckdb.DuckDBPyConnection,
) -> None:
    spec = load(spec_path(query))
    streams = events.streams()
    expected = plain.sql(spec.query).to_arrow_table().to_pandas()
    got = run_job(
        spec,
        {name: streams[name] for name in spec.streams},
        rows_per_batch=rows_per_batch,
        folder=folder,
    )
    assert len(expected) >= 20
    assert list(got.columns) == list(expected.columns)
    assert multiset(got) == multiset(expected)
