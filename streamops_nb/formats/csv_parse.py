"""CSV records to columns of text."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from streamops_nb.formats.csv_records import Bytes, Ends, csv_ends, without_blank

__all__ = ["CsvParser", "header_names"]


def header_names(header: str, delimiter: str, quote: str) -> list[str]:
    """Give the field names of a header line."""
    lines = header.removeprefix("\ufeff").strip("\r\n").splitlines(keepends=True)
    if quote:
        return next(csv.reader(lines, delimiter=delimiter, quotechar=quote), [])
    return next(csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE), [])


@dataclass(frozen=True, slots=True)
class CsvParser:
    """Parses records that have the fields `names`.

    Parameters
    ----------
    names
        The names of the fields in the order of the records.
    wanted
        The fields that are needed, a part of `names`.
    delimiter, quote, nulls
        As in `streamops_nb.formats.csv_format.CsvFormat.Settings`.
    """

    names: Sequence[str]
    wanted: Sequence[str]
    delimiter: str
    quote: str
    nulls: Sequence[str] = field(default=("",))

    def parse(self, records: pa.Array) -> tuple[pa.Table, dict[int, str]]:
        """Give a row of texts for each record (no NULLs in `records`), and the faults."""
        if not len(records):
            return self._empty(0), {}
        data, ends = _joined(records)
        if np.array_equal(without_blank(data, csv_ends(data, self.delimiter, self.quote)), ends):
            rows, faults = self._bulk(data)
            if rows.num_rows + len(faults) == len(records):
                return _spread(rows, faults, len(records)), faults
        if len(records) == 1:
            return self._empty(1), {0: self._why(data, ends)}
        # a record that is not exactly one row spoils the rows around it: find it by halving
        middle = len(records) // 2
        first, faults = self.parse(records.slice(0, middle))
        second, others = self.parse(records.slice(middle))
        faults |= {middle + number: reason for number, reason in others.items()}
        return pa.concat_tables([first, second]), faults

    def _bulk(self, data: Bytes) -> tuple[pa.Table, dict[int, str]]:
        faults: dict[int, str] = {}

        def skip(row: arrow_csv.InvalidRow) -> str:
            faults[row.number - 1] = (
                f"{row.expected_columns} fields are expected, the record has {row.actual_columns}"
            )
            return "skip"

        rows = arrow_csv.read_csv(
            pa.BufferReader(pa.py_buffer(data)),
            # on one thread the numbers of invalid rows are known, and it is no slower (6 ms for
            # 100 k records of 4 fields)
            read_options=arrow_csv.ReadOptions(
                use_threads=False,
                column_names=list(self.names),
                block_size=len(data) + 1,
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=self.delimiter,
                quote_char=self.quote or False,
                newlines_in_values=bool(self.quote),
                invalid_row_handler=skip,
            ),
            convert_options=arrow_csv.ConvertOptions(
                check_utf8=False,
                include_columns=list(self.wanted),
                column_types=dict.fromkeys(self.wanted, pa.string()),
                null_values=list(self.nulls),
                strings_can_be_null=bool(self.nulls),
                quoted_strings_can_be_null=False,
            ),
        )
        return rows, faults

    def _why(self, data: Bytes, ends: Ends) -> str:
        found = len(without_blank(data, csv_ends(data, self.delimiter, self.quote)))
        if found == 0 and bytes(data).strip(b"\r\n"):
            return f"a quoted field is not closed: {self.quote} is missing"
        return "the record is empty" if found == 0 else "the record is more than one row"

    def _empty(self, count: int) -> pa.Table:
        return pa.table({name: pa.nulls(count, pa.string()) for name in self.wanted})


def _joined(records: pa.Array) -> tuple[Bytes, Ends]:
    """Give the bytes of all records, each ending with a newline, and where each one ends.

    Records of a file lie in one piece and are not copied.
    """
    data, ends = _bytes_of(records)
    if bool((np.diff(ends, prepend=0) > 0).all()) and bool((data[ends[:-1] - 1] == 10).all()):
        if data[-1] != 10:
            data = np.append(data, np.uint8(10))
            ends = np.append(ends[:-1], len(data))
        return data, ends
    bare = pc.utf8_rtrim(records, characters="\n")
    return _bytes_of(pc.binary_join_element_wise(bare, "", "\n"))


def _bytes_of(records: pa.Array) -> tuple[Bytes, Ends]:
    _, offsets, data = records.buffers()
    places = np.frombuffer(offsets, np.int32)[records.offset : records.offset + len(records) + 1]
    begin, end = int(places[0]), int(places[-1])
    held = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    return held[begin:end], places[1:].astype(np.int64) - begin


def _spread(rows: pa.Table, faults: dict[int, str], count: int) -> pa.Table:
    """Put rows of NULLs where records have a fault."""
    if not faults:
        return rows
    places = np.ones(count, bool)
    places[list(faults)] = False
    indices = np.cumsum(places) - 1
    return rows.take(pa.array(indices, pa.int64(), mask=~places))
