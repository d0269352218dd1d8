"""The duties of `streamops_nb.formats.base.Format`, as tests that every format passes.

Inherit from `FormatContract` and give a fixture `case`; see `test_formats.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamops_nb.db import Session, open_instance
from streamops_nb.formats.base import Format

__all__ = ["Case", "FormatContract", "raw_table"]


def raw_table(records: list[Any]) -> pa.Table:
    """Make what a source gives: bytes as ``_raw``, or dicts as columns."""
    if records and isinstance(records[0], dict):
        return pa.Table.from_pylist(records)
    return pa.table({"_raw": pa.array(records, pa.binary())})


@dataclass
class Case:
    """A format and what it makes of some records.

    Parameters
    ----------
    make
        The format's class.
    schema
        The declared schema.
    good
        Records (bytes, or dicts for formats over columns) and the rows they become.
    bad
        Records and a word that the reason must contain.
    inferred
        The schema that the good records are inferred to have.
    """

    make: Any
    schema: dict[str, str]
    good: list[tuple[Any, dict[str, Any]]]
    bad: list[tuple[Any, str]]
    inferred: dict[str, str]

    def format(self, schema: dict[str, str] | None = None) -> Format:
        made: Format = self.make(self.make.Settings(), self.schema if schema is None else schema)
        return made

    @property
    def mixed(self) -> list[Any]:
        """Good and bad records in turn."""
        good, bad = [record for record, _ in self.good], [record for record, _ in self.bad]
        return [
            record for pair in zip(good * len(bad), bad * len(good), strict=True) for record in pair
        ]


class FormatContract:
    """Inherit, and give a fixture `case`."""

    @pytest.fixture(scope="class")
    @classmethod
    def session(cls) -> Iterator[Session]:
        instance = open_instance(threads=2)
        yield instance.session()
        instance.close()

    def test_good_records_become_their_rows(self, case: Case, session: Session) -> None:
        done = case.format().decode(raw_table([record for record, _ in case.good]), session)
        assert done.rejects.num_rows == 0
        expected = [row | {"_row": i} for i, (_, row) in enumerate(case.good)]
        assert done.rows.to_pylist() == expected

    def test_a_bad_record_is_a_reject_with_a_reason(self, case: Case, session: Session) -> None:
        for record, word in case.bad:
            done = case.format().decode(raw_table([record]), session)
            assert done.rows.num_rows == 0
            assert done.rejects["_row"].to_pylist() == [0]
            assert word in done.rejects["reason"][0].as_py()

    def test_every_record_is_a_row_or_a_reject(self, case: Case, session: Session) -> None:
        raw = raw_table(case.mixed)
        done = case.format().decode(raw, session)
        rows, rejects = done.rows["_row"].to_pylist(), done.rejects["_row"].to_pylist()
        assert rows == list(range(0, raw.num_rows, 2))
        assert rejects == list(range(1, raw.num_rows, 2))

    def test_what_becomes_of_a_record_does_not_depend_on_its_neighbours(
        self, case: Case, session: Session
    ) -> None:
        raw = raw_table(case.mixed)
        whole = case.format().decode(raw, session)
        rows, rejects = [], []
        for i in range(raw.num_rows):
            one = case.format().decode(raw.slice(i, 1), session)
            rows += [row | {"_row": i} for row in one.rows.to_pylist()]
            rejects += [row | {"_row": i} for row in one.rejects.to_pylist()]
        assert whole.rows.to_pylist() == rows
        assert whole.rejects.to_pylist() == rejects

    def test_the_columns_are_those_of_the_schema_whatever_comes(
        self, case: Case, session: Session
    ) -> None:
        good = raw_table([record for record, _ in case.good])
        made = case.format()
        schemas = [
            made.decode(table, session).rows.schema
            for table in (good, good.slice(0, 0), raw_table(case.mixed))
        ]
        assert schemas[0].names == [*case.schema, "_row"]
        assert schemas[0].field("_row").type == pa.int64()
        assert schemas[1] == schemas[2] == schemas[0]

    def test_the_order_of_the_chunks_is_kept(self, case: Case, session: Session) -> None:
        record, row = case.good[0]
        raw = pa.concat_tables([raw_table([record] * 1000)] * 60)
        done = case.format().decode(raw, session)
        assert done.rows["_row"].to_pylist() == list(range(60_000))
        assert done.rows.slice(59_999).to_pylist() == [row | {"_row": 59_999}]

    def test_the_schema_is_inferred_from_a_sample(self, case: Case, session: Session) -> None:
        sample = raw_table([record for record, _ in case.good])
        schema = case.format({}).infer(sample, session)
        assert schema == case.inferred
        assert case.format(schema).decode(sample, session).rejects.num_rows == 0

    def test_whatever_the_bytes_nothing_raises_and_nothing_vanishes(
        self, case: Case, session: Session
    ) -> None:
        good = [record for record, _ in case.good]
        if isinstance(good[0], dict):
            return  # columns have no bytes
        spoiled = st.builds(_spoiled, st.sampled_from(good), st.integers(0, 200), st.binary())
        made = case.format()

        @settings(max_examples=30)
        @given(st.lists(st.one_of(st.none(), st.binary(), spoiled), max_size=8))
        def check(records: list[bytes | None]) -> None:
            done = made.decode(raw_table(records), session)
            found = done.rows["_row"].to_pylist()
            rejected = done.rejects["_row"].to_pylist()
            assert sorted(found + rejected) == list(range(len(records)))
            for i, record in enumerate(records):
                assert made.decode(raw_table([record]), session).rows.num_rows == found.count(i)

        check()


def _spoiled(record: bytes, place: int, insertion: bytes) -> bytes:
    place %= len(record) + 1
    return record[:place] + insertion + record[place + len(insertion) :]
