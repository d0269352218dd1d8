"""The text that Prometheus reads."""

import re

from streamops_nb.model.booking import Booking
from streamops_nb.model.events import BatchCommitted, RunStarted, StatusChanged
from streamops_nb.model.lifecycle import Status
from streamops_nb.model.prometheus import exposition
from streamops_nb.model.views import JobView, fold_all

LINE = re.compile(
    r'streamops_(?:job|workspace)_[a-z_]+(?:\{[a-z]+="(?:[^"\\\n]|\\.)*"(?:,[a-z]+="[^"]*")*\})? '
    r"(?:[-+]?[0-9.]+(?:e[-+]?[0-9]+)?|NaN|[+-]Inf)"
)


def running(name: str = "a") -> JobView:
    return fold_all(
        JobView(job=name),
        [
            RunStarted(job=name, run=1, at=100.0, version=1),
            StatusChanged(
                job=name, run=1, at=100.0, before=Status.STARTING, after=Status.RUNNING
            ),
            BatchCommitted(
                job=name, run=1, seq=1, at=110.0, n=1, rows_in=7, rows_out=2, rejects=1,
                lag={"r": 3}, watermarks={"r": 105_500_000}, seconds={"run": 0.25},
            ),
        ],
    )  # fmt: skip


def test_every_line_is_one_that_prometheus_reads_and_families_stand_together() -> None:
    text = exposition([running("a"), running("b")], 120.0, Booking(allocated=2.0, held={"a": 0.5}))
    assert text.endswith("\n")
    seen: list[str] = []
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            seen.append(line.split()[2])
        elif not line.startswith("# HELP "):
            assert LINE.fullmatch(line), line
            assert line.startswith((f"{seen[-1]}{{", f"{seen[-1]} "))
    assert len(seen) == len(set(seen))


def test_the_numbers_are_those_of_the_view() -> None:
    lines = exposition(
        [running()], 120.0, Booking(allocated=2.0, held={"a": 0.5, "b": 1})
    ).splitlines()
    for line in (
        'streamops_job_records_in_total{job="a"} 7',
        'streamops_job_records_out_total{job="a"} 2',
        'streamops_job_records_rejected_total{job="a"} 1',
        'streamops_job_uptime_seconds{job="a"} 20',
        'streamops_job_watermark_delay_seconds{job="a"} 14.5',
        'streamops_job_status{job="a",status="RUNNING"} 1',
        'streamops_job_status{job="a",status="FAILED"} 0',
        'streamops_job_batch_phase_seconds{job="a",phase="run",quantile="0.95"} 0.25',
        'streamops_job_cu_held{job="a"} 0.5',
        "streamops_workspace_cu_allocated 2",
        "streamops_workspace_cu_held 1.5",
    ):
        assert line in lines


def test_a_name_cannot_break_out_of_its_label() -> None:
    text = exposition([JobView(job='a"} 1\nevil{x="\\')], 0.0)
    assert 'job="a\\"} 1\\nevil{x=\\"\\\\"' in text
    assert not any(line.startswith("evil") for line in text.splitlines())


def test_of_a_job_that_never_ran_only_counts_and_status_are_told() -> None:
    text = exposition([JobView(job="a")], 0.0)
    assert "lag_records" not in text
    assert 'streamops_job_records_in_total{job="a"} 0' in text
    assert exposition([], 0.0) == ""
