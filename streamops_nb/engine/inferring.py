"""The schema of a stream that declares none: told from its latest records."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pyarrow as pa

from streamops_nb.db import Session, ident
from streamops_nb.formats.base import Format
from streamops_nb.formats.encoding import LOST, UTF_8, remedy_for
from streamops_nb.formats.text_types import mostly_time
from streamops_nb.formats.time_guess import guessed
from streamops_nb.model.errors import Fault, SpecRefused
from streamops_nb.model.spec import Stream
from streamops_nb.model.time_forms import EXAMPLE, OTHER_FORMS
from streamops_nb.model.wording import cut, number_of, shown
from streamops_nb.sources.base import Limit, Source

__all__ = ["inferred", "time_fault"]

_SAMPLE = Limit(rows=2_000, nbytes=8 * 1024 * 1024)
"""How much is read of a stream to infer its schema."""
_TRIED = 50
"""So many values, spread over the sample, are tried in all forms of times."""


def inferred(
    name: str,
    stream: Stream,
    source: Source,
    make: Callable[[dict[str, str]], Format],
    session: Session,
) -> dict[str, str]:
    """Infer the schema of an open stream from its latest records.

    Raises
    ------
    SpecRefused
        If there are none, they have no fields, or the event time is none; the source is closed.
    """
    span = source.cut(source.seek(_SAMPLE.rows), _SAMPLE)
    raw = source.read(span) if span else None
    schema = {} if raw is None else make({}).infer(raw, session)
    event_time = stream.event_time
    if event_time is not None and schema.get(event_time) == "VARCHAR":
        # texts that are no times become rejects, instead of making the column one of texts
        with session.registered(_decoded=make(schema).decode(raw, session).rows):
            schema[event_time] = mostly_time(ident(event_time), "FROM _decoded", session)
    if not schema:
        there = bool(source.ends().latest)
        source.close()
        raise SpecRefused([_nothing_inferred(name, stream, raw, there=there)])
    lost = next((field for field in schema if LOST in field), None)
    if lost is not None and stream.format.type == "csv":
        source.close()
        encoding = _encoding(stream)
        what = f"the header is not {encoding}: it has a field `{lost}`{remedy_for(lost, encoding)}"
        raise SpecRefused([Fault(where=f"streams.{name}.format", what=what)])
    if event_time in schema and not schema[event_time].startswith("TIMESTAMP"):
        source.close()
        rows = make(schema).decode(raw, session).rows
        guess = _guess(rows[event_time], session)
        raise SpecRefused([time_fault(name, event_time, schema, guess)])
    return schema


def _encoding(stream: Stream) -> str:
    return str(stream.format.settings.get("encoding", UTF_8))


def _guess(values: pa.ChunkedArray, session: Session) -> str | None:
    """Give the type that reads most of the values of a column as times, if there is one."""
    known = [str(value).strip('"') for value in values.to_pylist() if value is not None]
    if not known:
        return None
    sample = known[:: 1 + len(known) // _TRIED]
    kind, count = guessed(sample, "TIMESTAMPTZ", session)
    return kind if count > len(sample) / 2 else None


def time_fault(name: str, time: str, columns: Mapping[str, str], guess: str | None = None) -> Fault:
    """Say that the event time is none, and write out the schema that makes it one.

    Parameters
    ----------
    guess
        The type that reads the values that are there, if it is known.
    """
    kind = guess or ("EPOCH_MS" if columns[time] in ("BIGINT", "DOUBLE") else EXAMPLE)
    fields = cut(", ".join(f"{n}: {_quoted(k)}" for n, k in {**columns, time: kind}.items()), 400)
    said = f"`schema: {{{fields}}}`"
    return Fault(
        where=f"streams.{name}.event_time",
        what=f"`{time}` is of type {columns[time]}",
        remedy=f"most values are {guess}: declare {said}"
        if guess
        else f"declare how it is written, for example {said} ({OTHER_FORMS})",
    )


def _quoted(kind: str) -> str:
    """Write a type as it stands in {…} in YAML, where a comma ends what is not in quotes."""
    return f'"{kind}"' if "," in kind else kind


def _nothing_inferred(name: str, stream: Stream, raw: pa.Table | None, *, there: bool) -> Fault:
    if stream.source.type == "files" and not there:
        path = cut(str(stream.source.settings.get("path")), 200)
        what = f"no file matches `{path}` yet from which the schema could be inferred"
        remedy = "correct the path, which starts at the workspace if it is relative, or declare it"
        return Fault(where=f"streams.{name}.source.path", what=what, remedy=remedy)
    declare = "declare the schema: `schema: {ts: TIMESTAMPTZ, device: VARCHAR, …}`"
    if raw is None or not raw.num_rows or "_raw" not in raw.column_names:
        what = "the stream holds nothing yet from which its schema could be inferred"
        return Fault(where=f"streams.{name}.schema", what=what, remedy=declare)
    first = (raw["_raw"][0].as_py() or b"").decode(errors="replace").strip()
    if LOST in first and stream.format.type == "csv":
        encoding = _encoding(stream)
        what = f"the records are not {encoding}{remedy_for(first, encoding)}"
        return Fault(where=f"streams.{name}.format", what=what)
    return Fault(
        where=f"streams.{name}.format",
        what=f"no fields were found in {number_of(raw.num_rows, 'record')}, "
        f"of which one is {shown(first)}",
        remedy=f"say what they are (`format: csv`, `parquet`, `raw`), or {declare}",
    )
