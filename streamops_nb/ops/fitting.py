"""Whether the window state that is kept for a job fits another version of its query."""

from __future__ import annotations

from dataclasses import dataclass

from streamops_nb.engine.fit import misfits, tables_of
from streamops_nb.engine.state import planned_here, stages_of
from streamops_nb.model.lifecycle import Status
from streamops_nb.model.spec import JobSpec
from streamops_nb.ops.core import Core

__all__ = ["Fit", "agree", "fit_of"]

_KEEPING = frozenset({Status.PAUSED, Status.FAILED})
"""Statuses in which a job keeps window state with which its next start goes on."""

_PLANNED = ("query", "streams", "references", "params", "start")
"""The parts of a specification on which the plan of its query depends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """What becomes of a job's kept window state under a specification.

    Parameters
    ----------
    rows
        Rows of window state that are kept.
    dropped
        The stages whose part of it does not fit; with it all is dropped. Empty: all of it fits.
    agreed
        Whether somebody agreed to that.
    """

    job: str
    rows: int = 0
    dropped: tuple[str, ...] = ()
    agreed: bool = False

    def __bool__(self) -> bool:
        return not self.dropped

    def __str__(self) -> str:
        if not self.dropped:
            return f"{self.rows:,} rows of window state are kept for {self.job}, all of it fits"
        stages = f"the stage{'s' if self.dropped[1:] else ''} {', '.join(self.dropped)}"
        return (
            f"{self.rows:,} rows of window state are kept for {self.job}; what is kept in {stages}"
            " changes, so they would be dropped: windows that are half full now would count as cut"
            " off"
        )


def fit_of(core: Core, spec: JobSpec) -> Fit:
    """Say what becomes of a job's kept state under a specification.

    Raises
    ------
    Refused
        If the query has faults.
    """
    name = spec.name
    rows = core.states.view(name).state_rows
    if core.states.state(name).observed not in _KEEPING or not core.backend.job_path(name).exists():
        return Fit(job=name)
    record = core.catalog.job(name)
    same = bool(record.ran) and _same_plan(spec, core.spec(name, record.ran))
    database = core.backend.attach_job(name)
    with core.backend.job_file(name) as file:
        file.open()
        if not file.about("state") or (same and planned_here(file)):
            return Fit(job=name, rows=rows)
        changed = misfits(tables_of(spec, core.backend.surroundings, database), file)
        agreed = file.may_drop
    return Fit(job=name, rows=rows, dropped=tuple(stages_of(changed)), agreed=agreed)


def agree(core: Core, name: str) -> None:
    """Let the next start of a job drop state that does not fit."""
    if not core.backend.job_path(name).exists():
        return
    with core.backend.job_file(name) as file:
        file.open()
        file.let_drop()


def _same_plan(one: JobSpec, other: JobSpec) -> bool:
    return all(getattr(one, part) == getattr(other, part) for part in _PLANNED)
