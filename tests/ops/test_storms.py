"""A storm of errors neither stops the engine, nor fills the disk, nor hides the first."""

from __future__ import annotations

from pathlib import Path

from streamops_nb.model.events import ErrorRaised
from streamops_nb.testing import FakeClock
from tests.ops.operated import opened, plant
from tests.ops.test_alarms import START
from tests.ops.test_reporting import until

STORM = 100_000


def test_equal_errors_become_few_entries_and_none_is_lost(tmp_path: Path) -> None:
    with opened(tmp_path / "w") as workspace:
        job = workspace.save(plant("a", trigger={"interval": "20ms"}))
        job.start()
        states = workspace._core.states
        before = job.view.batches
        for n in range(STORM):
            states.raised("a", stage="r", kind="SourceError", message=f"record {n} is away")
        # the engine went on all the while, and the view knows at once
        until(lambda: job.view.batches > before)
        assert job.view.errors == STORM
        log = job.errors(level="error")
        (group,) = log.groups
        assert (group.count, group.message) == (STORM, "record 0 is away")
        events = [e for e in workspace.events("a") if isinstance(e, ErrorRaised)]
        # at most one each second, whatever the clock says
        assert len(events) < 100


def test_of_a_thousand_kinds_the_first_are_told_apart_and_all_are_counted(tmp_path: Path) -> None:
    clock = FakeClock(START.timestamp())
    with opened(tmp_path / "w", clock) as workspace:
        workspace.save(plant("a"))
        courier = workspace._core.courier
        with courier.held():  # all of them between two deliveries
            for n in range(5_000):
                name = "".join(chr(ord("a") + n // 26**i % 26) for i in range(4))
                workspace._core.states.raised("a", stage="", kind=name, message=name)
        log = workspace.errors("a")
        assert log.count == 5_000
        assert len(log.entries) == 101
        assert {entry.kind for entry in log.entries} >= {"aaaa", "ManyKinds"}


def test_one_trace_an_hour_is_kept_of_equal_errors(tmp_path: Path) -> None:
    clock = FakeClock(START.timestamp())
    with opened(tmp_path / "w", clock) as workspace:
        workspace.save(plant("a"))
        courier = workspace._core.courier
        for minutes in range(0, 130, 10):
            at = START.timestamp() + 60 * minutes
            courier.take(
                [ErrorRaised(job="a", at=at, stage="", kind="K", message="x", trace="t" * 20_000)]
            )
            courier.deliver()
        traces = [len(entry.trace) for entry in workspace.errors("a").entries if entry.trace]
        assert traces == [8_000] * 3
