"""Counts over all runs of a job: a view counts since its run began."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamops_nb.db import load_sql
from streamops_nb.model.views import JobView
from streamops_nb.store.tables import METRICS

if TYPE_CHECKING:
    from streamops_nb.ops.workspace import Workspace

__all__ = ["Counts", "all_runs", "earlier_runs", "total"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What a job has done; `late` includes rows that missed only some of their windows."""

    batches: int = 0
    rows_in: int = 0
    rows_out: int = 0
    rejects: int = 0
    late: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            batches=self.batches + other.batches,
            rows_in=self.rows_in + other.rows_in,
            rows_out=self.rows_out + other.rows_out,
            rejects=self.rejects + other.rejects,
            late=self.late + other.late,
        )


def all_runs(workspace: Workspace) -> dict[str, Counts]:
    """Sum, per job, what all its runs did, as far as the catalog has been told."""
    return _summed(workspace, {})


def earlier_runs(workspace: Workspace) -> dict[str, Counts]:
    """Sum, per job, what its runs before the present one did."""
    return _summed(workspace, {view.job: view.run for view in workspace.views()})


def _summed(workspace: Workspace, without: Mapping[str, int]) -> dict[str, Counts]:
    found = dict.fromkeys(workspace.jobs, Counts())
    query = load_sql("streamops_nb.shell", "totals.sql").format(metrics=METRICS)
    for row in workspace.read(query).to_pylist():
        job, run = row.pop("job"), row.pop("run")
        if job in found and run != without.get(job):
            found[job] += Counts(**row)
    return found


def total(view: JobView, before: Mapping[str, Counts]) -> Counts:
    """Add what the present run has done to what was done before it."""
    now = Counts(
        batches=view.batches,
        rows_in=view.rows_in,
        rows_out=view.rows_out,
        rejects=view.rejects,
        late=view.late + view.partly_late,
    )
    return now + before.get(view.job, Counts())
