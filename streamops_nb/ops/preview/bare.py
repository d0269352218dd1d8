"""Queries that are no jobs: a specification is made around them, of streams that are known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streamops_nb.db import ident
from streamops_nb.engine.preview.given import file_schema, frame_table, is_file
from streamops_nb.formats.conform import infer_columns
from streamops_nb.formats.text_types import mostly_time
from streamops_nb.model.errors import Fault, Refused, SpecRefused
from streamops_nb.model.spec import JobSpec, Stream
from streamops_nb.model.wording import cut, did_you_mean
from streamops_nb.ops.preview.previews import GIVEN, Previews

__all__ = ["is_query", "spec_of_query"]

_QUERY = re.compile(
    r"\s*((--[^\n]*\n|/\*.*?\*/)\s*)*\(?\s*(select|with|from)\b", re.IGNORECASE | re.DOTALL
)
_NAME = "query"


def is_query(what: Any) -> bool:
    """Say whether a text is a query, not a name, a path or a specification."""
    return isinstance(what, str) and _QUERY.match(what) is not None


def spec_of_query(
    query: str,
    previews: Previews,
    jobs: Mapping[str, JobSpec],
    *,
    pinned: Mapping[str, Stream],
    data: Any = None,
    event_time: str | Mapping[str, str] | None = None,
    params: Mapping[str, Any] | None = None,
) -> tuple[JobSpec, Mapping[str, Any] | None]:
    """Make a specification of a query; also give the rows that were given, by stream.

    Parameters
    ----------
    jobs
        Whose streams and references it may read, by name.
    pinned
        The streams of the sample that it is to run on.
    data
        As of `Asked`: streams of these names are what is given.
    event_time
        The event-time column of what is given, if it does not have exactly one of times.

    Raises
    ------
    Refused
        If it reads no stream that is known, or one that several jobs declare differently.
    """
    read = previews.relations(query)
    given = _named(data, read)
    streams: dict[str, Any] = {
        name: _given_stream(name, each, previews, event_time) for name, each in given.items()
    }
    streams |= {name: stream for name, stream in pinned.items() if name in read}
    references: dict[str, Any] = {}
    for name in read:
        if name not in streams:
            streams |= _declared(name, "streams", jobs)
        if name not in streams:
            references |= _declared(name, "references", jobs)
    if not streams:
        raise _nothing_known(read, jobs)
    fields = {"streams": streams, "references": references, "params": dict(params or {})}
    spec = JobSpec.model_validate({"name": _NAME, "query": query, "sink": "none", **fields})
    return spec, given or None


def _nothing_known(read: list[str], jobs: Mapping[str, JobSpec]) -> SpecRefused:
    known = {stream for spec in jobs.values() for stream in spec.streams}
    near = f"{did_you_mean(cut(read[0]), known)}; or " if read and known else ""
    what = f"there is no stream `{cut(read[0])}`" if read else "the query reads no stream"
    remedy = f"{near}give rows: data={{name: frame}}"
    return SpecRefused([Fault(where="query", what=what, remedy=remedy)])


def _named(data: Any, read: list[str]) -> Mapping[str, Any]:
    if data is None:
        return {}
    if isinstance(data, Mapping):
        return data
    if len(read) == 1:
        return {read[0]: data}
    what = f"the query reads {len(read)} relations, and `data` does not say which one it is"
    raise SpecRefused([Fault(where="data", what=what, remedy="data={name: frame, …}")])


def _given_stream(
    name: str, data: Any, previews: Previews, event_time: str | Mapping[str, str] | None
) -> dict[str, Any]:
    stream: dict[str, Any] = {"source": GIVEN, "max_ahead": None}
    wanted = event_time if isinstance(event_time, str | None) else event_time.get(name)
    with previews.previewer.session() as session:
        if is_file(data):
            schema, more = file_schema(name, Path(data), previews.around, session)
            stream |= more
        else:
            table = frame_table(name, data)
            schema = infer_columns(table, session)
            if (
                wanted is not None and schema.get(wanted) == "VARCHAR"
            ):  # as of a file: times in ISO 8601 are times
                with session.registered(_given=table):
                    schema[wanted] = mostly_time(ident(wanted), "FROM _given", session)
    times = [column for column, kind in schema.items() if kind.startswith("TIMESTAMP")]
    if wanted is None and len(times) == 1:
        wanted = times[0]
    if wanted is not None and wanted not in schema:
        remedy = did_you_mean(wanted, schema)
        what = f"what is given for `{name}` has no column `{cut(wanted)}`"
        raise SpecRefused([Fault(where="event_time", what=what, remedy=remedy)])
    return {**stream, "schema": schema, "event_time": wanted}


def _declared(name: str, group: str, jobs: Mapping[str, JobSpec]) -> dict[str, Any]:
    """The stream or reference of this name that the jobs declare, all in the same way."""
    found: dict[str, Any] = {}
    for job, spec in jobs.items():
        for known, part in getattr(spec, group).items():
            if known.lower() == name.lower():
                found[job] = part
    distinct: list[Any] = []
    for part in found.values():
        if part not in distinct:
            distinct.append(part)
    if len(distinct) > 1:
        raise Refused(
            f"`{name}` is declared differently by the jobs {', '.join(found)} - preview a "
            "specification that declares it, or give rows: data={name: frame}"
        )
    return {name: distinct[0]} if distinct else {}
