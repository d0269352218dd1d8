"""Numbers of the jobs as text for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from streamops_nb.model.views import JobView
from streamops_nb.ops.workspace import Workspace

__all__ = ["metrics_text"]

_Number = Callable[[JobView, float], float | None]
_NUMBERS: tuple[tuple[str, str, str, _Number], ...] = (
    ("run", "gauge", "Number of the run.", lambda v, _: v.run),
    ("run_batches", "gauge", "Batches that the run committed.", lambda v, _: v.batches),
    ("run_rows_in", "gauge", "Records that the run read.", lambda v, _: v.rows_in),
    ("run_rows_out", "gauge", "Rows that the run wrote.", lambda v, _: v.rows_out),
    ("run_rejects", "gauge", "Records of the run that became rejects.", lambda v, _: v.rejects),
    ("run_late", "gauge", "Late rows of the run.", lambda v, _: v.late),
    ("run_errors", "gauge", "Errors of the run.", lambda v, _: v.errors),
    ("lag", "gauge", "Left to read, in the source's unit.", lambda v, _: v.total_lag),
    ("state_rows", "gauge", "Rows of window state.", lambda v, _: v.state_rows),
    ("watermark_delay_seconds", "gauge", "Behind now.", lambda v, now: v.watermark_delay(now)),
    ("batch_seconds_median", "gauge", "Of the last batches.", lambda v, _: v.batch_time(0.5)),
)


def metrics_text(workspace: Workspace) -> str:
    """Give the numbers of all jobs."""
    views, now = workspace.views(), time.time()
    return "\n".join([*_statuses(views), *_numbers(views, now), *_resources(workspace)]) + "\n"


def _statuses(views: list[JobView]) -> Iterator[str]:
    yield from _head("job_status", "gauge", "1 at the status at which the job stands.")
    for view in views:
        yield f'streamops_job_status{{job="{_label(view.job)}",status="{view.status}"}} 1'


def _numbers(views: list[JobView], now: float) -> Iterator[str]:
    for name, kind, says, number in _NUMBERS:
        yield from _head(f"job_{name}", kind, says)
        for view in views:
            value = number(view, now)
            if value is not None:
                yield f'streamops_job_{name}{{job="{_label(view.job)}"}} {value:g}'


def _resources(workspace: Workspace) -> Iterator[str]:
    status = workspace.resources.status()
    yield from _head("cu_allocated", "gauge", "CU allocated to the workspace.")
    yield f"streamops_cu_allocated {status.allocated:g}"
    yield from _head("cu_reserved", "gauge", "CU that active jobs hold.")
    yield f"streamops_cu_reserved {status.reserved:g}"


def _head(name: str, kind: str, says: str) -> Iterator[str]:
    yield f"# HELP streamops_{name} {says}"
    yield f"# TYPE streamops_{name} {kind}"


def _label(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
