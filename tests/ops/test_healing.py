"""Healing: planted faults are found, counted, tried again, and go into the output exactly once."""

from __future__ import annotations

import json
import multiprocessing
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import streamops_nb as so
from streamops_nb.demo.build import demo_specs
from streamops_nb.model.lifecycle import Status
from streamops_nb.ops.healing import Heal
from streamops_nb.ops.workspace import Workspace
from streamops_nb.sinks.parquet import read
from streamops_nb.sources.base import Context, Limit
from streamops_nb.sources.simulator import SimulatorSettings, SimulatorSource
from tests.ops.healer import heal_and_die
from tests.ops.operated import COUNT, appended, opened, plant
from tests.ops.test_reporting import until
from tests.streamops import streamops

GOOD = '{"ts": "2026-01-01T00:00:0%dZ", "device": "d%d", "temp": 20.5}'
NOT_A_NUMBER = '{"ts": "2026-01-01T00:01:0%dZ", "device": "n%d", "temp": "n/a"}'
NO_SUCH_DAY = '{"ts": "2025-13-32T00:00:0%dZ", "device": "x%d", "temp": 1}'
NO_JSON = "E42 sensor bus timeout %d %d"
PLANTED = {NOT_A_NUMBER: 7, NO_SUCH_DAY: 5, NO_JSON: 3}

NURSERY = multiprocessing.get_context("forkserver")
NURSERY.set_forkserver_preload(["tests.ops.healer", "streamops_nb.ops.workspace"])

