"""Columns that exist already get the types that the schema declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from streamops_nb.db import ident, literal
from streamops_nb.formats.json_faults import epoch, formed
from streamops_nb.formats.reasons import wrong
from streamops_nb.formats.records import CHUNK, chunked, decoded, without
from streamops_nb.formats.time_guess import TimeGuesses
from streamops_nb.formats.types import EPOCHS, Scalar, tree_of
from streamops_nb.model.batch import Decoded
from streamops_nb.model.time_forms import column_type, time_form
from streamops_nb.model.types import base_type

if TYPE_CHECKING:
    from streamops_nb.db import Session

__all__ = ["Conform", "infer_columns", "with_point"]

_FRACTIONS = ("DOUBLE", "FLOAT", "DECIMAL")
_COMMA = r"[+-]?\d*,\d+([eE][+-]?\d+)?"
_COMMA_SAID = ' - with a decimal comma it is: write `decimal: ","` in the format'


class Conform:
    """Casts columns to a schema.

    A column that is missing is NULL; columns that the schema does not name are left out. A record
    is rejected if one of its values does not cast (as DuckDB casts); a column whose type is right
    already is handed on without being looked at or copied.

    Parameters
    ----------
    schema
        Field name to DuckDB type, ``EPOCH_S``, ``EPOCH_MS``, ``EPOCH_US``, or a time and its form.
    decimal
        What stands before the decimals of numbers that are texts; empty if no setting says so.
    """

    def __init__(self, schema: Mapping[str, str], *, decimal: str = "") -> None:
        self._schema = dict(schema)
        self._decimal = decimal
        self._guesses = TimeGuesses(schema)
        self._given: pa.Schema | None = None
        self._casts: dict[str, str] = {}
        self._types: pa.Schema | None = None

    def __call__(
        self, table: pa.Table, session: Session, faults: Mapping[int, str] | None = None
    ) -> Decoded:
        """Cast the columns of `table`; records that have a fault already are left out too."""
        found = dict(faults or {})
        given = table.select([name for name in self._schema if name in table.column_names])
        columns = dict(zip(given.column_names, given.columns, strict=True))
        if columns and (given.schema != self._given or self._casts):
            with session.registered(_records=chunked(given)):
                self._prepare(given.schema, session)
                cast = self._cast(session)
                lost = [n for n in self._casts if cast[n].null_count > columns[n].null_count]
                if lost:
                    found = self._faults(lost, session) | found
            columns |= dict(zip(cast.column_names, cast.columns, strict=True))
        rows = self._whole(columns, table.num_rows, session)
        return decoded(without(rows, found), found)

    def _prepare(self, given: pa.Schema, session: Session) -> None:
        """Find out which columns need which cast; once as long as the columns stay the same."""
        if given == self._given:
            return
        actual = session.describe("SELECT * FROM _records")
        casts = {
            name: _cast(name, actual[name], self._schema[name], session, self._decimal)
            for name in actual
        }
        self._casts = {name: cast for name, cast in casts.items() if cast}
        self._given = given

    def _cast(self, session: Session) -> pa.Table:
        if not self._casts:
            return pa.table({})
        casts = ", ".join(f"{cast} AS {ident(name)}" for name, cast in self._casts.items())
        return session.table(f"SELECT {casts} FROM _records", chunk=CHUNK)

    def _faults(self, lost: list[str], session: Session) -> dict[int, str]:
        """Give the reasons of the records that have a value where the cast has none."""
        faults = ", ".join(
            f"CASE WHEN {ident(name)} IS NOT NULL AND {self._casts[name]} IS NULL"
            f" THEN {wrong(_quoted(name, self._given), name, self._schema[name])}"
            f"{self._comma(name)} END"
            for name in lost
        )
        reasons = session.table(f"SELECT coalesce({faults}, NULL) AS reason FROM _records")
        values = reasons["reason"].to_pylist()
        found = {number: reason for number, reason in enumerate(values) if reason is not None}
        return self._guesses(found, session)

    def _comma(self, name: str) -> str:
        """Write the SQL of a hint to decimal commas, behind what is wrong with a number."""
        if self._decimal != "." or not _is_fraction(self._schema[name]):
            return ""
        fits = f"regexp_full_match({ident(name)}, {literal(_COMMA)})"
        return f" || CASE WHEN {fits} THEN {literal(_COMMA_SAID)} ELSE '' END"

    def _whole(self, columns: dict[str, pa.ChunkedArray], count: int, session: Session) -> pa.Table:
        """Put the columns into the schema's order; what is missing is NULL."""
        missing = [name for name in self._schema if name not in columns]
        if missing:
            types = self._arrow_types(session)
            columns |= {name: pa.nulls(count, types.field(name).type) for name in missing}
        rows: dict[str, pa.Array | pa.ChunkedArray] = {n: columns[n] for n in self._schema}
        return pa.table(rows | {"_row": pa.array(np.arange(count, dtype=np.int64))})

    def _arrow_types(self, session: Session) -> pa.Schema:
        if self._types is None:
            nulls = ", ".join(
                f"NULL::{column_type(kind)} AS {ident(name)}" for name, kind in self._schema.items()
            )
            self._types = session.table(f"SELECT {nulls}").schema
        return self._types


_DECLARED = {"TIMESTAMPTZ_NS": "TIMESTAMP WITH TIME ZONE"}
"""Types of Arrow columns that no stream declares, and what is declared instead: nanoseconds with a
time zone, as pandas makes them, are brought to microseconds."""


def infer_columns(table: pa.Table, session: Session) -> dict[str, str]:
    """Give the DuckDB types of the columns that are the source's own (no leading ``_``)."""
    given = table.select([name for name in table.column_names if not name.startswith("_")])
    if not given.num_columns:
        return {}
    with session.registered(_records=given):
        found = session.describe("SELECT * FROM _records")
    return {name: _DECLARED.get(kind, kind) for name, kind in found.items()}


def with_point(column: str) -> str:
    """Write the SQL of a number with a decimal comma as one with a point, and the reverse."""
    return f"translate({column}, ',.', '.,')"


def _is_fraction(kind: str) -> bool:
    return base_type(column_type(kind), more=tuple(EPOCHS)) in _FRACTIONS


def _cast(name: str, actual: str, kind: str, session: Session, decimal: str) -> str:
    """Write the cast from the actual type, or nothing if none is needed."""
    column = ident(name)
    if kind in EPOCHS and not actual.startswith("TIMESTAMP"):
        return f"TRY({epoch(f'TRY_CAST({column} AS BIGINT)', kind)})"
    if actual == "VARCHAR" and time_form(kind):
        return formed(column, kind)
    kind = column_type(kind)
    tree = tree_of(kind, session)
    if actual == tree.text:
        return ""
    if isinstance(tree, Scalar):
        if decimal == "," and actual == "VARCHAR" and _is_fraction(kind):
            column = with_point(column)
        return f"TRY_CAST({column} AS {tree.text})"
    # TRY_CAST makes a bad value inside a nested one NULL and keeps the rest
    return f"TRY(CAST({column} AS {tree.text}))"


def _quoted(name: str, given: pa.Schema | None) -> str:
    """Write the SQL that shows a value: texts in quotes, as in JSON."""
    kind = given.field(name).type if given is not None else pa.null()
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return f"'\"' || {ident(name)} || '\"'" if text else ident(name)
