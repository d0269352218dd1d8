"""From a specification to what runs it: open streams, the plan, the sink."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from streamops_nb import plugins
from streamops_nb.db import Instance, Session, ident
from streamops_nb.engine.batch import Policy
from streamops_nb.engine.inferring import inferred, time_fault
from streamops_nb.engine.inlet import Inlet, Timing
from streamops_nb.engine.meter import Meter
from streamops_nb.engine.reading import Pace
from streamops_nb.engine.references import References
from streamops_nb.formats.base import Format
from streamops_nb.model.errors import Fault, SpecRefused
from streamops_nb.model.part import PlugIn
from streamops_nb.model.spec import JobSpec, Stream
from streamops_nb.model.time_forms import column_type
from streamops_nb.plan.operator import Plan
from streamops_nb.plan.planner import Param, Planner, StreamShape
from streamops_nb.plan.plugged import resolved
from streamops_nb.sinks import base as sinks
from streamops_nb.sources.base import Context, Limit, Source
from streamops_nb.sources.files import format_of_files

__all__ = [
    "OpenStream",
    "Parts",
    "Surroundings",
    "assemble",
    "format_maker",
    "open_stream",
    "plan_spec",
    "shapes_of",
    "timing_of",
]


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Where a job runs.

    Parameters
    ----------
    instance
        The engine's DuckDB.
    folder
        Relative paths in the specification are relative to this.
    now
        The clock, seconds since the epoch.
    tables
        Names the tables of the workspace for sources that read them; see `sources.base.Context`.
    sources
        Open sources that stand in for those of the specification (tests).
    environ
        Where secrets are.
    meter
        Measures what work takes.
    scratch
        As of `streamops_nb.sources.base.Context`; None for jobs.
    """

    instance: Instance
    folder: Path
    now: Callable[[], float]
    planner: Planner
    tables: Callable[[str], str] | None = None
    sources: Mapping[str, Source] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    meter: Meter = field(default_factory=Meter)
    scratch: Callable[[], Path] | None = None


@dataclass(frozen=True, kw_only=True)
class OpenStream:
    """A stream whose source is open and whose schema is known.

    Parameters
    ----------
    declared
        What the specification says of it, or, for files, what these say by their names.
    """

    source: Source
    format: Format
    schema: dict[str, str]
    declared: Stream


@dataclass(frozen=True, kw_only=True)
class Parts:
    """All parts of a job, ready for a loop.

    Parameters
    ----------
    bounded
        Whether all streams end.
    """

    plan: Plan
    inlets: dict[str, Inlet]
    references: References
    sink: Any
    pace: Pace
    policy: Policy
    bounded: bool


def open_stream(name: str, stream: Stream, around: Surroundings, session: Session) -> OpenStream:
    """Open a stream's source and find its schema.

    Raises
    ------
    SpecRefused
        If a setting or secret is missing, or nothing is there to infer the schema from.
    SourceError
        If the source does not answer.
    """
    where = ("streams", name)
    stream = _by_its_files(stream, around.folder)
    _, format_settings = resolved("format", stream.format, around.environ, (*where, "format"))
    source = around.sources.get(name)
    if source is None:
        source_class, settings = resolved(
            "source", stream.source, around.environ, (*where, "source")
        )
        context = Context(
            folder=around.folder,
            scratch=around.scratch,
            format=stream.format.type,
            format_settings=format_settings,
            schema=stream.fields,
            event_time=stream.event_time,
            now=around.now,
            session=around.instance.session,
            tables=around.tables,
        )
        source = source_class(settings, context)
    make = format_maker(name, stream, around.environ, decoded=source.traits.decoded)
    schema = stream.fields or inferred(name, stream, source, make, session)
    return OpenStream(source=source, format=make(schema), schema=schema, declared=stream)


def _by_its_files(stream: Stream, folder: Path) -> Stream:
    """Let the files in a folder say what they are, as those of a pattern do by its ending."""
    if stream.format != PlugIn(type="json"):
        return stream
    named = format_of_files(stream.source, folder)
    return stream.model_copy(update={"format": PlugIn(type=named)}) if named else stream


def format_maker(
    name: str, stream: Stream, environ: Mapping[str, str], *, decoded: bool
) -> Callable[[dict[str, str]], Format]:
    """Give what makes a stream's format for a schema.

    Parameters
    ----------
    decoded
        Whether the source gives the fields as columns, so that they are only brought to their
        types.
    """
    if decoded:
        parquet = plugins.load("format", "parquet")
        return lambda schema: parquet(parquet.Settings(), schema)
    found, settings = resolved("format", stream.format, environ, ("streams", name, "format"))
    return lambda schema: found(settings, schema)


