"""JSON: one object per record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from streamops_nb.db import ident
from streamops_nb.formats import base
from streamops_nb.formats.json_faults import epoch, forgiving_query, formed, json_types
from streamops_nb.formats.json_infer import infer_json
from streamops_nb.formats.records import CHUNK, chunked, decoded, text_of, without
from streamops_nb.formats.time_guess import TimeGuesses
from streamops_nb.formats.types import EPOCHS
from streamops_nb.model.batch import Decoded
from streamops_nb.model.errors import RowError
from streamops_nb.model.time_forms import time_form

if TYPE_CHECKING:
    from streamops_nb.db import Session

__all__ = ["JsonFormat"]

_TRIES = 2


class JsonFormat:
    """Records that are JSON objects.

    A field that is missing or null is NULL; fields that the schema does not name are ignored.
    A record is rejected if it is no JSON object, if a value does not cast to its field's type
    (as DuckDB's own JSON reader casts), or if a field of the schema appears twice.

    Parameters
    ----------
    settings
        None are known.
    schema
        Field name to DuckDB type, nested types included, or ``EPOCH_S``, ``EPOCH_MS``,
        ``EPOCH_US`` for integers that are times, or a time and its form.
    """

    class Settings(base.Settings):
        """JSON has no settings."""

    def __init__(self, settings: Any, schema: dict[str, str]) -> None:
        self._schema = schema
        fields = ", ".join(
            f"{_field(name, kind)} AS {ident(name)}" for name, kind in schema.items()
        )
        self._strict = f"""
            SELECT {fields}, _row
            FROM (SELECT from_json_strict(raw, {json_types(schema)}) AS _fields, _row
                FROM _records)"""
        self._forgiving = ""
        self._guesses = TimeGuesses(schema)
        self._failures = 0  # of the strict way, in a row

    def decode(self, raw: pa.Table, session: Session) -> Decoded:
        """Decode the column ``_raw``.

        The strict way takes 15-20 ms for 100 k records on 2 threads and stops at the first record
        that it cannot take; then all go the forgiving way (40 ms), so that what becomes of a
        record never depends on its neighbours.
        """
        text, faults = text_of(raw["_raw"])
        numbers = pa.array(np.arange(raw.num_rows, dtype=np.int64))
        records = chunked(pa.table({"_row": numbers, "raw": text}))
        with session.registered(_records=records):
            rows = self._strictly(session)
            if rows is None:
                return self._forgivingly(session, faults)
        return decoded(rows, faults)

    def _strictly(self, session: Session) -> pa.Table | None:
        """Decode the strict way; None if a record cannot be taken so.

        After two failures in a row this is tried only every eighth time: a stream that always
        has such records would pay for the attempt.
        """
        self._failures += 1
        if self._failures > _TRIES and self._failures % 8:
            return None
        try:
            rows = session.table(self._strict, often={}, chunk=CHUNK)
        except RowError:
            return None
        # `null` is no object, but gives NULL in every field
        if all(rows.column(i).null_count for i in range(len(self._schema))):
            return None
        self._failures = 0
        return rows

    def _forgivingly(self, session: Session, faults: dict[int, str]) -> Decoded:
        if not self._forgiving:
            self._forgiving = forgiving_query(self._schema, session)
        rows = session.table(self._forgiving, often={}, chunk=CHUNK)
        if rows["_fault"].null_count < rows.num_rows:
            bad = rows.select(["_row", "_fault"]).filter(rows["_fault"].is_valid())
            found = dict(zip(*bad.to_pydict().values(), strict=True))
            faults = self._guesses(found, session) | faults
        return decoded(without(rows.drop_columns("_fault"), faults), faults)

    def infer(self, raw: pa.Table, session: Session) -> dict[str, str]:
        """Guess fields and types; texts that are times in every record become times."""
        return infer_json(raw, session)


def _field(name: str, kind: str) -> str:
    column = f"_fields.{ident(name)}"
    if kind in EPOCHS:
        return epoch(column, kind)
    if time_form(kind) is None:
        return column
    return formed(column, kind, strictly=True)
