"""What can only be told by looking at two places of a specification at once.

These checks work on what was written, whatever else may be wrong with it, so that one refusal
holds every fault; they are silent where a part is missing or of the wrong kind, which its own
field tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticCustomError

from streamops_nb.model.duration import parse_duration
from streamops_nb.model.errors import Fault
from streamops_nb.model.params import param_faults
from streamops_nb.model.secrets import has_reference, literals
from streamops_nb.model.time_forms import OTHER_FORMS, column_type
from streamops_nb.model.types import EPOCHS, TEMPORAL, base_type
from streamops_nb.model.wording import did_you_mean, dotted, shown

__all__ = ["cross_faults", "format_named", "written_out"]

Raw = Mapping[str, Any]

_NAMED = re.compile(r"\.(csv|parquet)(\.gz|\.zst)?$", re.IGNORECASE)


def cross_faults(data: Any) -> list[Fault]:
    """Find the faults between the parts of a specification.

    Parameters
    ----------
    data
        The specification as written: plain data, or models in its place.
    """
    if not isinstance(data, Mapping):
        return []
    data = {key: written_out(value) for key, value in data.items()}
    return [
        *_names(data),
        *_streams(data),
        *_references(data),
        *_params(data),
        *_sink(data),
        *_retries(data),
        *_start(data),
    ]


def written_out(value: Any) -> Any:
    """Replace the models in a specification by the plain data they stand for."""
    if isinstance(value, BaseModel):
        return value.model_dump(by_alias=True)
    if isinstance(value, Mapping):
        return {key: written_out(inner) for key, inner in value.items()}
    return value


def _group(data: Any, *path: str) -> Raw:
    """Follow a path to a group of settings; an empty one if there is none."""
    for step in path:
        data = data.get(step) if isinstance(data, Mapping) else None
    return data if isinstance(data, Mapping) else {}


def _duration(value: Any) -> timedelta | None:
    try:
        return None if value is None else parse_duration(value)
    except PydanticCustomError:
        return None


def _names(data: Raw) -> Iterator[Fault]:
    """Names of relations differ, also where only capitals would tell them apart."""
    seen: dict[str, str] = {}
    for group in ("streams", "references"):
        for name in _group(data, group):
            where = dotted((group, str(name)))
            other = seen.setdefault(str(name).lower(), where)
            if other != where:
                yield Fault(
                    what=f"the name `{name}` is already used by {other}",
                    where=where,
                    remedy="rename one: a query tells streams and references apart by name only",
                )


def _streams(data: Raw) -> Iterator[Fault]:
    for name, stream in _group(data, "streams").items():
        path = ("streams", str(name))
        for plug in ("source", "format"):
            yield from literals(_group(stream, plug), (*path, plug))
        yield from _format(stream, path)
        schema = _group(stream, "schema")
        yield from _same_fields(schema, path)
        if schema and isinstance(stream.get("event_time"), str):
            yield from _event_time(stream["event_time"], schema, path)


def format_named(source: Any) -> str | None:
    """Give the format that files have by their names; None if these do not say."""
    source = written_out(source)
    if not isinstance(source, Mapping) or source.get("type") != "files":
        return None
    found = _NAMED.search(source["path"]) if isinstance(source.get("path"), str) else None
    return None if found is None else found[1].lower()


def _format(stream: Any, path: tuple[str, ...]) -> Iterator[Fault]:
    """A specification that says JSON of files with another name is a slip."""
    written = stream.get("format") if isinstance(stream, Mapping) else None
    name = written.get("type") if isinstance(written, Mapping) else written
    named = format_named(_group(stream, "source"))
    if name == "json" and named is not None:
        yield Fault(
            what=f"the files are {named} by their name, and the format is json",
            where=dotted((*path, "format")),
            remedy=f"write `format: {named}`, or leave it out",
        )


def _same_fields(schema: Raw, path: tuple[str, ...]) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for name in schema:
        first = seen.setdefault(str(name).lower(), name)
        if first != name:
            yield Fault(
                what=f"the field `{name}` differs from `{first}` by capitals only",
                where=dotted((*path, "schema", str(name))),
                remedy="DuckDB does not tell them apart: declare one of them",
            )


def _event_time(field: str, schema: Raw, path: tuple[str, ...]) -> Iterator[Fault]:
    where = dotted((*path, "event_time"))
    if field not in schema:
        yield Fault(
            what=f"the schema has no field `{field}`",
            where=where,
            remedy=did_you_mean(field, (str(name) for name in schema)),
        )
        return
    if not isinstance(schema[field], str):
        return
    try:
        kind = base_type(column_type(schema[field]), more=EPOCHS)
    except PydanticCustomError:
        return
    if kind not in TEMPORAL:
        yield Fault(
            what=f"an event time is a timestamp, but `{field}` is declared as {schema[field]}",
            where=where,
            remedy=f"declare `{field}: TIMESTAMPTZ`; {OTHER_FORMS}",
        )


def _references(data: Raw) -> Iterator[Fault]:
    for name, reference in _group(data, "references").items():
        path = ("references", str(name))
        kind, table = _group(reference).get("type"), _group(reference).get("table")
        if kind == "duckdb" and table is None:
            yield Fault(
                what="`table` is missing",
                where=dotted((*path, "table")),
                remedy="name the table in the DuckDB file, for example `table: devices`",
            )
        if kind in ("csv", "parquet") and table is not None:
            yield Fault(
                what=f"a {kind} file has no tables",
                where=dotted((*path, "table")),
                remedy="leave `table` out, or use `type: duckdb`",
            )
        yield from _stray(_group(reference), path)


def _stray(group: Raw, path: tuple[str, ...]) -> Iterator[Fault]:
    for key, value in group.items():
        if has_reference(value):
            yield Fault(
                what="a reference to an environment variable is not resolved here",
                where=dotted((*path, str(key))),
                remedy="only the settings of sources, formats and sinks may hold `${env:…}`",
            )


def _params(data: Raw) -> Iterator[Fault]:
    names: dict[str, str] = {}
    for name, param in _group(data, "params").items():
        path = ("params", str(name))
        first = names.setdefault(str(name).lower(), name)
        if first != name:
            yield Fault(
                what=f"`{name}` differs from `{first}` by capitals only", where=dotted(path)
            )
        for part, what in param_faults(param):
            told = isinstance(param, Mapping) and part in param
            yield Fault(what=what, where=dotted((*path, part) if told else path))
        yield from _stray(_group(param) or {"default": param}, path)


def _sink(data: Raw) -> Iterator[Fault]:
    sink = _group(data, "sink")
    yield from literals(sink, ("sink",))
    key = sink.get("key")
    names = [key] if isinstance(key, str) else key
    if not isinstance(names, (list, tuple)):
        return
    for at, name in enumerate(names):
        where = dotted(("sink", "key") if isinstance(key, str) else ("sink", "key", at))
        if not isinstance(name, str) or not name.strip():
            yield Fault(
                what=f"expected the name of an output column, got {shown(name)}", where=where
            )
        elif name in names[:at]:
            yield Fault(what=f"the column `{name}` is named twice", where=where)


def _retries(data: Raw) -> Iterator[Fault]:
    retries = _group(data, "errors", "retries")
    first, longest = _duration(retries.get("first", "1s")), _duration(retries.get("longest", "1m"))
    if first is not None and longest is not None and first > longest:
        yield Fault(
            what="the first back-off is longer than the longest",
            where="errors.retries.first",
            remedy="make `first` at most `longest`",
        )


def _start(data: Raw) -> Iterator[Fault]:
    start = _group(data, "start")
    if start.get("lookback") is not None and start.get("cut_off", "drop") != "lookback":
        yield Fault(
            what="a lookback has no effect here",
            where="start.lookback",
            remedy="write `cut_off: lookback` beside it",
        )
    streams = _group(data, "streams")
    for name in _group(start, "at", "positions"):
        if streams and name not in streams:
            yield Fault(
                what=f"there is no stream `{name}`",
                where=dotted(("start", "at", "positions", str(name))),
                remedy=did_you_mean(str(name), (str(stream) for stream in streams)),
            )
