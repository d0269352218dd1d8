"""Printing what a specification means, or all that is wrong with it."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from streamops_nb.model.errors import SpecRefused
from streamops_nb.shell.checking import faults_beside, load_spec, plan_of

__all__ = ["print_plan", "print_verdict"]


def print_verdict(path: Path, folder: Path | None, console: Console) -> None:
    """Say that a specification is good, and what its output looks like.

    Raises
    ------
    Refused
        With every fault, if it is not; those of the query too, if what it reads is good.
    """
    try:
        spec = load_spec(path)
    except SpecRefused as refusal:
        read = all(fault.where for fault in refusal.faults)  # it is the text of a specification
        more = faults_beside(path, folder) if read else []
        raise SpecRefused([*refusal.faults, *more]) from refusal
    plan = plan_of(path, spec, folder or path.parent / f"{spec.name}.streamops")
    columns = ", ".join(f"{name} {kind}" for name, kind in plan.columns.items())
    console.out(f"{path}: good\n  output: {columns}\n  sink: {spec.sink.type}", highlight=False)


def print_plan(path: Path, folder: Path | None, console: Console) -> None:
    """Say what is kept as state, when rows come out, and what the watermark does."""
    spec = load_spec(path)
    plan = plan_of(path, spec, folder or path.parent / f"{spec.name}.streamops")
    console.out(plan.explain(), end="", highlight=False)
