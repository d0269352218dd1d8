"""What time does to jobs: the 24 hours of a pause, time limits, clocks that jump."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import streamops_nb as so
from streamops_nb.model.errors import SourceError
from streamops_nb.model.events import Noted
from streamops_nb.model.lifecycle import Status
from streamops_nb.ops.workspace import Workspace
from streamops_nb.sources.simulator import SimulatorSource
from streamops_nb.testing import FakeClock
from tests.ops.operated import appended, opened, plant, until

HOUR = 3600.0
START = datetime(2026, 1, 1, tzinfo=UTC)


def paused(workspace: Workspace, **more: Any) -> so.Job:
    """A job that keeps window state, paused."""
    rows = [
        {"ts": START + timedelta(seconds=second), "device": "d", "temp": 1.0}
        for second in range(25)
    ]
    workspace.stream("log").append(rows)
    job = workspace.save(appended("a", start={"at": "earliest"}, **more))
    job.start()
    until(lambda: job.view.total_lag == 0)
    job.pause()
    return job


def warnings_of(workspace: Workspace) -> list[str]:
    workspace._keeper.look()
    return [event.what for event in workspace.events("a") if isinstance(event, Noted)]


def test_a_pause_is_warned_of_once_and_ends_after_24_hours_with_that_reason(
    tmp_path: Path,
) -> None:
    clock = FakeClock()
    with opened(tmp_path / "w", clock) as workspace:
        job = paused(workspace)
        kept = len(job.output)
        clock.advance(22.9 * HOUR)
        assert warnings_of(workspace) == []
        clock.advance(0.2 * HOUR)
        assert warnings_of(workspace) == ["pause ends soon"]
    # the clock runs on, and the warning is not repeated, across a restart
    clock.advance(0.5 * HOUR)
    with opened(tmp_path / "w", clock) as workspace:
        assert warnings_of(workspace) == ["pause ends soon"]
        job = workspace.job("a")
        assert (job.status, job.view.state_rows > 0) == (Status.PAUSED, True)
    clock.advance(0.5 * HOUR)
    with opened(tmp_path / "w", clock) as workspace:
        workspace._keeper.look()
        state = workspace.state("a")
        assert (state.observed, state.desired) == (Status.STOPPED, Status.STOPPED)
        assert state.reason == "the pause reached its limit of 24 hours"
        job = workspace.job("a")
        assert len(job.output) == kept
        job.start()  # from the stop point on, without state
        assert job.status is Status.RUNNING
        assert job.view.rows_in == 0


def test_a_pause_may_be_limited_further(tmp_path: Path) -> None:
    clock = FakeClock()
    with opened(tmp_path / "w", clock) as workspace:
        job = paused(workspace, pause_limit="1h")
        clock.advance(0.8 * HOUR)
        assert warnings_of(workspace) == ["pause ends soon"]
        clock.advance(0.2 * HOUR)
        workspace._keeper.look()
        assert job.status is Status.STOPPED
        assert workspace.state("a").reason == "the pause reached its limit of 1 hours"


@pytest.mark.parametrize("jump", [30 * 24 * HOUR, -30 * 24 * HOUR])
def test_a_clock_that_jumps_ends_no_pause_and_prolongs_none(tmp_path: Path, jump: float) -> None:
    clock, jumped = FakeClock(), [0.0]
    with opened(tmp_path / "w", now=lambda: clock.now() + jumped[0]) as workspace:
        keeper = workspace._keeper
        with keeper._looking:
            keeper._steady, keeper._last = clock.monotonic, (clock.now(), clock.monotonic())
        job = paused(workspace)
        clock.advance(22 * HOUR)
        workspace._keeper.look()
        jumped[0] = jump
        assert warnings_of(workspace) == ["clock jumped"]
        assert job.status is Status.PAUSED
        clock.advance(1.9 * HOUR)
        assert warnings_of(workspace) == ["clock jumped", "pause ends soon"]
        assert job.status is Status.PAUSED
        clock.advance(0.2 * HOUR)
        workspace._keeper.look()
        assert job.status is Status.STOPPED


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A simulator whose reads hang once it is told to, until the test ends."""
    hang, release = threading.Event(), threading.Event()
    read = SimulatorSource.read

    def slow(self: SimulatorSource, span: Any) -> Any:
        if hang.is_set():
            hang.reached = True  # type: ignore[attr-defined]
            release.wait(60)
        return read(self, span)

    hang.reached = False  # type: ignore[attr-defined]
    hang.release = release  # type: ignore[attr-defined]
    monkeypatch.setattr(SimulatorSource, "read", slow)
    yield hang
    release.set()


