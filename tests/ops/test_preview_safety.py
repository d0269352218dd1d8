"""A preview leaves everything as it was: files, positions, groups, and the jobs that run beside."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from streamops_nb.model.lifecycle import Status
from streamops_nb.ops.workspace import Workspace
from tests.broker import Broker, TansuBroker
from tests.ops.operated import opened

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
FIELDS = {"ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "DOUBLE"}
QUERY = """
    WITH cast_ AS (SELECT ts, device, temp // (temp % 50 - 7) AS t, temp FROM r)
    SELECT window_start, device, count(*) AS n, sum(temp) AS total
    FROM tumble(cast_, ts, INTERVAL 10 SECONDS) GROUP BY ALL"""
ROWS = [
    {"ts": EPOCH + timedelta(seconds=n), "device": f"d{n % 3}", "temp": float(n)}
    for n in range(400)
]
FRAME = pd.DataFrame(ROWS)
WAYS: list[dict[str, Any]] = [
    {},
    {"rows": 10},
    {"last": "20s"},
    {"since": EPOCH + timedelta(seconds=5), "until": EPOCH + timedelta(seconds=50)},
    {"live": True, "seconds": 0.1},
    {"strata": "device", "rows": 20},
    {"batch": 1},
    {"data": FRAME},
    {"seed": 3},
    {"upto": "cast_"},
]
SOURCES = (
    "json files",
    "parquet files",
    "csv files",
    "simulator",
    "replay",
    "table",
    "job",
    "kafka",
)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with TansuBroker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


def lines() -> list[bytes]:
    return [json.dumps({**row, "ts": row["ts"].isoformat()}).encode() for row in ROWS]


def stream(kind: str, ws: Workspace, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Write the rows where a source finds them, and declare it."""
    if kind == "simulator":
        return {"source": {"type": "simulator", "rate": 100, "start": "2026-01-01T00:00:00Z"}}
    if kind == "kafka":
        return {"source": _topic(request.getfixturevalue("broker"))}
    if kind in ("table", "job"):
        return {"source": _appended(ws, kind)}
    written = _written(ws.folder / "in", kind)
    if kind == "replay":
        path = {"path": "in/a.parquet", "time": "ts", "start": "2026-01-01T00:00:00Z"}
        return {"source": {"type": "replay", "speed": 1000, "loop": True, **path}}
    return {"source": {"type": "files", "path": "in"}, "format": written}


def _written(folder: Path, kind: str) -> str:
    folder.mkdir()
    if kind == "json files":
        (folder / "a.jsonl").write_bytes(b"\n".join([*lines(), b""]))
        return "json"
    if kind == "csv files":
        FRAME.to_csv(folder / "a.csv", index=False)
        return "csv"
    FRAME.to_parquet(folder / "a.parquet")
    return "parquet"


def _topic(broker: Broker) -> dict[str, Any]:
    topic = broker.topic(2)
    for partition in (0, 1):
        broker.produce_many(topic, partition, lines()[partition::2])
    return {"type": "kafka", "servers": broker.servers, "topic": topic}


def _appended(ws: Workspace, kind: str) -> dict[str, Any]:
    ws.stream("log").append(FRAME)
    source = {"type": "table", "stream": "log"}
    if kind == "table":
        return source
    first = {**declared(source), "max_ahead": None}
    ws.save({"name": "first", "streams": {"r": first}, "query": "SELECT * FROM r"})
    ws.start("first", at="earliest")
    until(lambda: ws.view("first").batch >= 1)
    ws.pause("first")
    return {"type": "job", "job": "first"}


def declared(source: Any) -> dict[str, Any]:
    return {"source": source, "schema": FIELDS, "event_time": "ts"}


def until(done: Any, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def files(folder: Path) -> dict[str, str]:
    """All files of a workspace, the catalog apart: that may note who previewed."""
    found = (p for p in sorted(folder.rglob("*")) if p.is_file() and "catalog" not in p.name)
    return {str(path): sha256(path.read_bytes()).hexdigest() for path in found}


@pytest.mark.parametrize("kind", SOURCES)
def test_files_positions_groups_and_state_are_as_before(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with opened(tmp_path) as ws:
        spec = {**declared(None), **stream(kind, ws, request), "max_ahead": None}
        ws.save({"name": "job", "streams": {"r": spec}, "query": QUERY})
        ws.start("job", at="earliest")
        until(lambda: ws.view("job").batch >= 1)
        ws.pause("job")
        before, view, rows = files(tmp_path), ws.view("job"), ws.job("job").output.df()
        groups = _groups(request) if kind == "kafka" else None
        for way in WAYS:
            preview = ws.preview("job", **way)
            receipt = preview.receipt
            assert receipt.untouched
            assert receipt.before is not None
            assert receipt.before.status == "PAUSED"
            assert files(tmp_path) == before
        assert (ws.view("job"), ws.job("job").status) == (view, Status.PAUSED)
        assert ws.job("job").output.df().equals(rows)
        assert groups == (_groups(request) if kind == "kafka" else None)
        ws.stop("job")


def _groups(request: pytest.FixtureRequest) -> dict[str, dict[str, int]]:
    broker: Broker = request.getfixturevalue("broker")
    return {group: broker.committed(group) for group in broker.groups()}


@pytest.mark.parametrize("kind", ["json files", "table", "kafka"])
def test_a_running_job_writes_the_same_with_and_without_previews_beside_it(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with opened(tmp_path) as ws:
        spec = {**declared(None), **stream(kind, ws, request), "max_ahead": None}
        trigger = {"rows": 20, "interval": "10ms"}
        for name in ("alone", "watched"):
            ws.save({"name": name, "streams": {"r": spec}, "query": QUERY, "trigger": trigger})
        ws.start("alone", at="earliest")
        until(lambda: ws.view("alone").rows_in >= len(ROWS))
        ws.pause("alone")
        over, seen = threading.Event(), []

        def watch() -> None:
            while not over.is_set():
                seen.extend(ws.preview("watched", **way).receipt for way in WAYS[:4])

        watcher = threading.Thread(target=watch)
        watcher.start()
        ws.start("watched", at="earliest")
        until(lambda: ws.view("watched").rows_in >= len(ROWS))
        over.set()
        watcher.join()
        ws.pause("watched")
        assert seen
        alone, watched = (_sorted(ws.job(name).output.df()) for name in ("alone", "watched"))
        assert watched.equals(alone)
        assert len(alone) > 10


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(["window_start", "device"]).reset_index(drop=True)


@pytest.mark.parametrize("kind", SOURCES)
def test_previews_of_a_job_that_never_ran_leave_nothing(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with opened(tmp_path) as ws:
        spec = {**declared(None), **stream(kind, ws, request), "max_ahead": None}
        spec["source"].pop("start", None)  # of a replay: nothing has ever played it
        ws.save({"name": "job", "streams": {"r": spec}, "query": QUERY})
        before = files(tmp_path)
        for way in WAYS:
            if "batch" not in way:
                assert ws.preview("job", **way).receipt.untouched
        aside = ws._core.previews._folder
        assert aside.exists()
        assert files(tmp_path) == before
        assert not list((tmp_path / "jobs").glob("job.*"))
    assert aside == Path() or not aside.exists()


def test_the_receipt_tells_what_was_read_and_how_the_job_stood(tmp_path: Path) -> None:
    with opened(tmp_path) as ws:
        for n in range(5):
            ws.stream("log").append(FRAME[n : n + 1])
        spec = declared({"type": "table", "stream": "log"})
        ws.save({"name": "job", "streams": {"r": {**spec, "max_ahead": None}}, "query": QUERY})
        receipt = ws.preview("job", rows=3).receipt
        [read] = receipt.df.drop(columns="seconds").to_dict("records")
        assert (read["stream"], read["partition"], read["records"]) == ("r", "0", 3)
        assert (read["stop"] - read["start"], read["truncated"]) == (3, "rows")
        assert read["bytes"] > 0
        assert "r: 3 records, 2026-01-01 00:00:02Z to 2026-01-01 00:00:04Z (latest 3 rows)" in str(
            receipt
        )
        assert "no sink, consumer group, position or state could change" in str(receipt)
