"""What a stage did to the rows that went in: dropped, added, changed."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamops_nb.engine.preview.matching import is_plain
from streamops_nb.engine.preview.result import StageResult
from streamops_nb.engine.preview.trace import Step, Trace
from streamops_nb.model.errors import Refused
from streamops_nb.ops.preview.rows import frame, records_of

if TYPE_CHECKING:
    import pandas as pd

    from streamops_nb.ops.preview.examining import Examining

__all__ = ["Passing"]


class Passing:
    """What a `streamops_nb.ops.preview.frames.StageFrames` says of the way through its stage.

    The query runs once more, so that rows can be followed, when it is first asked.
    """

    name: str
    rows_in: int
    _stage: StageResult
    _preview: Examining

    @cached_property
    def profile(self) -> pd.DataFrame:
        """Per column of what came out: nulls, distinct values, bounds and quantiles."""
        return self._preview.profiled(self._stage.table)

    @property
    def _trace(self) -> Trace:
        return self._preview.trace

    def _step(self) -> Step:
        """How it was followed; refused if that cannot be."""
        step = self._trace.steps[self.name]
        if step.made is None:
            raise Refused(
                f"the rows of the stage `{self.name}` cannot be followed: it names a whole row of "
                "windows or their COLUMNS(…), or DISTINCT beside aggregates - name the columns "
                "that it needs"
            )
        return step

    @cached_property
    def _dropped(self) -> dict[str, np.ndarray]:
        self._step()
        return self._trace.dropped(self.name)

    @cached_property
    def dropped(self) -> pd.DataFrame:
        """Rows that went in and of which nothing came out; rejects apart.

        Rows of a stream have ``_partition`` and ``_offset`` in front; with several inputs a first
        column ``_input`` says which one a row is of.
        """
        import pandas as pd

        pieces = {n: records_of(self._trace, n, rows) for n, rows in self._dropped.items()}
        if len(pieces) == 1:
            return next(iter(pieces.values()))
        for name, rows in pieces.items():
            rows.insert(0, "_input", name)
        full = [rows for rows in pieces.values() if len(rows)] or list(pieces.values())[:1]
        return pd.concat(full, ignore_index=True) if full else pd.DataFrame()

    @cached_property
    def losses(self) -> pd.DataFrame:
        """Why rows were dropped, a row per reason: ``input``, ``reason`` and the number of rows."""
        import pandas as pd

        self._step()
        found = self._preview.follow().losses.get(self.name, ())
        rows = [(loss.relation, loss.reason, len(loss.numbers)) for loss in found]
        return pd.DataFrame(rows, columns=["input", "reason", "rows"])

    @property
    def share_dropped(self) -> float:
        """Which share of the rows that went in was dropped."""
        return sum(map(len, self._dropped.values())) / self.rows_in if self.rows_in else 0.0

    @cached_property
    def added(self) -> pd.DataFrame:
        """Rows beyond the first that were made of the same row: windows that overlap, joins.

        A stage that groups makes one row of many, and adds none.
        """
        step = self._step()
        if step.stage.aggregated:
            return frame(step.table.slice(0, 0))
        keys = [_key(lists.filter(pa.array(step.kept))) for lists in self._streaming(step)]
        return frame(step.table.filter(pa.array(_repeated(keys))))

    def _streaming(self, step: Step) -> list[pa.ListArray]:
        trace = self._trace
        return [lists for name, lists in step.made or () if trace.streams(name)][:1]

    @cached_property
    def changes(self) -> pd.DataFrame:
        """What became of the columns, one row per column that is not handed on as it was.

        ``column``; ``change``: ``new``, ``removed``, ``retyped`` or ``changed``; the types
        ``before`` and ``after``; ``cells``: in how many rows the value differs from that of the
        row it was made of (of a stage that does not group).
        """
        import pandas as pd

        rows = list(self._changes())
        return pd.DataFrame(rows, columns=["column", "change", "before", "after", "cells"])

    def _changes(self) -> list[tuple[str, str, str, str, int]]:
        step = self._step()
        before = _columns_read(step)
        after = dict(step.stage.relation.columns)
        found = []
        for name in [*before, *(n for n in after if n not in before)]:
            old, new = before.get(name, ("", ""))[1], after.get(name, "")
            if not new:
                found.append((name, "removed", old, "", 0))
            elif not old:
                found.append((name, "new", "", new, 0))
            else:
                relation = before[name][0]
                retyped = self._trace.table(relation)[name].type != step.rows[name].type
                cells = self._differing(step, relation, name)
                if retyped or cells:
                    found.append((name, "retyped" if retyped else "changed", old, new, cells))
        return found

    def _differing(self, step: Step, relation: str, column: str) -> int:
        """In how many rows a column differs from that of the row it was made of."""
        made = dict(step.made or ())
        if step.stage.aggregated or relation not in made:
            return 0
        lists = made[relation].filter(pa.array(step.kept))
        single = pc.equal(pc.list_value_length(lists), 1)
        numbers = lists.filter(single).flatten()
        old = self._trace.table(relation)[column].take(numbers)
        new = step.table.filter(single)[column]
        return _count_differing(old, new)


def _columns_read(step: Step) -> dict[str, tuple[str, str]]:
    """Per column of the inputs: of which relation it is, and its type; the first one counts."""
    found: dict[str, tuple[str, str]] = {}
    for item in step.stage.items:
        relation = item.relation if item.macro is None else item.macro.source
        if relation.name:
            for column, kind in relation.columns.items():
                found.setdefault(column, (relation.name, kind))
    return found


def _key(lists: pa.ListArray) -> np.ndarray:
    """The first number of each list, -1 where it is empty."""
    lengths = pc.list_value_length(lists).to_numpy(zero_copy_only=False)
    if not lengths.any():
        return np.full(len(lengths), -1)
    values = lists.flatten().to_numpy(zero_copy_only=False)
    starts = np.minimum(np.cumsum(lengths) - lengths, len(values) - 1)
    numbers: np.ndarray = np.where(lengths > 0, values[starts], -1)
    return numbers


def _repeated(keys: list[np.ndarray]) -> np.ndarray:
    if not keys:
        return np.zeros(0, dtype=bool)
    again = np.ones(len(keys[0]), dtype=bool)
    again[np.unique(keys[0], return_index=True)[1]] = False
    again[keys[0] < 0] = False
    return again


def _count_differing(old: pa.ChunkedArray, new: pa.ChunkedArray) -> int:
    if not is_plain(new.type) or old.type != new.type:
        pairs = zip(old.to_pylist(), new.to_pylist(), strict=True)
        return sum(a != b for a, b in pairs)
    apart = pc.fill_null(pc.not_equal(old, new), False)
    if pa.types.is_floating(new.type):
        both = pc.and_(pc.fill_null(pc.is_nan(old), False), pc.fill_null(pc.is_nan(new), False))
        apart = pc.and_(apart, pc.invert(both))
    apart = pc.or_(apart, pc.xor(pc.is_null(old), pc.is_null(new)))
    return int(pc.sum(apart).as_py() or 0)
