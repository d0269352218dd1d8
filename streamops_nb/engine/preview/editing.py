"""Samples with changes: cells, rows, and columns that nobody is to see."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from streamops_nb.db import sealed
from streamops_nb.engine.assembly import format_maker
from streamops_nb.engine.inlet import decoded_inflow, empty_inflow
from streamops_nb.engine.preview.sample import Drawn, Edit, Sample
from streamops_nb.model.errors import Refused
from streamops_nb.model.spec import PlugIn, Stream
from streamops_nb.model.wording import cut, did_you_mean, number_of, shown

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["add", "change", "delete", "frame", "mask"]

_EDIT = "_edit"
"""The column that says of a record whether it was ``changed`` or ``added``."""

_PLACES = ("_partition", "_offset", "_time", _EDIT)
_WIDE = (pa.int32(), pa.int64(), pa.uint32(), pa.uint64())


def frame(sample: Sample, stream: str | None) -> pd.DataFrame:
    """See `Sample.df`."""
    name = _named(sample, stream)
    rows, numbers, _ = _decoded(name, sample.streams[name])
    made: pd.DataFrame = rows.to_pandas()
    made.index = numbers
    raw = sample.streams[name].raw
    marks = raw[_EDIT].take(pa.array(numbers)).to_pylist() if _EDIT in raw.column_names else ""
    made[_EDIT] = marks
    return made


def change(sample: Sample, record: int, values: Mapping[str, Any], stream: str | None) -> Sample:
    """See `Sample.change`."""
    name = _named(sample, stream)
    drawn = sample.streams[name]
    _check_record(drawn, record)
    if "_raw" in values:
        return _with_raw(sample, name, record, values)
    sample, drawn, numbers = _by_field(sample, name)
    found = np.flatnonzero(numbers == record)
    if not len(found):
        raise Refused(f"record {record} of {name} does not decode: change its `_raw` as a whole")
    place, raw, made = int(found[0]), drawn.raw, []
    for column, value in values.items():
        _check_column(column, drawn)
        before = raw[column][place].as_py()
        raw = _replaced(raw, column, place, value)
        after = raw[column][place].as_py()
        made.append(_edit(name, "changed", place, column, before, after))
    return _edited(sample, name, replace(drawn, raw=_marked(raw, place, "changed")), made)


def delete(sample: Sample, records: int | Iterable[int], stream: str | None) -> Sample:
    """See `Sample.delete`."""
    name = _named(sample, stream)
    drawn = sample.streams[name]
    wanted = [records] if isinstance(records, int) else list(records)
    for record in wanted:
        _check_record(drawn, record)
    keep = np.ones(drawn.raw.num_rows, dtype=bool)
    keep[wanted] = False
    made = [Edit(stream=name, what="deleted", record=record) for record in wanted]
    return _edited(sample, name, replace(drawn, raw=drawn.raw.filter(pa.array(keep))), made)


def add(sample: Sample, rows: Iterable[Mapping[str, Any]], stream: str | None) -> Sample:
    """See `Sample.add`."""
    name = _named(sample, stream)
    sample, drawn, _ = _by_field(sample, name)
    fresh = list(rows)
    for row in fresh:
        for column in row:
            _check_column(column, drawn)
    raw, count = drawn.raw, drawn.raw.num_rows
    if _EDIT not in raw.column_names:
        raw = raw.append_column(_EDIT, pa.array([""] * count, pa.string()))
    columns: dict[str, Any] = {}
    for field in raw.schema:
        if field.name == "_partition":
            last = raw["_partition"][count - 1].as_py() if count else "0"
            columns[field.name] = pa.array([last] * len(fresh), field.type)
        elif field.name == "_offset":
            last = raw["_offset"][count - 1].as_py() if count else -1
            columns[field.name] = pa.array([last + 1 + n for n in range(len(fresh))], field.type)
        elif field.name == _EDIT:
            columns[field.name] = pa.array(["added"] * len(fresh), pa.string())
        else:
            values = [row.get(field.name) for row in fresh]
            columns[field.name] = _array(values, field.type, field.name)
    grown = pa.concat_tables([raw, pa.table(columns, schema=raw.schema)])
    made = [_edit(name, "added", count + n, after=dict(row)) for n, row in enumerate(fresh)]
    return _edited(sample, name, replace(drawn, raw=grown), made)


def mask(sample: Sample, columns: tuple[str, ...]) -> Sample:
    """See `Sample.mask`."""
    salt = os.urandom(16)
    for column in columns:
        having = [name for name, d in sample.streams.items() if column in d.schema]
        if not having:
            known = {field for d in sample.streams.values() for field in d.schema}
            raise Refused(f"no stream has a field `{cut(column)}` - {did_you_mean(column, known)}")
        for name in having:
            stream = sample.streams[name].stream
            if stream is not None and stream.event_time == column:
                raise Refused(f"`{column}` is the event time of {name}: its windows need it")
    found = sample
    for name, drawn in sample.streams.items():
        mine = [column for column in columns if column in drawn.schema]
        if not mine:
            continue
        found, settled, _ = _by_field(found, name)
        raw = settled.raw
        for column in mine:
            at = raw.column_names.index(column)
            raw = raw.set_column(at, raw.schema.field(at), _pseudonyms(raw[column], salt))
        # what it was before, and what an earlier change says of it, would tell what it held
        told = tuple(
            edit if edit.stream != name else replace(edit, before="", after="")
            for edit in found.edits
        )
        # the salt's digest, so that a sample masked twice is two samples
        once = hashlib.blake2b(salt, digest_size=4).hexdigest()
        masked = [Edit(stream=name, what="masked", column=column, after=once) for column in mine]
        streams = {**found.streams, name: replace(settled, raw=raw)}
        found = replace(found, streams=streams, edits=(*told, *masked))
    return replace(found, original=None)


def _named(sample: Sample, stream: str | None) -> str:
    if stream is None and len(sample.streams) == 1:
        return next(iter(sample.streams))
    if stream is None or stream not in sample.streams:
        asked = "several streams are in the sample" if stream is None else f"no stream `{stream}`"
        raise Refused(f"{asked} - {did_you_mean(stream or '', sample.streams)}")
    return stream


def _check_record(drawn: Drawn, record: int) -> None:
    if not 0 <= record < drawn.raw.num_rows:
        raise Refused(
            f"there is no record {shown(record)}: they are numbered 0 to {drawn.raw.num_rows - 1}"
        )


def _check_column(column: str, drawn: Drawn) -> None:
    if column not in drawn.schema:
        remedy = did_you_mean(column, drawn.schema)
        raise Refused(f"there is no field `{cut(column)}` - {remedy}")


def _decoded(name: str, drawn: Drawn) -> tuple[pa.Table, np.ndarray, int]:
    """Give the rows, of which record each is, and how many records do not decode."""
    stream = drawn.stream or Stream(source=PlugIn(type="given"))
    if drawn.format is not None:
        stream = stream.model_copy(update={"format": drawn.format})
    schema = dict(drawn.schema)
    instance = sealed(memory="256MB", threads=1)
    try:
        session = instance.session()
        if drawn.raw.num_rows:
            make = format_maker(name, stream, os.environ, decoded=drawn.decoded)
            inflow = decoded_inflow(name, drawn.raw, make(schema), session)
        else:
            inflow = empty_inflow(name, schema, session)
    finally:
        instance.close()
    numbers = inflow.row.to_numpy()
    return inflow.table, numbers, drawn.raw.num_rows - len(numbers)


def _by_field(sample: Sample, name: str) -> tuple[Sample, Drawn, np.ndarray]:
    """Let a stream's records be fields, so that one can be changed; say which record each was."""
    drawn = sample.streams[name]
    rows, numbers, lost = _decoded(name, drawn)
    places = drawn.raw.select([n for n in _PLACES if n in drawn.raw.column_names])
    raw = places.take(pa.array(numbers)).combine_chunks()
    for column in rows.column_names:
        raw = raw.append_column(column, rows[column].combine_chunks())
    settled = replace(drawn, raw=raw, decoded=True, format=None)
    told = (
        [_edit(name, "left out", after=f"not decoded: {number_of(lost, 'record')}")] if lost else []
    )
    changed = replace(
        sample, streams={**sample.streams, name: settled}, edits=(*sample.edits, *told)
    )
    return replace(changed, original=sample.original or sample), settled, numbers


