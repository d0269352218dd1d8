"""Printing what a specification means, or all that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from streamops_nb.model.errors import Refused, SpecRefused
from streamops_nb.model.spec import JobSpec
from streamops_nb.plan.operator import Plan
from streamops_nb.shell.checking import faults_beside, load_spec, plan_of, saved
from streamops_nb.shell.opened import looking_at
from streamops_nb.sources.files import missing_here

__all__ = ["print_plan", "print_verdict"]


def print_verdict(what: Path, job: str, folder: Path | None, console: Console) -> None:
    """Say that a specification is good, and what its output looks like.

    Parameters
    ----------
    what, job, folder
        As of `streamops_nb.shell.checking.saved`.

    Raises
    ------
    Refused
        With every fault, if it is not; those of the query too, if what it reads is good.
    """
    try:
        spec = _spec(what, job, folder)
    except SpecRefused as refusal:
        read = all(fault.where for fault in refusal.faults)  # it is the text of a specification
        more = faults_beside(what, folder) if read else []
        raise SpecRefused([*refusal.faults, *more]) from refusal
    plan = _plan(spec, what, job, folder)
    columns = ", ".join(f"{name} {kind}" for name, kind in plan.columns.items())
    name = job or what
    notes = "".join(f"\n  note: {note}" for note in _missing(spec, what, job, folder))
    console.out(
        f"{name}: good\n  output: {columns}\n  sink: {spec.sink.type}{notes}", highlight=False
    )


def _missing(spec: JobSpec, what: Path, job: str, folder: Path | None) -> Iterator[str]:
    """Say which streams read files that are not here; they may be where the job will run."""
    found = saved(what, job, folder)
    within = found[0] if found else folder or what.parent / f"{spec.name}.streamops"
    for name, stream in spec.streams.items():
        note = missing_here(stream.source, within)
        if note:
            yield f"streams.{name}: {note}"


def print_plan(what: Path, job: str, folder: Path | None, console: Console) -> None:
    """Say what is kept as state, when rows come out, and what the watermark does."""
    plan = _plan(_spec(what, job, folder), what, job, folder)
    console.out(plan.explain(), end="", highlight=False)


def _spec(what: Path, job: str, folder: Path | None) -> JobSpec:
    found = saved(what, job, folder)
    if found is None:
        return load_spec(what)
    with looking_at(found[0]) as workspace:
        return workspace.job(found[1]).spec


def _plan(spec: JobSpec, what: Path, job: str, folder: Path | None) -> Plan:
    found = saved(what, job, folder)
    if found is None:
        return plan_of(what, spec, folder or what.parent / f"{spec.name}.streamops")
    if not found[0].is_dir():
        raise Refused("a served workspace plans its jobs itself - `streamops view` prints the job")
    return plan_of(None, spec, found[0])