def running_and_stuck(workspace: Workspace, hanging: Any) -> so.Job:
    job = workspace.save(plant("a", source={"rate": 1_000}, trigger={"interval": "20ms"}))
    job.start()
    until(lambda: job.view.batches > 2)
    hanging.set()
    until(lambda: hanging.reached)
    return job


def test_a_start_that_nobody_waits_for_is_tried_again_while_the_source_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock()
    with opened(tmp_path / "w", clock) as workspace:
        for name, attempts in (("a", 2), ("b", 2), ("c", 1)):
            errors = {"retries": {"attempts": attempts, "first": "10s"}}
            workspace.save(plant(name, start={"at": "earliest"}, errors=errors))
        workspace.start(["a", "b", "c"], begin=False)

    def away(self: SimulatorSource) -> Any:
        raise SourceError("the broker is away")

    def look() -> None:
        workspace._keeper.look()
        workspace._operations.retrying.close()

    def stands() -> dict[str, str]:
        return {name: job.status.value for name, job in workspace.jobs.items()}

    monkeypatch.setattr(SimulatorSource, "ends", away)
    with opened(tmp_path / "w", clock) as workspace:
        assert stands() == dict.fromkeys("abc", "RETRYING")
        assert workspace.state("a").reason == "attempt 1, again in 10 s: the broker is away"
        clock.advance(10)
        look()
        assert stands() == {"a": "RETRYING", "b": "RETRYING", "c": "FAILED"}
        assert workspace.view("a").reason == "attempt 2, again in 20 s: the broker is away"
        workspace.pause("b")
        with pytest.raises(SourceError):
            workspace.start("c")  # who asks is told at once
        monkeypatch.undo()
        clock.advance(20)
        look()
        assert stands() == {"a": "RUNNING", "b": "PAUSED", "c": "FAILED"}
        assert workspace.job("a").runs()["run"].tolist() == [1]


@pytest.mark.parametrize("verb", ["pause", "stop"])
def test_a_start_that_nobody_has_begun_is_withdrawn_and_no_run_is_told_of(
    tmp_path: Path, verb: str
) -> None:
    with opened(tmp_path / "w") as workspace:
        workspace.save(plant("a", source={"start": "2026-01-01T00:00:00Z"}))
        workspace.start("a", begin=False)
    with opened(tmp_path / "w", resume=False) as workspace:
        job = workspace.job("a")
        getattr(job, verb)()
        assert job.status is (Status.PAUSED if verb == "pause" else Status.STOPPED)
        assert (job.view.run, len(job.runs()), workspace.resources.status().reserved) == (0, 0, 0)
        # it has no stop point, and begins as specified: not with the millions that were there
        job.start()
        until(lambda: job.view.batches)
        job.pause()
        runs = job.runs()
        begun = runs["start"].iloc[0].startswith("earliest where the stream ends")
        assert (len(runs), begun, job.view.rows_in < 10_000) == (1, True, True)
        ended = job.view.ended_at
        job.stop()  # the run ended with the pause
        assert job.view.ended_at == ended


@pytest.mark.parametrize("verb", ["pause", "stop"])
def test_a_forced_stop_does_not_wait_for_a_batch_that_hangs(
    tmp_path: Path, hanging: Any, verb: str
) -> None:
    with opened(tmp_path / "w") as workspace:
        job = running_and_stuck(workspace, hanging)
        waiting = threading.Thread(target=getattr(job, verb))
        waiting.start()
        via = {"pause": Status.PAUSING, "stop": Status.STOPPING}[verb]
        until(lambda: job.status is via)
        begun = time.monotonic()
        job.stop(force=True)
        assert time.monotonic() - begun < 10
        assert job.status is Status.STOPPED
        batches = job.view.batch
        with pytest.raises(so.MoveRefused, match="has not ended yet"):
            job.start()
        hanging.clear()
        hanging.release.set()
        waiting.join(20)
        until(lambda: not workspace._core.backend.leaving)
        # what hung was never committed, and the job goes on behind what was
        assert (job.view.batch, job.status) == (batches, Status.STOPPED)
        job.start()
        until(lambda: job.view.batches > 2)
        job.pause()
        rows = "SELECT count(DISTINCT (ts, device, temp)) AS n FROM job_a.output"
        assert len(job.output) == workspace.sql(rows)["n"][0] > 0


