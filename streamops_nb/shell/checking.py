"""Checking a specification and its query before anything runs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from streamops_nb import plugins
from streamops_nb.db import Instance, ident, open_instance
from streamops_nb.engine.assembly import Surroundings, open_stream, plan_spec
from streamops_nb.engine.planned import references_of, schemas_of
from streamops_nb.model.errors import Fault, Refused, SourceError, SpecRefused, StreamopsError
from streamops_nb.model.secrets import resolve
from streamops_nb.model.spec import JobSpec
from streamops_nb.plan.leftover import leftover
from streamops_nb.plan.operator import Plan
from streamops_nb.plan.planner import Planner
from streamops_nb.plan.specfile import load
from streamops_nb.shell.places import placed
from streamops_nb.sinks.base import Context

__all__ = ["endless_streams", "faults_beside", "load_spec", "plan_of", "saved"]


def load_spec(path: Path) -> JobSpec:
    """Read a specification from a file; raises `SpecRefused` with every fault."""
    if not path.is_file():
        raise SpecRefused([Fault(what=f"there is no file {path}", remedy="check the path")])
    return load(path)


def saved(what: Path, job: str, folder: Path | None) -> tuple[Path, str] | None:
    """Tell which saved job is meant, and its workspace; None if it is a specification's file.

    Parameters
    ----------
    what, job
        The path of a YAML file; or a workspace and a job of it.
    folder
        The workspace, if it was said by ``--workspace``: `what` is a file or a job then.

    Raises
    ------
    Refused
        If it is none of these.
    """
    if job:
        return what, job
    if what.is_file():
        return None
    if folder is not None:
        return folder, str(what)
    if (what / "catalog.db").is_file():
        raise Refused(f"{what} is a workspace - name a job of it, too: {what} JOB")
    remedy = "check the path; a saved job is WORKSPACE JOB"
    raise SpecRefused([Fault(what=f"there is no file {what}", remedy=remedy)])


def plan_of(path: Path | None, spec: JobSpec, folder: Path) -> Plan:
    """Check and compile a specification's query; nothing is kept, written or started.

    A stream whose schema is to be inferred is sampled; others are not opened.

    Parameters
    ----------
    path
        The file that the specification was read from, for the places of faults; None: from none.
    folder
        The workspace: relative paths are relative to it. It need not exist.

    Raises
    ------
    Refused
        With every fault, at its line and column of the file.
    SourceError
        If a stream to be sampled does not answer.
    """
    try:
        with _surroundings(folder) as around:
            plan = plan_spec(spec, schemas_of(spec, around), references_of(spec, around), around)
            _check_sink(spec, plan, folder)
            return plan
    except Refused as refusal:
        if path is None:
            raise
        text = path.read_text(encoding="utf-8-sig")
        raise type(refusal)([placed(fault, spec, text) for fault in refusal.faults]) from refusal


def endless_streams(spec: JobSpec, folder: Path) -> list[str]:
    """Name the streams that never end by themselves; opens all sources for a moment."""
    with _surroundings(folder) as around:
        endless = []
        for name, stream in spec.streams.items():
            opened = open_stream(name, stream, around, around.instance.session())
            if not opened.source.traits.bounded:
                endless.append(name)
            opened.source.close()
    return endless


def faults_beside(path: Path, folder: Path | None) -> list[Fault]:
    """Tell what is wrong with the query of a specification that was refused for its settings."""
    spec = leftover(path)
    if spec is None:
        return []
    try:
        plan_of(path, spec, folder or path.parent / f"{spec.name}.streamops")
    except Refused as refusal:
        return list(refusal.faults)
    except StreamopsError:  # a source that does not answer is none of the specification's faults
        return []
    return []


@contextmanager
def _surroundings(folder: Path) -> Iterator[Surroundings]:
    folder = folder.resolve()
    with suppress(OSError):  # a path such as ../events.jsonl needs a folder to go up from
        folder.mkdir(parents=True)
    planner = Planner()
    instance = open_instance(folder, memory="512MB", threads=2)
    tables: dict[str, str] = {}

    def table_of(what: str) -> str:
        if what not in tables:
            tables[what] = _attached(instance, folder, what)
        return tables[what]

    try:
        yield Surroundings(
            instance=instance, folder=folder, now=time.time, planner=planner, tables=table_of
        )
    finally:
        planner.close()
        instance.close()
        with suppress(OSError):  # it holds something, or has been there before
            folder.rmdir()


def _attached(instance: Instance, folder: Path, what: str) -> str:
    """Attach the file of another job or of an appended stream; name its table."""
    kind, _, name = what.partition(":")
    path = folder / f"{kind}s" / f"{name}.db"
    if not path.exists():
        raise SourceError(f"the workspace {folder} has no {kind} `{name}`", retryable=False)
    instance.attach(path, f"{kind}_{name}")
    return ident(f"{kind}_{name}", "main", "output" if kind == "job" else "log")


def _check_sink(spec: JobSpec, plan: Plan, folder: Path) -> None:
    """Make the sink, which does nothing before it is opened but looks at the output's columns."""
    sink = plugins.load("sink", spec.sink.type)
    try:
        settings = resolve(spec.sink.settings, os.environ, ("sink",))
    except SpecRefused:  # its secrets need not be known where a job is only checked
        return
    sink(
        sink.Settings(**settings),
        Context(job=spec.name, folder=folder, schema=dict(plan.columns), database='"job"'),
    )
