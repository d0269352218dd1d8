"""A crash between every two steps of the recipe changes neither output nor history.

At the crash the folder is copied as it lies on the disk, and the copy is opened by an instance that
knows nothing of the one that died: no roll-back, no closing, no memory helps.
"""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from streamops_nb.db import Session, ident, literal, open_instance
from streamops_nb.engine.assembly import Surroundings
from streamops_nb.engine.runner import Runner
from streamops_nb.model.events import BatchCommitted, from_json
from streamops_nb.model.spec import JobSpec
from streamops_nb.plan.planner import Planner
from streamops_nb.testing import Crashed
from tests.flow.running import NOW, Input, job

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
DATABASE = "job_proof"

QUERIES = {
    "stateless": "SELECT id AS at, device, temp FROM readings WHERE temp > 2",
    "partial states": """
        SELECT window_start AS at, device, count(*) AS n, sum(temp) AS total, max(id) AS last
        FROM tumble(readings, ts, INTERVAL 10 SECONDS) GROUP BY ALL""",
    "rows kept": """
        SELECT window_start AS at, device, list(id ORDER BY id) AS ids
        FROM tumble(readings, ts, INTERVAL 10 SECONDS) GROUP BY ALL""",
}
SINKS: dict[str, dict[str, Any]] = {
    "table": {"type": "table"},
    "table with key": {"type": "table", "key": ["device"], "order": ["at"]},
    "parquet": {"type": "parquet", "path": "out"},
}
CASES = [
    *itertools.product(["stateless", "partial states"], SINKS),
    ("rows kept", "table"),
]
STEPS = {"table": 4, "table with key": 4, "parquet": 5}
"""Names that the trace hook tells per batch; only an external sink's batches are begun."""


