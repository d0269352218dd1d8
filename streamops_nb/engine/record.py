"""What a batch depends on, and what it leaves behind; both are kept in the job's file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from streamops_nb.model.batch import Span, advance
from streamops_nb.model.events import NEVER
from streamops_nb.plan.operator import Operator

__all__ = ["Checkpoint", "Frontier", "Record"]

Frontier = tuple[int, int]
"""A stage's frontier before and after a batch, microseconds since the epoch."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """Everything that batch `n` depends on, written down before anything of it leaves.

    Parameters
    ----------
    n
        The batch's number.
    spans
        Per stream, what is read.
    watermarks
        Per stream, its watermark when the batch begins, microseconds.
    frontiers
        Per operator, what has closed before the batch and what will have closed after it.
    now
        The batch's time, microseconds since the epoch; also what ``now()`` gives.
    cut
        Windows that begin earlier were cut off by the start point.
    since
        Windows that end up to here are not emitted: rows before a start point were read back only
        to make later windows whole.
    version
        The specification's version.
    references
        Per reference, which version of its data was read.
    cuts
        See `Checkpoint`.
    """

    n: int
    spans: Mapping[str, Span]
    watermarks: Mapping[str, int]
    frontiers: Mapping[str, Frontier]
    now: int
    cut: int
    since: int = -(2**62)
    version: int = 0
    references: Mapping[str, str] = field(default_factory=dict)
    cuts: Mapping[str, int] = field(default_factory=dict)

    def cut_of(self, operator: Operator) -> int:
        """Before which of its windows an operator's were cut off; `NEVER` if none was."""
        return _cut_of(self, operator)

    def to_json(self) -> str:
        """Write the record."""
        return json.dumps(
            {
                "n": self.n,
                "spans": {name: span.to_json() for name, span in self.spans.items()},
                "watermarks": dict(self.watermarks),
                "frontiers": {name: list(pair) for name, pair in self.frontiers.items()},
                "now": self.now,
                "cut": self.cut,
                "since": self.since,
                "version": self.version,
                "references": dict(self.references),
                "cuts": dict(self.cuts),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Record:
        """Read a record."""
        value: dict[str, Any] = json.loads(text)
        value["spans"] = {name: Span.from_json(span) for name, span in value["spans"].items()}
        value["frontiers"] = {name: (a, b) for name, (a, b) in value["frontiers"].items()}
        return cls(**value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """Where a job stands after a batch: committed with its output and state.

    Parameters
    ----------
    n
        The last committed batch; 0 before the first.
    positions
        Per stream, the next offset of each partition.
    clocks
        Per stream, its event-time clock as `StreamClock.to_json` gives it.
    frontiers
        Per operator, up to where windows have been emitted, microseconds.
    state_rows
        Per state table, how many rows it holds.
    merged_rows
        Per state table, how many it held after partial states were last merged.
    cut, since
        See `Record`.
    cuts
        Per operator whose windows are cut off later than `cut` tells - it began anew while others
        went on - before which of them, microseconds.
    emits_cut_off
        Whether windows that begin before `cut` are emitted, with a mark, and not left out.
    seq
        Number of the last fact.
    ended
        Whether all streams have ended and everything has been emitted.
    stopped
        Whether the job was stopped here: the positions are the stop point, no state is kept.
    """

    n: int = 0
    positions: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    clocks: Mapping[str, Any] = field(default_factory=dict)
    frontiers: Mapping[str, int] = field(default_factory=dict)
    state_rows: Mapping[str, int] = field(default_factory=dict)
    merged_rows: Mapping[str, int] = field(default_factory=dict)
    cut: int = -(2**62)
    since: int = -(2**62)
    cuts: Mapping[str, int] = field(default_factory=dict)
    emits_cut_off: bool = False
    seq: int = 0
    ended: bool = False
    stopped: bool = False

    def cut_of(self, operator: Operator) -> int:
        """Before which of its windows an operator's were cut off; `NEVER` if none was."""
        return _cut_of(self, operator)

    def reach(self, stream: str) -> int:
        """The largest event time seen of a stream; `NEVER` if none was."""
        partitions = self.clocks.get(stream, {}).get("partitions", {})
        return max((largest for largest, _ in partitions.values()), default=NEVER)

    def without_state(self) -> Checkpoint:
        """Give what is left when all window state is dropped: position (the stop point), numbers.

        Windows that had begun before the stop point have lost rows by that: they count as cut off.
        """
        reached = [self.reach(stream) for stream in self.clocks]
        cut = max([self.cut, *(largest + 1 for largest in reached if largest > NEVER)])
        return Checkpoint(n=self.n, seq=self.seq, positions=self.positions, cut=cut, stopped=True)

    def after(self, record: Record, **changes: Any) -> Checkpoint:
        """Give the checkpoint that follows when the batch of `record` has been done."""
        positions = dict(self.positions)
        for name, span in record.spans.items():
            positions[name] = advance(positions.get(name, {}), span)
        frontiers = {**self.frontiers, **{k: pair[1] for k, pair in record.frontiers.items()}}
        return replace(self, n=record.n, positions=positions, frontiers=frontiers, **changes)

    def to_json(self) -> str:
        """Write the checkpoint."""
        names = self.__dataclass_fields__
        return json.dumps({name: getattr(self, name) for name in names}, default=dict)

    @classmethod
    def from_json(cls, text: str) -> Checkpoint:
        """Read a checkpoint."""
        return cls(**json.loads(text))


def _cut_of(where: Record | Checkpoint, operator: Operator) -> int:
    everywhere = where.cut if where.cut <= NEVER else where.cut + operator.cut_trail
    return max(everywhere, where.cuts.get(operator.name, NEVER))