@pytest.mark.parametrize("verb", ["pause", "stop"])
def test_a_status_that_should_end_by_itself_fails_at_its_limit(
    tmp_path: Path, hanging: Any, verb: str
) -> None:
    clock = FakeClock(time.time())
    with opened(tmp_path / "w", now=lambda: time.time() + clock.monotonic()) as workspace:
        job = running_and_stuck(workspace, hanging)
        workspace._keeper._steady = lambda: time.time() + clock.monotonic()
        workspace._keeper._mind_jumps()
        waiting = threading.Thread(target=getattr(job, verb))
        waiting.start()
        via = {"pause": Status.PAUSING, "stop": Status.STOPPING}[verb]
        until(lambda: job.status is via)
        clock.advance(119)
        workspace._keeper.look()
        assert job.status is via
        clock.advance(2)
        workspace._keeper.look()
        assert job.status is Status.FAILED
        assert "within 2 minutes" in workspace.state("a").reason
        assert workspace.resources.status().free == workspace.resources.status().allocated
        hanging.clear()
        hanging.release.set()
        waiting.join(20)
        until(lambda: not workspace._core.backend.leaving)
        assert job.status is Status.FAILED
        job.start()
        until(lambda: job.view.batches > 0)


def test_a_job_is_retrying_visibly_and_fails_after_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock(time.time())

    def away(*_: object) -> None:
        raise SourceError("the broker is away")

    with opened(tmp_path / "w", now=lambda: time.time() + clock.monotonic()) as workspace:
        workspace._keeper._steady = workspace._core.now
        retries = {"attempts": 1_000_000, "first": "10ms", "longest": "20ms"}
        job = workspace.save(
            plant("a", source={"rate": 1_000}, trigger={"interval": "20ms"})
            | {"errors": {"retries": retries}}
        )
        job.start()
        until(lambda: job.view.batches > 2)
        monkeypatch.setattr(SimulatorSource, "read", away)
        until(lambda: job.status is Status.RETRYING)
        assert "attempt 1, again in 0.01 s: the broker is away" in job.view.reason
        until(lambda: job.view.last_error is not None and job.view.last_error.attempt > 2)
        assert job.view.last_error.again_at is not None
        assert workspace.resources.status().booking.held == {"a": 0.1}
        clock.advance(25 * HOUR)
        workspace._keeper.look()
        assert job.status is Status.FAILED
        assert "24 hours without success" in workspace.state("a").reason
        monkeypatch.undo()
        before = job.view.batch
        job.start()
        until(lambda: job.view.batch > before)


def test_a_job_that_is_left_as_it_was_found_does_not_fail_for_want_of_a_start(
    tmp_path: Path,
) -> None:
    clock = FakeClock()
    with opened(tmp_path / "w", clock) as workspace:
        workspace.save(plant("a"))
        workspace.start("a", begin=False)
    with opened(tmp_path / "w", clock, resume=False) as workspace:
        clock.advance(24 * HOUR)
        workspace._keeper.look()
        state = workspace.state("a")
        assert (state.observed, "it begins when" in state.reason) == (Status.STARTING, True)
        assert workspace.resume() == ["a"]
        assert workspace.state("a").observed is Status.RUNNING


@pytest.mark.parametrize("verb", ["pause", "stop"])
def test_a_start_that_is_paused_or_stopped_meanwhile_begins_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    after = Status.PAUSED if verb == "pause" else Status.STOPPED
    opening, go_on = threading.Event(), threading.Event()
    ends = SimulatorSource.ends

    def slow(self: SimulatorSource) -> Any:
        opening.set()
        go_on.wait(30)
        return ends(self)

    with opened(tmp_path / "w") as workspace:
        job = workspace.save(plant("a"))
        monkeypatch.setattr(SimulatorSource, "ends", slow)
        monkeypatch.setattr(SimulatorSource, "seek", lambda self, to: slow(self).latest)
        starting = threading.Thread(target=lambda: workspace.start(["a"]))
        starting.start()
        assert opening.wait(20)
        assert job.status is Status.STARTING
        getattr(job, verb)()
        assert job.status is after
        with pytest.raises(so.MoveRefused, match="has not ended yet"):
            job.start()
        go_on.set()
        starting.join(20)
        assert (job.status, workspace._core.backend.running) == (after, ())
        job.start()
        assert job.status is Status.RUNNING