TOLERANT = {
    "streams": {"r": {"schema": {"ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "VARCHAR"}}}
}
QUERY = "SELECT ts, device, TRY_CAST(temp AS DOUBLE) AS temp FROM r"


def bad_stream(
    workspace: Workspace,
    query: str = "SELECT ts, device, temp FROM r",
    *,
    follow: bool = False,
    **more: object,
) -> so.Job:
    """A job over a file with planted faults, which it has read."""
    lines = [GOOD % (n, n) for n in range(10)]
    for line, times in PLANTED.items():
        lines += [line % (n, n) for n in range(times)]
    (workspace.folder / "in.jsonl").write_text("".join(f"{line}\n" for line in lines))
    spec = plant("a", query=query, **more)
    spec["streams"]["r"]["source"] = {"type": "files", "path": "in.jsonl", "follow": follow}
    job = workspace.save(spec | {"start": {"at": "earliest"}})
    job.start()
    if follow:
        until(lambda: job.view.rejects == 15)
    else:
        assert job.wait(20) == Status.FINISHED
    return job


def counts(job: so.Job) -> list[int]:
    return sorted(job.reject_counts()["count"])


def test_every_planted_fault_is_found_counted_and_healed(tmp_path: Path) -> None:
    with opened(tmp_path / "w") as workspace:
        job = bad_stream(workspace)
        assert counts(job) == sorted(PLANTED.values())
        assert sorted(group.count for group in job.errors().groups) == sorted(PLANTED.values())
        tolerant = job.heal(query=QUERY, changes=TOLERANT)
        assert str(tolerant) == "healed 7 of 15 rejects"
        assert tolerant.apply(why="n/a is no reading") == 7
        assert len(job.output) == 17
        assert len(job.rejects()) == 8
        # the others have no field that could be read: what is left of them is text
        query = "SELECT NULL::TIMESTAMPTZ AS ts, value AS device, NULL::DOUBLE AS temp FROM r"
        raw = {
            "source": {"type": "files", "path": "in.jsonl", "follow": False},
            "format": "raw",
            "schema": {"value": "VARCHAR"},
        }
        rest = job.heal(spec={"name": "a", "streams": {"r": raw}, "query": query})
        assert str(rest) == "healed 8 of 8 rejects"
        assert rest.apply() == 8
        assert (len(job.output), len(job.rejects())) == (25, 0)
        assert job.view.rows_out == 25
        told = workspace.history("a")
        assert list(told[told["action"] == "heal"]["why"]) == ["n/a is no reading", ""]
    with opened(tmp_path / "w") as workspace:
        job = workspace.job("a")
        assert (len(job.output), job.metrics()["rows_out"].sum()) == (25, 25)


def healed(tmp_path: Path, spoil: Callable[[Workspace, Heal], None]) -> tuple[int, int, int]:
    with opened(tmp_path / "w") as workspace:
        job = bad_stream(workspace)
        spoil(workspace, job.heal(query=QUERY, changes=TOLERANT))
        return (
            len(job.output),
            len(job.rejects()),
            len(job.output.sql("SELECT DISTINCT * FROM output")),
        )


def test_a_reject_is_healed_once_however_often_it_is_tried(tmp_path: Path) -> None:
    def twice(workspace: Workspace, heal: Heal) -> None:
        other = workspace.heal("a", query=QUERY, changes=TOLERANT)
        assert heal.apply() == 7
        for again in (heal, other):
            with pytest.raises(so.Refused, match="7 of these rejects were healed before"):
                again.apply()
        with pytest.raises(so.Refused, match="keeps no such rejects"):
            workspace.heal("a", text="DOUBLE", query=QUERY, changes=TOLERANT)

    assert healed(tmp_path, twice) == (17, 8, 17)


@pytest.mark.parametrize("step", ["write", "commit"])
def test_a_crash_while_healing_leaves_all_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    class Crash(BaseException):
        """The process dies here."""

    def crashing(workspace: Workspace, heal: Heal) -> None:
        target = {
            "write": "streamops_nb.sinks.table.TableSink.write",
            "commit": "streamops_nb.engine.checkpoint.JobFile.commit",
        }[step]

        def die(*args: object, **kwargs: object) -> None:
            raise Crash

        with monkeypatch.context() as patched:
            patched.setattr(target, die)
            with pytest.raises(Crash):
                heal.apply()
        assert (len(workspace.job("a").output), len(workspace.job("a").rejects())) == (10, 15)
        assert heal.apply() == 7

    assert healed(tmp_path, crashing) == (17, 8, 17)


def test_what_cannot_be_healed_is_exported(tmp_path: Path) -> None:
    with opened(tmp_path / "w") as workspace:
        heal = bad_stream(workspace).heal(query=QUERY, changes=TOLERANT)
        lines = heal.export(tmp_path / "rest.jsonl").read_text().splitlines()
        rows = [json.loads(line) for line in lines]
        assert sum("E42" in row["raw"] for row in rows) == 3
        assert len(rows) == len(heal.rest) == 8
        assert heal.export(tmp_path / "rest.parquet").stat().st_size > 0
        with pytest.raises(so.Refused, match=r"\.parquet or \.jsonl"):
            heal.export(tmp_path / "rest.xlsx")


@pytest.mark.parametrize("crash", [False, True])
def test_rows_are_healed_into_parquet_files_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crash: bool
) -> None:
    class Crash(BaseException):
        """The process dies when the file is there and the batch is not committed."""

    def die(*args: object, **kwargs: object) -> None:
        raise Crash

    with opened(tmp_path / "w") as workspace:
        job = bad_stream(workspace, sink={"type": "parquet", "path": "out"})
        heal = job.heal(query=QUERY, changes=TOLERANT)
        if crash:
            with monkeypatch.context() as patched:
                patched.setattr("streamops_nb.engine.checkpoint.JobFile.commit", die)
                with pytest.raises(Crash):
                    heal.apply()
            assert len(job.rejects()) == 15
        assert heal.apply() == 7
        assert len(job.rejects()) == 8
    rows = read(tmp_path / "w" / "out").to_pylist()
    assert len(rows) == len({row["device"] for row in rows}) == 17


@pytest.mark.parametrize("sink", [{"type": "table"}, {"type": "parquet", "path": "out"}])
def test_a_process_that_is_killed_while_it_heals_heals_each_reject_once_or_not_at_all(
    tmp_path: Path, sink: dict[str, str]
) -> None:
    folder, how = tmp_path / "w", {"query": QUERY, "changes": TOLERANT}

    def rows(workspace: Workspace) -> list[str]:
        if sink["type"] == "table":
            return sorted(workspace.job("a").output.df()["device"])
        return sorted(read(folder / "out")["device"].to_pylist())

    with opened(folder) as workspace:
        bad_stream(workspace, sink=sink)
        before = rows(workspace)
    for where in ("written", "unsettled", "committed"):
        victim = NURSERY.Process(target=heal_and_die, args=(folder, how, where))
        victim.start()
        victim.join()
        assert victim.exitcode == -signal.SIGKILL
        with opened(folder) as workspace:
            job = workspace.job("a")
            if where == "committed":
                with pytest.raises(so.Refused, match="keeps no such rejects"):
                    job.heal(text="DOUBLE", **how)
                assert len(job.rejects()) == 8
                assert rows(workspace) == sorted([*before, *(f"n{n}" for n in range(7))])
                assert job.metrics()["rows_out"].sum() == job.view.rows_out == 17
            else:
                assert len(job.rejects()) == 15
                assert job.metrics()["rows_out"].sum() == 10


def test_rejects_are_healed_from_a_shell_and_the_rest_is_exported(tmp_path: Path) -> None:
    with opened(tmp_path / "w") as workspace:
        spec = bad_stream(workspace).spec.model_dump(mode="json", exclude_defaults=True)
    spec["streams"]["r"] |= TOLERANT["streams"]["r"]
    (tmp_path / "tolerant.yaml").write_text(json.dumps(spec | {"query": QUERY}))
    tried = streamops("heal", "w", "a", "tolerant.yaml", folder=tmp_path)
    assert (tried.returncode, tried.stderr) == (0, "")
    assert tried.stdout.startswith("healed 7 of 15 rejects\n")
    assert tried.stdout.endswith("Nothing is written yet - say --apply.\n")
    more = ("--apply", "--why", "n/a", "--to", "rest.jsonl")
    done = streamops("heal", "w", "a", "tolerant.yaml", *more, folder=tmp_path)
    said = ["healed 7 of 15 rejects", "7 rows written", "written rest.jsonl: 8 rejects"]
    assert (done.stdout.splitlines(), done.stderr) == (said, "")
    assert len((tmp_path / "rest.jsonl").read_text().splitlines()) == 8


def test_rows_are_healed_while_the_job_runs_and_it_goes_on(tmp_path: Path) -> None:
    with opened(tmp_path / "w") as workspace:
        job = bad_stream(workspace, follow=True)
        heal, other = (job.heal(query=QUERY, changes=TOLERANT) for _ in "ab")
        assert heal.apply() == 7
        assert job.status == Status.RUNNING
        with pytest.raises(so.Refused, match="7 of these rejects were healed before"):
            other.apply()
        with (workspace.folder / "in.jsonl").open("a") as file:
            file.write(f"{GOOD % (9, 9)}\n")
        until(lambda: job.view.rows_out == 18)
        assert (job.status, len(job.output), job.view.batch) == ("RUNNING", 18, 3)
        job.pause()
        assert job.metrics()["rows_out"].sum() == 18
    with opened(tmp_path / "w") as workspace:
        job = workspace.job("a")
        job.start()
        with (workspace.folder / "in.jsonl").open("a") as file:
            file.write(f"{GOOD % (8, 8)}\n")
        until(lambda: job.view.rows_out == 1)
        assert (len(job.output), len(job.rejects()), job.view.batch) == (19, 8, 4)


def test_what_would_not_equal_the_query_over_all_rows_is_not_healed(tmp_path: Path) -> None:
    with opened(tmp_path / "w") as workspace:
        job = bad_stream(workspace, COUNT)
        heal = job.heal(
            query=COUNT.replace("sum(temp)", "sum(TRY_CAST(temp AS DOUBLE))"), changes=TOLERANT
        )
        with pytest.raises(so.Refused, match="a window is emitted once"):
            heal.apply()
        with pytest.raises(so.Refused, match="keeps no such rejects"):
            job.heal(kind="late")
        assert len(job.output) == 10
    with opened(tmp_path / "v") as workspace:
        job = bad_stream(workspace)
        wrong = job.heal(query="SELECT device FROM r", changes=TOLERANT)
        with pytest.raises(so.SpecRefused, match="the column ts is"):
            wrong.apply()
        elsewhere = job.heal(
            query=QUERY, changes={**TOLERANT, "sink": {"type": "parquet", "path": "out"}}
        )
        with pytest.raises(so.Refused, match="into what the job writes to"):
            elsewhere.apply()
        assert len(job.output) == 10
    for sink, said in (("none", "not into none"), ("table", "keeps the newest row of a key")):
        with opened(tmp_path / sink) as workspace:
            more = {"key": ["device"]} if sink == "table" else {}
            heal = bad_stream(workspace, sink={"type": sink, **more}).heal(
                query=QUERY, changes=TOLERANT
            )
            with pytest.raises(so.Refused, match=said):
                heal.apply()


def all_records(folder: Path, source: dict[str, Any]) -> list[bytes]:
    """What the simulator makes, asked for without a job."""
    settings = {key: value for key, value in source.items() if key != "type"}
    context = Context(folder=folder, now=lambda: 0.0)
    plant = SimulatorSource(SimulatorSettings.model_validate(settings), context)
    limit = Limit(rows=settings["total"], nbytes=2**30)
    return plant.read(plant.cut({}, limit))["_raw"].to_pylist()


def test_every_fault_planted_in_the_demos_stream_is_found_counted_right_and_healed(
    tmp_path: Path,
) -> None:
    """The readings of ``hot_devices``, with as many planted faults as ``line_quality`` has."""
    (demo,) = (spec for spec in demo_specs() if spec.name == "hot_devices")
    data = demo.model_dump(mode="json")
    readings = data["streams"]["readings"]
    readings["source"] |= {"total": 20_000, "broken": 0.05}
    data |= {"start": {"at": "earliest"}, "errors": {"keep": 10_000}}
    data |= {"query": "SELECT device, temp FROM readings", "params": {}}
    lines = all_records(tmp_path, readings["source"])
    with opened(tmp_path / "w") as workspace:
        job = workspace.save(data)
        job.start()
        assert job.wait(60) == Status.FINISHED
        raws = [bytes(raw) for raw in job.rejects()["raw"]]
        planted = {
            "text": [raw for raw in lines if b'"n/a"' in raw],
            "date": [raw for raw in lines if b"2025-13-32" in raw],
            "no JSON": [raw for raw in lines if raw.startswith(b"E42")],
            "half": [raw for raw in lines if raw.startswith(b"{") and b"}" not in raw],
        }
        assert sorted(raws) == sorted(raw for faults in planted.values() for raw in faults)
        assert job.view.rejects == len(raws)
        assert all(planted.values())
        told: Counter[str] = Counter()
        for group in job.errors(level="warning").groups:
            for name, part in (("text", "n/a"), ("date", "13-32"), ("no JSON", "E42")):
                told[name] += group.count if part in group.message else 0
        assert told == {name: len(planted[name]) for name in ("text", "date", "no JSON")}
        assert job.errors(level="warning").count == len(raws)
        text = {"streams": {"readings": {"schema": {**readings["schema"], "temp": "VARCHAR"}}}}
        query = "SELECT device, TRY_CAST(temp AS DOUBLE) AS temp FROM readings"
        first = job.heal(query=query, changes=text)
        count = len(planted["text"])
        assert (first.healed.num_rows, first.apply()) == (count, count)
        raw = {**readings, "format": "raw", "schema": {"line": "VARCHAR"}, "event_time": None}
        query = (
            'SELECT regexp_extract(line, \'"device":"(\\w+)\', 1) AS device, NULL::DOUBLE AS temp'
        )
        rest = {**data, "streams": {"readings": raw}, "query": f"{query} FROM readings"}
        second = job.heal(spec=rest)
        assert second.apply() == len(raws) - count
        assert len(job.output) == 20_000
        assert job.rejects().empty


def test_records_that_hold_several_rows_are_not_healed(tmp_path: Path) -> None:
    rows = [{"ts": f"2026-01-01T00:00:0{n}Z", "device": "x" if n % 2 else "7"} for n in range(4)]
    with opened(tmp_path / "w") as workspace:
        workspace.stream("log").append(rows)
        query = "SELECT CAST(device AS INTEGER) AS n FROM r"
        job = workspace.save(appended("a", query=query))
        job.start(at="earliest")
        until(lambda: job.view.rows_in == 4)
        job.pause()
        kept = job.rejects()
        assert (len(kept), len(job.output)) == (2, 2)
        # every row of the record is drawn, and once
        assert len(job.preview(rejects=kept, rows=10).sample.streams["r"].raw) == 4
        for chosen in (kept, kept[:1]):
            with pytest.raises(so.Refused, match="hold several rows"):
                job.heal(query=query.replace("CAST", "TRY_CAST"), rejects=chosen)


def test_records_that_were_rejected_in_two_runs_are_healed_for_both(tmp_path: Path) -> None:
    with opened(tmp_path / "w") as workspace:
        job = bad_stream(workspace)
        job.start(fresh=True)
        assert job.wait(20) == Status.FINISHED
        with so.connect(tmp_path / "w") as far:
            heal = far.heal("a", query=QUERY, changes=TOLERANT)
            assert (str(heal), heal.apply()) == ("healed 14 of 30 rejects", 14)
        rows = Counter(job.output.df()["device"])
        assert rows == {f"d{n}": 2 for n in range(10)} | {f"n{n}": 2 for n in range(7)}