def plan_spec(
    spec: JobSpec,
    schemas: Mapping[str, Mapping[str, str]],
    references: Mapping[str, pa.Table],
    around: Surroundings,
    *,
    params: Mapping[str, Any] | None = None,
    database: str = "job",
) -> Plan:
    """Plan a specification's query over streams of the given schemas.

    Raises
    ------
    QueryRefused, SpecRefused
        With every fault found.
    """
    shapes = shapes_of(spec, schemas)
    session = around.instance.session()
    try:
        described = {}
        for name, table in references.items():
            with session.registered(_reference=table.slice(0, 0)):
                described[name] = session.describe("FROM _reference")
    finally:
        session.close()
    values = spec.param_values(params)
    return around.planner.plan(
        spec.query,
        shapes,
        references=described,
        params={n: Param(type=p.type, value=values[n]) for n, p in spec.params.items()},
        database=database,
        marks=spec.start.cut_off == "emit",
    )


def shapes_of(spec: JobSpec, schemas: Mapping[str, Mapping[str, str]]) -> dict[str, StreamShape]:
    """Give what the planner must know of a job's streams.

    Raises
    ------
    SpecRefused
        If an event-time column is missing or holds no time.
    """
    return {name: _shape(name, spec.streams[name], schema) for name, schema in schemas.items()}


def _shape(name: str, stream: Stream, schema: Mapping[str, str]) -> StreamShape:
    columns = {field_: column_type(kind) for field_, kind in schema.items()}
    time = stream.event_time
    if time is not None and time not in columns:
        known = ", ".join(columns)
        raise SpecRefused(
            [
                Fault(
                    where=f"streams.{name}.event_time",
                    what=f"the stream has no field `{time}`",
                    remedy=f"its fields are {known}",
                )
            ]
        )
    if time is not None and not columns[time].upper().startswith(("TIMESTAMP", "DATETIME")):
        raise SpecRefused([time_fault(name, time, columns)])
    return StreamShape(columns=columns, event_time=time, inferred=stream.fields is None)


def assemble(
    spec: JobSpec,
    around: Surroundings,
    *,
    database: str,
    params: Mapping[str, Any] | None = None,
) -> Parts:
    """Open everything a job needs.

    Parameters
    ----------
    database
        The name under which the job's file is attached.
    """
    references = References(spec.references, around.folder)
    sessions = {name: around.instance.session() for name in spec.streams}
    streams: dict[str, OpenStream] = {}
    try:
        for name, stream in spec.streams.items():
            streams[name] = open_stream(name, stream, around, sessions[name])
        schemas = {name: stream.schema for name, stream in streams.items()}
        plan = plan_spec(spec, schemas, references.tables, around, params=params, database=database)
        sink = _sink(spec, plan, around, database)
    except BaseException:
        for opened in streams.values():
            opened.source.close()
        for session in sessions.values():
            session.close()
        raise
    for name in set(streams) - set(plan.streams):
        streams.pop(name).source.close()
        sessions.pop(name).close()
    references.keep(plan.references)
    inlets = {
        name: Inlet(
            name, s.source, s.format, s.schema, sessions[name], timing_of(spec.streams[name])
        )
        for name, s in streams.items()
    }
    return Parts(
        plan=plan,
        inlets=inlets,
        references=references,
        sink=sink,
        pace=_pace(spec),
        policy=Policy(
            fail=spec.errors.policy == "fail",
            max_reject_share=spec.errors.max_reject_share,
            late_rejects=spec.errors.late == "reject",
            keep=spec.errors.keep,
        ),
        bounded=all(s.source.traits.bounded for s in streams.values()),
    )


def _sink(spec: JobSpec, plan: Plan, around: Surroundings, database: str) -> Any:
    sink_class, settings = resolved("sink", spec.sink, around.environ, ("sink",))
    context = sinks.Context(
        job=spec.name, folder=around.folder, schema=dict(plan.columns), database=ident(database)
    )
    return sink_class(settings, context)


def timing_of(stream: Stream) -> Timing | None:
    """Give a stream's event time, in microseconds; None if it has none."""
    if stream.event_time is None:
        return None
    return Timing(
        column=stream.event_time,
        delay=_us(stream.watermark_delay),
        idle=None if stream.idle_timeout is None else _us(stream.idle_timeout),
        ahead=None if stream.max_ahead is None else _us(stream.max_ahead),
    )


def _pace(spec: JobSpec) -> Pace:
    trigger = spec.trigger
    return Pace(
        interval=trigger.interval.total_seconds(),
        limit=replace(Limit(), rows=trigger.rows, nbytes=trigger.bytes),
        read_rate=spec.resources.read_rate,
    )


def _us(length: timedelta) -> int:
    return length // timedelta(microseconds=1)