def _with_raw(sample: Sample, name: str, record: int, values: Mapping[str, Any]) -> Sample:
    drawn = sample.streams[name]
    if len(values) > 1 or "_raw" not in drawn.raw.column_names:
        raise Refused(
            f"{name} is held by field - change fields, or `_raw` alone where there is one"
        )
    value = values["_raw"]
    data = value.encode() if isinstance(value, str) else value
    before = drawn.raw["_raw"][record].as_py()
    raw = _replaced(drawn.raw, "_raw", record, data)
    made = [_edit(name, "changed", record, "_raw", before, data)]
    return _edited(sample, name, replace(drawn, raw=_marked(raw, record, "changed")), made)


def _edited(sample: Sample, name: str, drawn: Drawn, made: list[Edit]) -> Sample:
    return replace(
        sample,
        streams={**sample.streams, name: drawn},
        edits=(*sample.edits, *made),
        original=sample.original or sample,
    )


def _replaced(raw: pa.Table, column: str, place: int, value: Any) -> pa.Table:
    at = raw.column_names.index(column)
    field = raw.schema.field(at)
    values = raw[column].combine_chunks()
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks)
    fresh = _array([value], field.type, column)
    whole = pa.concat_arrays([values.slice(0, place), fresh, values.slice(place + 1)])
    return raw.set_column(at, field, whole)


def _array(values: list[Any], kind: pa.DataType, column: str) -> pa.Array:
    try:
        return pa.array(values, kind)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise Refused(f"`{column}` holds {kind}: {cut(str(error), 200)}") from error


def _edit(
    stream: str,
    what: str,
    record: int | None = None,
    column: str = "",
    before: Any = "",
    after: Any = "",
) -> Edit:
    return Edit(
        stream=stream,
        what=what,
        record=record,
        column=column,
        before=before if isinstance(before, str) else repr(before),
        after=after if isinstance(after, str) else repr(after),
    )


def _marked(raw: pa.Table, place: int, mark: str) -> pa.Table:
    """Note in a column of ours what became of a record."""
    if _EDIT not in raw.column_names:
        raw = raw.append_column(_EDIT, pa.array([""] * raw.num_rows, pa.string()))
    marks = raw[_EDIT].to_pylist()
    marks[place] = marks[place] or mark
    at = raw.column_names.index(_EDIT)
    return raw.set_column(at, _EDIT, pa.array(marks, pa.string()))


def _pseudonyms(values: pa.ChunkedArray, salt: bytes) -> pa.Array:
    kind = values.type
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if not text and kind not in _WIDE:
        return pa.nulls(len(values), kind)

    def hidden(value: Any) -> Any:
        digest = hashlib.blake2b(str(value).encode(), key=salt, digest_size=8)
        return digest.hexdigest() if text else int.from_bytes(digest.digest()[:4], "big") >> 1

    known = {value: hidden(value) for value in values.unique().to_pylist() if value is not None}
    return pa.array([known.get(value) for value in values.to_pylist()], kind)