def readings() -> Input:
    """Two partitions, with rows that come out of order."""
    rows: dict[str, list[dict[str, Any]]] = {"0": [], "1": []}
    for number in range(30):
        seconds = number * 1.7 + (3.0 if number % 5 == 0 else 0.0)
        rows[str(number % 2)].append(
            {
                "id": number,
                "ts": EPOCH + timedelta(seconds=seconds),
                "device": "abc"[number % 3],
                "temp": float(number % 7),
            }
        )
    fields = {"id": "BIGINT", "ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "DOUBLE"}
    return Input(fields=fields, rows=rows, settings={"event_time": "ts", "watermark_delay": "5s"})


@dataclass(frozen=True, kw_only=True)
class Left:
    """What a job left on the disk."""

    rows: list[tuple[Any, ...]]
    facts: list[BatchCommitted]
    crashes: int = 0

    @property
    def history(self) -> list[tuple[Any, ...]]:
        """What was done in batches; one that did nothing may follow a crash after the end."""
        return [
            (f.n, f.spans, f.rows_in, f.rows_out, f.late, f.partly_late)
            for f in self.facts
            if f.rows_in or f.rows_out
        ]


class Life:
    """One job in one folder after another: at a crash its files move on to the next."""

    def __init__(self, folder: Path, spec: JobSpec, planner: Planner) -> None:
        self._folders = (folder / str(number) for number in itertools.count())
        self.spec = spec
        self.now = NOW
        self._planner = planner
        self.folder = next(self._folders)
        self.folder.mkdir()

    def run(self, dies: Callable[[str], bool]) -> Left:
        """Run the job to its end, from its files again after every death."""
        crashes = 0
        while True:
            try:
                return replace(self._live(dies), crashes=crashes)
            except Crashed:
                crashes += 1

    def _live(self, dies: Callable[[str], bool]) -> Left:
        folder = self.folder

        def trace(step: str) -> None:
            if dies(step):
                self.folder = next(self._folders)
                shutil.copytree(folder, self.folder)
                raise Crashed

        instance = open_instance(folder, memory="256MB", threads=1)
        try:
            instance.attach(folder / "proof.db", DATABASE)
            around = Surroundings(
                instance=instance,
                folder=folder,
                now=lambda: self.now,
                planner=self._planner,
                sources={"readings": readings().source()},
            )
            runner = Runner(self.spec, around, database=DATABASE, trace=trace)
            while runner.step() is not None:
                pass
            runner.close()
            return self._left(instance.session(), list(runner.plan.columns))
        finally:
            instance.close()

    @property
    def parquet(self) -> str:
        """What a reader of the Parquet files would write into FROM."""
        return f"read_parquet({literal(str(self.folder / 'out/**/*.parquet'))})"

    def _left(self, session: Session, columns: list[str]) -> Left:
        table = self.parquet if self.spec.sink.type == "parquet" else f"{DATABASE}.output"
        names = ", ".join(ident(name) for name in columns)
        rows = session.rows(f"SELECT {names} FROM {table} ORDER BY ALL")
        batches = session.rows(f"SELECT facts FROM {DATABASE}.batches ORDER BY n")
        facts = [from_json(fact) for (text,) in batches for fact in json.loads(text)]
        return Left(rows=rows, facts=[f for f in facts if isinstance(f, BatchCommitted)])


@pytest.fixture(scope="module")
def planner() -> Iterator[Planner]:
    planner = Planner()
    yield planner
    planner.close()


def spec_of(query: str, sink: str) -> JobSpec:
    return job(QUERIES[query], {"readings": readings()}, sink=SINKS[sink], trigger={"rows": 15})


def told_by_undisturbed(folder: Path, spec: JobSpec, planner: Planner) -> tuple[Left, list[str]]:
    """Run the job without a crash; give what it left and the steps it told."""
    steps: list[str] = []
    folder.mkdir()

    def note(step: str) -> bool:
        steps.append(step)
        return False

    return Life(folder, spec, planner).run(note), steps


def check(found: Left, wanted: Left, sink: str) -> None:
    assert found.rows == wanted.rows
    assert found.history == wanted.history
    assert [fact.n for fact in found.facts] == list(range(1, len(found.facts) + 1))
    if sink != "table with key":
        assert sum(fact.rows_out for fact in found.facts) == len(found.rows)


@pytest.mark.parametrize(("query", "sink"), CASES)
def test_a_crash_after_any_step_of_any_batch_loses_and_doubles_nothing(
    query: str, sink: str, tmp_path: Path, planner: Planner
) -> None:
    spec = spec_of(query, sink)
    wanted, steps = told_by_undisturbed(tmp_path / "whole", spec, planner)
    assert len(wanted.rows) >= 3
    assert len(steps) == STEPS[sink] * len(wanted.facts)
    for place in range(len(steps)):
        calls = itertools.count()
        folder = tmp_path / str(place)
        folder.mkdir()
        found = Life(folder, spec, planner).run(lambda _, c=calls, p=place: next(c) == p)
        assert found.crashes == 1
        check(found, wanted, sink)
        shutil.rmtree(folder)


@pytest.mark.parametrize(("query", "sink"), CASES)
def test_a_job_that_dies_again_and_again_still_ends_right(
    query: str, sink: str, tmp_path: Path, planner: Planner
) -> None:
    spec = spec_of(query, sink)
    wanted, steps = told_by_undisturbed(tmp_path / "whole", spec, planner)
    deaths = dict.fromkeys(steps, 0)
    most = len(wanted.facts)
    folder = tmp_path / "torn"
    folder.mkdir()

    def dies(step: str) -> bool:
        # in turn, so that every step has been the last of a life before any is so again
        if deaths[step] < most and deaths[step] == min(deaths.values()):
            deaths[step] += 1
            return True
        return False

    found = Life(folder, spec, planner).run(dies)
    assert found.crashes >= most
    check(found, wanted, sink)


def test_a_batch_that_readers_have_seen_comes_again_as_it_was(
    tmp_path: Path, planner: Planner
) -> None:
    query = "SELECT id, now() AS seen FROM readings"
    given = {"readings": readings()}
    spec = job(query, given, sink=SINKS["parquet"], trigger={"rows": 9})
    life, written = Life(tmp_path, spec, planner), itertools.count(1)
    seen: list[tuple[Any, ...]] = []

    def dies(step: str) -> bool:
        if step != "written" or next(written) != 2:
            return False
        # the next life has another clock and would cut batches otherwise
        seen.extend(duckdb.sql(f"SELECT id, seen FROM {life.parquet}").fetchall())
        life.now += 1_000
        life.spec = job(query, given, sink=SINKS["parquet"], trigger={"rows": 4})
        return True

    found = life.run(dies)
    assert len(seen) == 18
    assert set(seen) < set(found.rows)
    assert [row[0] for row in found.rows] == list(range(30))
    assert [fact.rows_in for fact in found.facts][:4] == [9, 9, 4, 4]
