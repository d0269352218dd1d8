"""What differs between two previews, stage by stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from streamops_nb.engine.preview.difference import Compared
from streamops_nb.model.errors import Refused
from streamops_nb.model.wording import did_you_mean
from streamops_nb.ops.preview import markup
from streamops_nb.ops.preview.cells import head
from streamops_nb.ops.preview.rows import frame

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Diff", "StageDiff"]

_SHOWN = 50
"""So many rows of a stage are shown as HTML."""


class StageDiff:
    """What differs in one stage.

    Attributes
    ----------
    name, compared
        The stage, and the difference as places in Arrow tables.
    """

    def __init__(self, name: str, compared: Compared) -> None:
        self.name = name
        self.compared = compared

    @property
    def key(self) -> tuple[str, ...]:
        """The columns by which rows were told apart; empty if whole rows were compared."""
        return self.compared.key

    @cached_property
    def added(self) -> pd.DataFrame:
        """Rows that are only in the second preview."""
        return frame(self.compared.after.take(pa.array(self.compared.added)))

    @cached_property
    def removed(self) -> pd.DataFrame:
        """Rows that are only in the first preview."""
        return frame(self.compared.before.take(pa.array(self.compared.removed)))

    @cached_property
    def cells(self) -> pd.DataFrame:
        """The cells that changed: key, ``column``, ``before`` and ``after``, one row each."""
        import pandas as pd

        found = self.compared
        pieces = []
        for name, differs in found.cells.items():
            i, j = (pa.array(places[differs]) for places in found.changed)
            piece = frame(found.after.select(list(found.key)).take(j))
            piece["column"] = name
            piece["before"] = frame(found.before.select([name]).take(i))[name].astype(object)
            piece["after"] = frame(found.after.select([name]).take(j))[name].astype(object)
            pieces.append(piece)
        if pieces:
            return pd.concat(pieces, ignore_index=True)
        return pd.DataFrame(columns=[*found.key, "column", "before", "after"])

    @cached_property
    def df(self) -> pd.DataFrame:
        """All rows that differ, with a first column ``_change``.

        It says ``removed``, ``added``, or ``before`` and ``after`` for a row that changed.
        """
        import pandas as pd

        found = self.compared
        i, j = found.changed
        places = np.arange(len(i))
        pieces = [
            _marked("removed", found.before, found.removed, None),
            _marked("added", found.after, found.added, None),
            _marked("before", found.before, i, places),
            _marked("after", found.after, j, places),
        ]
        rows = [piece for piece in pieces if len(piece)]
        if not rows:
            return pieces[1].drop(columns="_pair")
        joined = pd.concat(rows, ignore_index=True)
        return joined.sort_values("_pair", kind="stable", ignore_index=True).drop(columns="_pair")

    @property
    def columns(self) -> pd.DataFrame:
        """The columns that were added, removed or retyped: ``column``, ``before``, ``after``."""
        import pandas as pd

        rows = [(name, *types) for name, types in self.compared.columns.items()]
        return pd.DataFrame(rows, columns=["column", "before", "after"])

    @property
    def summary(self) -> str:
        """One line."""
        found = self.compared
        parts = [
            f"{n:,} {what}"
            for n, what in (
                (len(found.added), "added"),
                (len(found.removed), "removed"),
                (len(found.changed[0]), f"changed ({found.n_cells:,} cells)"),
            )
            if n
        ]
        parts += [_schema(name, *types) for name, types in found.columns.items()]
        by = f" by {', '.join(found.key)}" if found.key else " as whole rows"
        return f"{self.name}: {', '.join(parts)}{by}" if parts else f"{self.name}: no difference"

    def __bool__(self) -> bool:
        return bool(self.compared)

    def __repr__(self) -> str:
        return self.summary

    def _repr_html_(self) -> str:
        found = self.compared
        names = found.after.column_names
        names = [*names, *(n for n in found.before.column_names if n not in names)]
        rows = [*self._changed_rows(names)]
        rows += _styled(found.before, found.removed, names, markup.REMOVED)
        rows += _styled(found.after, found.added, names, markup.ADDED)
        total = len(found.changed[0]) + len(found.removed) + len(found.added)
        more = f"<p>{total - _SHOWN:,} more</p>" if total > _SHOWN else ""
        shown = rows[:_SHOWN]
        cells, styles = [row for row, _ in shown], [style for _, style in shown]
        body = markup.table(names, cells, styles) if shown else ""
        return f"<p>{markup.cell(self.summary)}</p>{body}{more}"

    def _changed_rows(self, names: Sequence[str]) -> Iterator[tuple[list[str], str]]:
        found = self.compared
        i, j = found.changed
        pairs = zip(_rows(found.before, i), _rows(found.after, j), strict=True)
        for n, (before, after) in enumerate(pairs):
            yield [self._cell(name, n, before, after) for name in names], ""

    def _cell(self, name: str, n: int, before: dict[str, Any], after: dict[str, Any]) -> str:
        differs = self.compared.cells.get(name)
        if differs is None or not differs[n]:
            return markup.cell(after.get(name, before.get(name)))
        old, new = markup.cell(before[name]), markup.cell(after[name])
        return (
            f'<del style="{markup.REMOVED}">{old}</del> '
            f'<ins style="{markup.ADDED};text-decoration:none">{new}</ins>'
        )


class Diff:
    """What differs between two previews; made by `Preview.diff`.

    Attributes
    ----------
    stages
        Per stage that both have, in the order of the second, what differs.
    only
        Stages that one of them lacks: name to ``removed`` or ``added``.
    output
        The stage that makes the output of the second.
    same_sample
        Whether both ran on the same rows.
    """

    def __init__(
        self,
        stages: Mapping[str, StageDiff],
        *,
        only: Mapping[str, str],
        output: str,
        same_sample: bool,
    ) -> None:
        self.stages = dict(stages)
        self.only = dict(only)
        self.output = output
        self.same_sample = same_sample

    def __getitem__(self, name: str) -> StageDiff:
        if name not in self.stages:
            raise Refused(f"there is no stage `{name}` - {did_you_mean(name, self.stages)}")
        return self.stages[name]

    def __bool__(self) -> bool:
        return bool(self.only) or any(self.stages.values())

    @property
    def summary(self) -> str:
        """One line: the output first, then the other stages that differ."""
        order = sorted(self.stages, key=lambda name: name != self.output)
        parts = [self.stages[name].summary for name in order if self.stages[name]]
        parts += [f"stage {name} {how}" for name, how in self.only.items()]
        other = "" if self.same_sample else " (on different samples)"
        return ("; ".join(parts) or "no difference") + other

    @property
    def df(self) -> pd.DataFrame:
        """One row per stage, with the numbers of rows and cells."""
        import pandas as pd

        rows = [
            {
                "stage": name,
                "before": found.before.num_rows,
                "after": found.after.num_rows,
                "added": len(found.added),
                "removed": len(found.removed),
                "changed": len(found.changed[0]),
                "cells": found.n_cells,
                "unchanged": found.unchanged,
                "key": ", ".join(found.key),
                "columns": ", ".join(_schema(c, *kinds) for c, kinds in found.columns.items()),
            }
            for name, found in ((n, diff.compared) for n, diff in self.stages.items())
        ]
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        lines = [self.summary]
        lines += [f"  {stage.summary}" for stage in self.stages.values()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        order = sorted(self.stages, key=lambda name: name != self.output)
        parts = "".join(self.stages[name]._repr_html_() for name in order if self.stages[name])
        return f"<p><b>{markup.cell(self.summary)}</b></p>{parts}"


def _schema(name: str, before: str, after: str) -> str:
    if not before:
        return f"column {name} added ({after})"
    return f"column {name} removed" if not after else f"column {name} is {after}, was {before}"


def _marked(change: str, table: pa.Table, places: np.ndarray, pairs: Any) -> pd.DataFrame:
    rows = frame(table.take(pa.array(places)))
    rows.insert(0, "_change", change)
    rows["_pair"] = pairs if pairs is not None else -1
    return rows


def _rows(table: pa.Table, places: np.ndarray) -> list[dict[str, Any]]:
    shown = table.take(pa.array(places[:_SHOWN]))
    columns = head(shown, shown.num_rows, shown.num_columns)
    return [dict(zip(table.column_names, row, strict=True)) for row in zip(*columns, strict=True)]


def _styled(
    table: pa.Table, places: np.ndarray, names: Sequence[str], style: str
) -> Iterator[tuple[list[str], str]]:
    for row in _rows(table, places):
        yield [markup.cell(row[name]) if name in row else "" for name in names], style
