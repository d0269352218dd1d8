"""A reference that changes while a job runs is picked up between two batches, and that is told."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet
import pytest

from streamops_nb.engine.runner import Runner
from streamops_nb.model.events import SourceNoted
from streamops_nb.testing import Crashed
from tests.flow.growing import GrowingSource
from tests.flow.running import Bench, Input, arrow_schema, job

FIELDS = {"ts": "TIMESTAMPTZ", "id": "BIGINT"}
BASE = datetime(2024, 1, 1, tzinfo=UTC)
JOIN = "SELECT id, site FROM readings LEFT JOIN sites USING (id)"
WINDOWED = (
    "SELECT window_start, {what} AS v FROM tumble(readings, ts, INTERVAL 10 SECONDS) "
    "LEFT JOIN sites USING (id) GROUP BY ALL"
)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def _csv(path: Path, sites: Mapping[int, str]) -> None:
    lines = "".join(f"{number},{site}\n" for number, site in sites.items())
    path.write_text(f"id,site\n{lines}", encoding="utf-8")


def _parquet(path: Path, sites: Mapping[int, str]) -> None:
    table = pa.table({"id": pa.array(sites.keys(), pa.int64()), "site": list(sites.values())})
    pyarrow.parquet.write_table(table, path)


def _duckdb(path: Path, sites: Mapping[int, str]) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE OR REPLACE TABLE sites (id BIGINT, site VARCHAR)").fetchall()
        for row in sites.items():
            connection.execute("INSERT INTO sites VALUES (?, ?)", row).fetchall()


WRITERS: dict[str, Callable[[Path, Mapping[int, str]], None]] = {
    "csv": _csv,
    "parquet": _parquet,
    "duckdb": _duckdb,
}


class Job:
    """A job over a stream that grows and the reference ``sites``."""

    def __init__(self, bench: Bench, query: str, kind: str = "csv", **parts: Any) -> None:
        self.bench, self.write = bench, WRITERS[kind]
        assert bench.folder is not None
        self.path = bench.folder / f"sites.{kind}"
        self.write(self.path, {1: "north", 2: "south"})
        self.source = GrowingSource(arrow_schema(FIELDS))
        inputs = {"readings": Input(fields=FIELDS, rows={})}
        table = {"table": "sites"} if kind == "duckdb" else {}
        references = {"sites": {"type": kind, "path": self.path.name, **table}}
        self.spec = job(query, inputs, references=references, **parts)
        self.database = bench.attach()
        self.crash_at = ""
        self.runner = self.open()

    def open(self) -> Runner:
        sources = {"readings": self.source}
        return self.bench.runner(self.spec, sources, self.database, trace=self._trace)

    def _trace(self, step: str) -> None:
        if step == self.crash_at:
            self.crash_at = ""
            raise Crashed

    def change(self, sites: Mapping[int, str]) -> None:
        """Write the reference anew, with a later time whatever the clock's grain."""
        before = self.path.stat().st_mtime_ns if self.path.exists() else 0
        self.write(self.path, sites)
        os.utime(self.path, ns=(before + 10**9, before + 10**9))

    def batch(self, *ids: int, second: int = 0) -> None:
        stamp = BASE + timedelta(seconds=second)
        self.source.append("0", *({"ts": stamp, "id": number} for number in ids))
        while self.runner.step() == 0.0:
            pass

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        return self.bench.outcome(self.runner, self.database).rows

    @property
    def notes(self) -> list[tuple[str, str]]:
        facts = self.bench.outcome(self.runner, self.database).facts
        return [(fact.stream, fact.what) for fact in facts if isinstance(fact, SourceNoted)]


@pytest.mark.parametrize("kind", WRITERS)
def test_the_batch_after_a_change_uses_the_new_rows_and_tells_so(bench: Bench, kind: str) -> None:
    live = Job(bench, JOIN, kind)
    live.batch(1, 2, 3)
    live.change({2: "west", 3: "east"})
    live.batch(1, 2, 3)
    live.batch(3)
    wanted = [
        (1, "north"), (2, "south"), (3, None),
        (1, None), (2, "west"), (3, "east"),
        (3, "east"),
    ]  # fmt: skip
    assert Counter(live.rows) == Counter(wanted)
    assert live.notes == [("sites", "reference changed")]


@pytest.mark.parametrize(("what", "value"), [("max(site)", "north"), ("list(site)", ["west"])])
def test_partial_states_are_joined_when_rows_come_and_kept_rows_when_their_window_closes(
    bench: Bench, what: str, value: object
) -> None:
    live = Job(bench, WINDOWED.format(what=what))
    live.batch(1, second=1)
    live.change({1: "west"})
    live.batch(1, 1, second=12)
    assert live.rows == [(BASE, value)]
    assert live.notes == [("sites", "reference changed")]


def test_a_reference_that_cannot_be_read_stays_as_it_was_until_it_can(bench: Bench) -> None:
    live = Job(bench, JOIN, "parquet")
    live.path.unlink()
    live.batch(1)
    live.batch(2)
    live.path.write_bytes(b"no parquet")
    live.batch(2)
    live.change({2: "west"})
    live.batch(2)
    assert live.rows == [(1, "north"), (2, "south"), (2, "south"), (2, "west")]
    unreadable = ("sites", "reference unreadable")
    assert live.notes == [unreadable, unreadable, ("sites", "reference changed")]


def test_a_reference_with_other_columns_stays_as_it_was(bench: Bench) -> None:
    live = Job(bench, JOIN)
    live.path.write_text("id,site,more\n1,west,1\n", encoding="utf-8")
    live.batch(1)
    live.path.write_text("id,site\n1,7\n", encoding="utf-8")
    live.batch(1)
    assert live.rows == [(1, "north"), (1, "north")]
    assert live.notes == [("sites", "reference unusable")] * 2
    facts = bench.outcome(live.runner, live.database).facts
    messages = [fact.message for fact in facts if isinstance(fact, SourceNoted)]
    assert "site BIGINT" in messages[1]
    assert "start the job again" in messages[1]


@pytest.mark.parametrize("changed", [False, True])
def test_a_batch_repeated_after_a_crash_says_when_its_reference_is_gone(
    bench: Bench, changed: bool
) -> None:
    live = Job(bench, JOIN, sink={"type": "parquet", "path": "out"})
    live.crash_at = "begun"
    with pytest.raises(Crashed):
        live.batch(1, 2)
    live.runner.close()
    if changed:
        live.change({1: "west", 2: "east"})
    live.runner = live.open()
    while live.runner.step() == 0.0:
        pass
    assert bench.folder is not None
    table = pyarrow.parquet.read_table(bench.folder / "out", columns=["site"])
    session = bench.instance.session()
    facts = session.rows(f'SELECT facts FROM "{live.database}".batches ORDER BY n')
    session.close()
    live.runner.close()
    told = "".join(text for (text,) in facts)
    assert table["site"].to_pylist() == (["west", "east"] if changed else ["north", "south"])
    assert told.count("reference version gone") == changed
