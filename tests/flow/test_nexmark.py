"""Nexmark: every query's job writes what plain DuckDB gives for the whole input."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow.csv
import pytest

from benchmarks import job
from benchmarks.nexmark import QUERIES, Nexmark, side_input, spec_path
from benchmarks.nexmark.batch import prepare
from benchmarks.nexmark.files import write_files
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


@pytest.mark.parametrize("query", ["q5", "q8", "q13"])
def test_a_spec_reads_the_files_that_the_generator_writes(
    query: str, events: Nexmark, tmp_path: Path
) -> None:
    folder, workspace = tmp_path / "data", tmp_path / "nexmark.streamops"
    write_files(folder, events)
    spec = load(spec_path(query))
    summary = job.measure(
        spec.model_dump(mode="json"), workspace=str(workspace), folder=str(folder)
    )
    streams = events.streams()
    assert summary["rows_in"] == sum(streams[name].num_rows for name in spec.streams)
    with duckdb.connect(str(job.job_file(workspace))) as connection:
        prepare(connection, spec, folder)
        expected = connection.sql(spec.query).to_arrow_table().to_pandas()
        columns = ", ".join(expected.columns)
        got = connection.sql(f"SELECT {columns} FROM output").to_arrow_table().to_pandas()
    assert len(expected) >= 20
    assert multiset(got) == multiset(expected)


def test_of_fifty_events_one_is_a_person_three_are_auctions_and_the_rest_are_bids(
    events: Nexmark,
) -> None:
    sizes = {name: table.num_rows for name, table in events.streams().items()}
    assert sizes == {
        "person": EVENTS // 50,
        "auction": EVENTS * 3 // 50,
        "bid": EVENTS * 46 // 50,
    }


@pytest.mark.parametrize("stream", ["person", "auction", "bid"])
def test_events_come_out_of_order_but_never_more_than_the_disorder(
    stream: str, events: Nexmark
) -> None:
    times = events.streams()[stream]["date_time"].cast("int64").to_numpy()
    behind = np.maximum.accumulate(times) - times
    assert DISORDER / 4 * 1_000_000 < behind.max() <= DISORDER * 1_000_000


def test_bids_are_on_auctions_and_by_persons_that_exist_or_soon_will(events: Nexmark) -> None:
    auctions, persons = events.auction["id"].to_numpy(), events.person["id"].to_numpy()
    assert set(events.bid["auction"].to_numpy()) <= set(auctions)
    assert events.bid["bidder"].to_numpy().max() <= persons.max() + 10


def test_the_same_seed_gives_the_same_events_and_another_one_others() -> None:
    one, again, other = (Nexmark(1_000, seed=seed) for seed in (3, 3, 4))
    assert one.streams() == again.streams()
    assert one.bid != other.bid
