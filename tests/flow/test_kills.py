"""A real process is killed with signal 9 at random moments, again and again, until its jobs end.

Afterwards nothing is lost, nothing is doubled, and the history in the catalog tells the output.
"""

from __future__ import annotations

import json
import random
import signal
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from streamops_nb.model.events import BatchCommitted
from streamops_nb.ops.workspace import Workspace, connect
from streamops_nb.sinks.parquet import read
from streamops_nb.sources.base import Context
from streamops_nb.sources.simulator import SimulatorSettings, SimulatorSource
from streamops_nb.testing import run_job
from tests.broker import Broker, TansuBroker
from tests.flow.victim import live
from tests.nursery import NURSERY

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
SCHEMA = {"id": "BIGINT", "ts": "TIMESTAMPTZ", "device": "VARCHAR"}
IDS = "SELECT id, device FROM readings"
WINDOWS = """
    SELECT window_start, device, count(*) AS n, min(id) AS first, max(id) AS last
    FROM tumble(readings, ts, INTERVAL 10 SECONDS) GROUP BY ALL"""
RECORDS = 2_000
"""Per input, two a second in event time; with 10 rows in a batch some seconds of work."""
PLANT = {"type": "simulator", "total": 2_000, "rate": 100, "seed": 7, "late": 0}
PARQUET = {"type": "parquet", "path": "out"}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with TansuBroker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture(scope="module")
def topic(broker: Broker) -> str:
    """A topic with two partitions that hold all records."""
    topic = broker.topic(2)
    for partition in range(2):
        broker.produce_many(topic, partition, [line(n) for n in range(partition, RECORDS, 2)])
    return topic


def line(number: int) -> bytes:
    time = EPOCH + timedelta(seconds=number / 2)
    record = {"id": number, "ts": time.isoformat(), "device": "abc"[number % 3]}
    return json.dumps(record).encode()


def spec(name: str, source: dict[str, Any], query: str, sink: dict[str, Any]) -> dict[str, Any]:
    stream: dict[str, Any] = {"source": source, "schema": SCHEMA, "event_time": "ts"}
    if source["type"] == "simulator":
        fields = {"ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "DOUBLE"}
        stream |= {"schema": fields, "watermark_delay": "10s"}
    return {
        "name": name,
        "streams": {"readings": stream},
        "query": query,
        "sink": sink,
        "trigger": {"rows": 10, "interval": "50ms"},
        "errors": {"keep": 1_000_000},
        "start": {"at": "earliest"},
    }


def specs(folder: Path, broker: Broker, topic: str) -> list[dict[str, Any]]:
    files = {"type": "files", "path": str(folder / "data"), "follow": False}
    kafka = {"type": "kafka", "servers": broker.servers, "topic": topic}
    simulated = "SELECT ts, device, temp FROM readings"
    table = {"type": "table"}
    return [
        spec("files_table", files, IDS, table),
        spec("files_windows", files, WINDOWS, table),
        spec("files_parquet", files, WINDOWS, PARQUET),
        spec("plant_table", PLANT, simulated, table),
        spec("kafka_table", kafka, IDS, table),
        spec("kafka_parquet", kafka, IDS, PARQUET),
    ]


def prepare(folder: Path, broker: Broker, topic: str) -> list[dict[str, Any]]:
    """Write the input files and what the victim has to run."""
    data = folder / "data"
    data.mkdir(parents=True)
    for part in range(2):
        half = range(part * RECORDS // 2, (part + 1) * RECORDS // 2)
        (data / f"{part}.jsonl").write_bytes(b"".join(line(n) + b"\n" for n in half))
    jobs = specs(folder, broker, topic)
    told = [{"spec": job, "rows": RECORDS if "kafka" in job["name"] else None} for job in jobs]
    (folder / "jobs.json").write_text(json.dumps(told))
    return jobs


def lives(folder: Path, patience: float) -> bool:
    """Let the victim run, kill it after a while; whether it was killed before its end."""
    victim = NURSERY.Process(target=live, args=(folder,))
    victim.start()
    victim.join(patience)
    victim.kill()
    victim.join()
    if victim.exitcode == -signal.SIGKILL:
        return True
    assert victim.exitcode == 0, (folder / "error").read_text()
    return False


def expected(job: dict[str, Any]) -> Counter[tuple[Any, ...]]:
    """What a job has to leave, without the engine where its input is ours."""
    if job["name"] == "plant_table":
        context = Context(folder=Path(), now=lambda: 0.0)
        settings = {key: value for key, value in PLANT.items() if key != "type"}
        plant = SimulatorSource(SimulatorSettings.model_validate(settings), context)
        return rows_of(run_job(job, {"readings": plant}).to_dict("records"))
    if job["query"] == IDS:
        return Counter((n, "abc"[n % 3]) for n in range(RECORDS))
    rows: Counter[tuple[Any, ...]] = Counter()
    for window in range(RECORDS // 20):
        for device in range(3):
            ids = [n for n in range(window * 20, window * 20 + 20) if n % 3 == device]
            start = EPOCH + timedelta(seconds=window * 10)
            rows[(start, "abc"[device], len(ids), ids[0], ids[-1])] += 1
    return rows


def rows_of(records: list[dict[Any, Any]]) -> Counter[tuple[Any, ...]]:
    # a NaN equals nothing, and a column without a value may come as NaN or None
    return Counter(
        tuple(None if value is None or value != value else value for value in record.values())
        for record in records
    )


def check(workspace: Workspace, job: dict[str, Any]) -> None:
    """Compare output and history of a job with what they have to be."""
    name = job["name"]
    facts = [e for e in workspace.events(name) if isinstance(e, BatchCommitted)]
    assert sorted(fact.n for fact in facts) == list(range(1, len(facts) + 1)), name
    if job["sink"] == PARQUET:
        found = read(workspace.folder / "out" / name).to_pylist()
    else:
        table = workspace.output(name)
        found = workspace.read(f"SELECT * EXCLUDE (_batch) FROM {table}").to_pylist()
        written = workspace.read(f"SELECT _batch AS n, count(*) AS c FROM {table} GROUP BY 1")
        told = {fact.n: fact.rows_out for fact in facts if fact.rows_out}
        assert dict(zip(*written.to_pydict().values(), strict=True)) == told, name
        assert len(workspace.job(name).rejects()) == sum(fact.rejects for fact in facts), name
    wanted = expected(job)
    assert rows_of(found) == wanted, name
    assert sum(fact.rows_out for fact in facts) == wanted.total(), name


@pytest.mark.parametrize(
    "kills", [20, pytest.param(1_000, marks=[pytest.mark.soak, pytest.mark.timeout(7_200)])]
)
def test_a_process_that_is_killed_again_and_again_loses_and_doubles_nothing(
    kills: int, broker: Broker, topic: str, tmp_path: Path
) -> None:
    chance = random.Random(kills)
    killed, life = 0, 0
    while killed < kills:
        life += 1
        folder = tmp_path / str(life)
        jobs = prepare(folder, broker, topic)
        while lives(folder, chance.uniform(0.05, 1.0) if killed < kills else 120):
            killed += 1
        with connect(folder / "ws", memory="512MB") as workspace:
            for job in jobs:
                check(workspace, job)
