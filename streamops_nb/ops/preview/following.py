"""What is told of a stage's rows without being asked: which were dropped and why, what made them.

It is written into the page of a preview, so that it can be read without a kernel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from streamops_nb.engine.preview.losses import Followed
from streamops_nb.model.errors import StreamopsError
from streamops_nb.model.wording import number_of
from streamops_nb.ops.preview.why import Why

if TYPE_CHECKING:
    from streamops_nb.ops.preview.preview import Preview

__all__ = ["Following", "Lost", "following"]

_LARGEST = 20_000
"""Records of a preview that is followed unasked: it takes 60 ms."""
_PATIENCE = 2.0
_WHY = 5
"""So many rows of a stage are told what they were made of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lost:
    """Rows of one relation that a stage dropped.

    Parameters
    ----------
    told
        In words: how many of how many, and why.
    rows
        The first of them: what dropped each, where it lies, its values.
    total
        How many there are.
    """

    told: str
    rows: pa.Table
    total: int


class Following:
    """What is told of the stages of a preview that was followed."""

    def __init__(self, preview: Preview, followed: Followed) -> None:
        self._preview = preview
        self._trace = followed.trace
        self._losses = followed.losses

    def dropped(self, stage: str) -> int | None:
        """How many rows a stage dropped; None if they cannot be followed."""
        found = self._losses.get(stage)
        return None if found is None else sum(len(loss.numbers) for loss in found)

    def lost(self, stage: str, most: int) -> Iterator[Lost]:
        """Per relation, the rows that a stage dropped, the first `most` of them with values."""
        losses = self._losses.get(stage, ())
        for relation in dict.fromkeys(loss.relation for loss in losses):
            mine = [loss for loss in losses if loss.relation == relation]
            numbers = np.concatenate([loss.numbers for loss in mine])
            reasons = np.concatenate([[loss.reason] * len(loss.numbers) for loss in mine])
            first = np.argsort(numbers, kind="stable")[:most]
            every = self._trace.table(relation).num_rows
            counts = "; ".join(f"{each.reason}: {len(each.numbers):,}" for each in mine)
            yield Lost(
                told=f"{len(numbers):,} of {number_of(every)} of {relation} dropped - {counts}",
                rows=self._shown(relation, numbers[first], reasons[first].tolist()),
                total=len(numbers),
            )

    def _shown(self, relation: str, numbers: np.ndarray, reasons: list[str]) -> pa.Table:
        rows = self._trace.table(relation).take(pa.array(numbers, pa.int64()))
        columns, names = [pa.array(reasons, pa.string())], ["dropped by"]
        if relation in self._trace.flows:
            spots = self._trace.records(relation, numbers)
            columns += [pa.array([partition for partition, _ in spots], pa.string())]
            columns += [pa.array([offset for _, offset in spots], pa.int64())]
            names += ["_partition", "_offset"]
        return pa.table([*columns, *rows.columns], [*names, *rows.column_names])

    def made_of(self, stage: str) -> Iterator[str]:
        """What each of the first rows of a stage was made of."""
        table = self._preview.result.stages[stage].table
        for place in range(min(_WHY, table.num_rows)):
            number = self._preview.number(stage, table, place)
            yield Why(self._trace, stage, number, {}).short


def following(preview: Preview) -> Following | str:
    """Follow a preview's rows if that is quick; else say why it was not done."""
    rows = sum(flow.inflow.table.num_rows for flow in preview.result.flows.values())
    if rows > _LARGEST:
        return f"not looked at, of more than {_LARGEST:,} records"
    try:
        return Following(preview, preview.follow(_PATIENCE))
    except StreamopsError as error:
        return f"not known: {error}"
