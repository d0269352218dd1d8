"""Looking at a batch more closely than it needs: rows at every stage, what has not closed yet.

That takes queries of its own, so not every batch is looked at: as many as cost a two-hundredth of
the time that batches take.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from streamops_nb.db import Session
from streamops_nb.engine.attempt import Attempt, Batch
from streamops_nb.engine.inflow import Inflow, microseconds
from streamops_nb.model.errors import StreamopsError
from streamops_nb.model.flow import StageRows
from streamops_nb.plan.operator import Operator, Plan

__all__ = ["Look", "Looker"]

_SHARE = 0.005
"""Of the time that batches take, so much may go into looking."""

_FIRST = 10
_FIRST_ROWS = 100_000
"""The first batches of a run, and about so many rows of them, are looked at anyway, so that short
jobs are counted wholly. With 100,000 rows a batch, ten looks were 3 % of a job of 5 million."""

_MOST_PARTITIONS = 64
"""Rows out of order are counted partition by partition: only as long as that is quick."""


@dataclass(kw_only=True)
class Look:
    """What was seen of a batch.

    Parameters
    ----------
    passed
        Rows that passed each stage without windows; empty if the batch was not looked at.
    """

    looked: bool = False
    unordered: int = 0
    passed: dict[str, int] = field(default_factory=dict)
    stages: dict[str, StageRows] = field(default_factory=dict)
    closes: dict[str, int] = field(default_factory=dict)


class Looker:
    """Looks at batches of one run, as often as it may."""

    def __init__(self, plan: Plan, session: Session) -> None:
        self._plan = plan
        self._session = session
        self._looks = 0
        self._rows = 0
        self._spent = 0.0
        self._worked = 0.0

    def worked(self, seconds: float) -> None:
        """Note how long a batch took."""
        self._worked += seconds

    def begin(self, attempt: Attempt, batch: Batch) -> Look:
        """Look at what a batch brings; not inside its transaction, which a failure would end."""
        look = Look()
        short = self._looks < _FIRST and self._rows < _FIRST_ROWS
        if not short and self._spent > _SHARE * self._worked:
            return look
        self._looks += 1
        self._rows += sum(flow.table.num_rows for flow in batch.inflows.values())
        begun = time.perf_counter()
        # a row on which an expression fails: the batch is looked at again without it, or not
        with suppress(StreamopsError):
            for name, count in self._plan.passed.items():
                look.passed[name] = self._session.rows(attempt.fill(count))[0][0]
            look.unordered = sum(
                _unordered(flow, self._plan.event_times[name])
                for name, flow in batch.inflows.items()
                if name in self._plan.event_times
            )
            look.looked = True
        self._spent += time.perf_counter() - begun
        return look

    def end(self, look: Look, attempt: Attempt, batch: Batch, written: int) -> Look:
        """Note what the stages gave, and look at what they keep."""
        rows = {name: flow.table.num_rows for name, flow in batch.inflows.items()}
        rows |= {name: table.num_rows for name, table in attempt.stages.items()}
        if look.looked:
            rows |= look.passed
        self._count(look, rows, written)
        if look.looked:
            begun = time.perf_counter()
            for operator in self._plan.operators:
                closes = self._closes(operator, batch.record.frontiers[operator.name][1])
                if closes is not None:
                    look.closes[operator.name] = closes
            self._spent += time.perf_counter() - begun
        return look

    def _count(self, look: Look, rows: Mapping[str, int], written: int) -> None:
        windowed = {operator.name for operator in self._plan.operators}
        final = self._plan.stages[-1].name
        for stage in self._plan.stages:
            name = stage.name
            if not (name in windowed or name == final or name in look.passed):
                continue
            read = [one for one in stage.reads if one not in self._plan.references]
            # a windowed stage that did not emit gave nothing
            counts = [rows.get(one, 0 if one in windowed else None) for one in read]
            known = [count for count in counts if count is not None]
            counted = len(known) == len(counts)
            gave = written if name == final else rows.get(name, 0)
            look.stages[name] = StageRows(sum(known) if counted else 0, int(counted), gave, 1)

    def _closes(self, operator: Operator, frontier: int) -> int | None:
        """The watermark at which the first window closes that an operator keeps rows of."""
        ends = []
        for table in operator.tables:
            oldest = None if table.oldest is None else self._session.rows(table.oldest.sql)[0][0]
            if oldest is not None:
                waits = table.keeps == "closed rows"
                ends.append(oldest if waits else operator.window.end_after(oldest, frontier))
        return min(ends) + max(operator.frontier.values(), default=0) if ends else None


def _unordered(flow: Inflow, column: str) -> int:
    """Count the rows that came after a later one of their partition."""
    if not flow.table.num_rows:
        return 0
    times = microseconds(flow.table[column]).to_numpy()
    if flow.partition is not None:
        return _descents(times)
    named = flow.raw["_partition"].cast(pa.string()).take(flow.row)
    codes = named.combine_chunks().dictionary_encode()
    if len(codes.dictionary) > _MOST_PARTITIONS:
        return 0
    indices = codes.indices.to_numpy()
    return sum(_descents(times[indices == code]) for code in range(len(codes.dictionary)))


def _descents(times: np.ndarray) -> int:
    return int(np.count_nonzero(times[1:] < np.maximum.accumulate(times)[:-1]))
