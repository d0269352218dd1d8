"""CSV: records of delimited fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import AfterValidator, Field, field_validator

from streamops_nb.db import ident
from streamops_nb.formats import base
from streamops_nb.formats.conform import Conform, with_point
from streamops_nb.formats.csv_parse import CsvParser, header_names
from streamops_nb.formats.encoding import LOST, UTF_8, called, checked_encoding, remedy_for
from streamops_nb.formats.reasons import PIECE
from streamops_nb.formats.records import CHUNK, text_of
from streamops_nb.formats.text_types import text_type
from streamops_nb.model.batch import Decoded

if TYPE_CHECKING:
    from streamops_nb.db import Session

__all__ = ["CsvFormat"]


class CsvFormat:
    """Records of fields, one record per value of ``_raw``.

    A source that knows the header of the file a record comes from gives it in the column
    ``_header``; fields then go by name. Without it they go by place, in the order of the schema.
    A field that the header does not have is NULL; one that the schema does not have is ignored.

    Parameters
    ----------
    settings
        See `Settings`.
    schema
        Field name to DuckDB type, ``EPOCH_S``, ``EPOCH_MS``, ``EPOCH_US``, or a time and its form.
    """

    class Settings(base.Settings):
        """What may stand below ``format:`` for CSV.

        Parameters
        ----------
        delimiter
            The character between fields.
        quote
            The character around fields that contain delimiters, newlines or doubled quotes; empty
            if there is none.
        header
            Whether files begin with the names of the fields.
        null
            The texts that stand for NULL (when they are not in quotes).
        decimal
            What stands before the decimals of a number: ``.`` or ``,``. Numbers have no marks
            between thousands.
        encoding
            Of files that are not UTF-8: ``cp1252``, ``latin-1`` and whatever else Python names in
            which a newline is one byte; UTF-16 is none of these.
        """

        delimiter: str = ","
        quote: str = '"'
        header: bool = True
        null: tuple[str, ...] = Field(default=("",))
        decimal: Literal[".", ","] = "."
        encoding: Annotated[str, AfterValidator(checked_encoding)] = UTF_8

        @field_validator("delimiter", "quote")
        @classmethod
        def _one_character(cls, value: str, info: Any) -> str:
            if value == "" and info.field_name == "quote":
                return value
            if len(value) != 1 or not value.isascii() or value in "\r\n":
                raise ValueError('must be one ASCII character, for example ";" or "\\t"')
            return value

    def __init__(self, settings: Settings | None, schema: dict[str, str]) -> None:
        self._settings = settings or self.Settings()
        self._schema = schema
        self._conform = Conform(schema, decimal=self._settings.decimal)

    def decode(self, raw: pa.Table, session: Session) -> Decoded:
        """Decode the column ``_raw`` (100 k records of 4 fields: about 25 ms on 2 threads)."""
        text, faults = self._text(raw)
        parts: list[pa.Table] = []
        begin = 0
        for header, count in _runs(raw):
            parser = self._parser(header)
            for part in pa.table({"text": text.slice(begin, count)}).to_batches(CHUNK):
                rows, found = _parse(parser, part.column(0))
                faults = {begin + n: reason for n, reason in found.items()} | faults
                parts.append(rows)
                begin += part.num_rows
        table = pa.concat_tables(parts, promote_options="default") if parts else raw.select([])
        return self._conform(table, session, faults)

    def infer(self, raw: pa.Table, session: Session) -> dict[str, str]:
        """Guess types by trying BIGINT, DOUBLE, BOOLEAN, DATE and times on all values.

        Without a header the fields are called ``column0``, ``column1``, …
        """
        text, _ = self._text(raw)
        header, _ = next(_runs(raw), (None, 0))
        records = text.drop_null().combine_chunks()
        if not len(records):
            return {}
        names = self._names(header) if header is not None else self._numbered(records)
        rows, _ = _parse(self._reader(names, names), records)
        with session.registered(_records=rows):
            select = "SELECT * FROM _records"
            return {name: self._type(ident(name), select, session) for name in names if name}

    def _text(self, raw: pa.Table) -> tuple[pa.ChunkedArray, dict[int, str]]:
        encoding = self._settings.encoding
        text, faults = text_of(raw["_raw"], encoding)
        remedy = remedy_for("", encoding)
        return text, {n: f"{r}{remedy}" if r.startswith("not ") else r for n, r in faults.items()}

    def _type(self, column: str, select: str, session: Session) -> str:
        found = text_type(column, select, session)
        if self._settings.decimal == "." or found not in ("DOUBLE", "VARCHAR"):
            return found
        found = text_type(with_point(column), select, session)
        return found if found == "DOUBLE" else "VARCHAR"

    def _parser(self, header: str | None) -> CsvParser | str:
        """Give the parser for records below `header`, or why there can be none."""
        names = list(self._schema) if header is None else self._names(header)
        wanted = [name for name in self._schema if name in names]
        if LOST in str(header) and len(wanted) < len(self._schema):
            encoding = self._settings.encoding
            remedy = remedy_for(str(header), encoding)
            return f"the header `{_piece(header)}` is not {called(encoding)}{remedy}"
        if not wanted:
            hint = self._hint(names)
            return f"the header `{_piece(header)}` has none of the fields of the schema{hint}"
        twice = next((name for name in wanted if names.count(name) > 1), None)
        if twice is not None:
            return f"the header names {twice} twice"
        return self._reader(names, wanted)

    def _hint(self, names: list[str]) -> str:
        """Say what may be wrong with a header of other names."""
        lower = {name.lower() for name in self._schema}
        if any(name.lower() in lower for name in names):
            return ": capitals differ"
        other = next((mark for mark in ";\t|," if len(names) == 1 and mark in names[0]), None)
        return "" if other is None else f": is its delimiter {other!r}?"

    def _reader(self, names: list[str], wanted: list[str]) -> CsvParser:
        known = self._settings
        return CsvParser(names, wanted, known.delimiter, known.quote, known.null)

    def _names(self, header: str) -> list[str]:
        return header_names(header, self._settings.delimiter, self._settings.quote)

    def _numbered(self, records: pa.StringArray) -> list[str]:
        return [f"column{i}" for i in range(len(self._names(records[0].as_py())))]


def _piece(header: str | None) -> str:
    return str(header).replace("\0", "").strip()[:PIECE]


def _parse(parser: CsvParser | str, text: pa.StringArray) -> tuple[pa.Table, dict[int, str]]:
    """Parse records of one header; those without text have their fault already."""
    if isinstance(parser, str):
        return pa.table({"": pa.nulls(len(text), pa.string())}), dict.fromkeys(
            range(len(text)), parser
        )
    if text.null_count:
        # any row will do, as it is left out afterwards
        text = text.fill_null(parser.delimiter * (len(parser.names) - 1) or "-")
    return parser.parse(text)


def _runs(raw: pa.Table) -> Iterator[tuple[str | None, int]]:
    """Give header and number of records for each stretch of records with the same header."""
    if "_header" not in raw.column_names:
        yield None, raw.num_rows
        return
    for chunk in raw["_header"].chunks:
        indices = chunk.indices.to_numpy()
        begins = np.flatnonzero(np.diff(indices, prepend=-1))
        for begin, end in zip(begins, np.append(begins[1:], len(indices)), strict=True):
            yield chunk.dictionary[int(indices[begin])].as_py(), int(end - begin)
