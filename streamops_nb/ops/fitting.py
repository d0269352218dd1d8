"""Whether the window state that is kept for a job fits another version of its query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from streamops_nb.engine.kept import Kept, kept_of, kept_under
from streamops_nb.engine.planned import plan_of
from streamops_nb.engine.state import planned_here
from streamops_nb.model.lifecycle import Status
from streamops_nb.model.spec import JobSpec
from streamops_nb.model.wording import number_of
from streamops_nb.ops.core import Core

__all__ = ["Fit", "agree", "fit_of", "keeping"]

_KEEPING = frozenset({Status.PAUSED, Status.FAILED})
"""Statuses in which a job keeps window state with which its next start goes on."""

_PLANNED = ("query", "streams", "references", "params", "start")
"""The parts of a specification on which the plan of its query depends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """What becomes of a job's kept window state under a specification.

    Parameters
    ----------
    kept
        The stages whose window state goes on, each with its rows.
    dropped
        The stages whose state would be dropped: their own part of the query changes, or one that
        feeds them. Empty: all of it fits.
    reads_back
        Whether all windows are then rebuilt by reading back (``cut_off: lookback``).
    agreed
        Whether somebody agreed to that.
    """

    job: str
    kept: Mapping[str, int] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)
    reads_back: bool = False
    agreed: bool = False

    @property
    def rows(self) -> int:
        """How many rows of window state are kept now."""
        return sum(self.kept.values()) + sum(self.dropped.values())

    def __bool__(self) -> bool:
        return not self.dropped

    def __str__(self) -> str:
        said = f"{number_of(self.rows)} of window state {_are(self.rows)} kept for {self.job}"
        if not self.dropped:
            return f"{said}, all of it fits"
        gone = _stages(self.dropped)
        if self.reads_back:
            return (
                f"{said}; the query changes, and `cut_off: lookback` rebuilds the windows of all"
                f" stages by reading back, so what is kept in {gone} would be dropped"
            )
        stays = f"; what is kept in {_stages(self.kept)} goes on" if self.kept else ""
        return (
            f"{said}; what is kept in {gone} changes, or is fed by what changes, so it would be"
            f" dropped: windows of it that are half full now would count as cut off{stays}"
        )


def _stages(rows: Mapping[str, int]) -> str:
    named = [f"{name} ({number_of(n)})" for name, n in rows.items()]
    return f"the stage{'s' if named[1:] else ''} {', '.join(named)}"


def _are(rows: int) -> str:
    return "is" if rows == 1 else "are"


def fit_of(core: Core, spec: JobSpec) -> Fit:
    """Say what becomes of a job's kept state under a specification.

    Raises
    ------
    Refused
        If the query has faults.
    """
    return keeping(core, spec)[0]


def keeping(core: Core, spec: JobSpec) -> tuple[Fit, Kept]:
    """Say what becomes of a job's kept state, for people and for what starts the job.

    Raises
    ------
    Refused
        If the query has faults.
    """
    name, kept, agreed = spec.name, Kept(), False
    if core.states.state(name).observed not in _KEEPING or not core.backend.job_path(name).exists():
        return Fit(job=name), kept
    record = core.catalog.job(name)
    same = bool(record.ran) and _same_plan(spec, core.spec(name, record.ran))
    back = spec.start.cut_off == "lookback"
    database = core.backend.attach_job(name)
    with core.backend.job_file(name) as file:
        stands = file.open()
        if same and planned_here(file):
            kept = kept_of(file, stands)
        elif file.state() is not None:
            plan = plan_of(spec, core.backend.surroundings, database)
            kept = kept_under(plan, file, stands, reads_back=back)
            agreed = file.may_drop
    fit = Fit(
        job=name,
        kept=kept.stays,
        dropped=kept.goes,
        reads_back=back and bool(kept.anew),
        agreed=agreed,
    )
    return fit, kept


def agree(core: Core, name: str) -> None:
    """Let the next start of a job drop state that does not fit."""
    if not core.backend.job_path(name).exists():
        return
    with core.backend.job_file(name) as file:
        file.open()
        file.let_drop()


def _same_plan(one: JobSpec, other: JobSpec) -> bool:
    return all(getattr(one, part) == getattr(other, part) for part in _PLANNED)
