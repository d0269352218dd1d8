"""Why a row is there: what it was made of, stage by stage, down to the records of the streams."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from streamops_nb.engine.preview.trace import Trace
from streamops_nb.ops.preview import markup
from streamops_nb.ops.preview.frames import frame

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Why", "records_of"]

_SHOWN = 20
"""So many rows of a relation are shown as HTML."""


class Why:
    """What one row was made of; made by `Preview.why`.

    Attributes
    ----------
    stage, row
        The stage, and the row as values by column.
    numbers
        Per relation below it, nearest first, the places of the rows that it was made of.
    unknown
        Stages whose rows cannot be followed.
    """

    def __init__(self, trace: Trace, stage: str, number: int, row: Mapping[str, Any]) -> None:
        self._trace = trace
        self.stage = stage
        self.row = dict(row)
        found = trace.back(stage, np.array([number]))
        self._own = found.pop(stage)
        self.numbers: dict[str, np.ndarray] = _in_order(found, trace)
        looked = [stage, *(name for name in self.numbers if name in trace.steps)]
        self.unknown = tuple(name for name in looked if trace.steps[name].made is None)

    @cached_property
    def inputs(self) -> dict[str, pd.DataFrame]:
        """Per stage and stream below, the rows; of streams with ``_partition`` and ``_offset``."""
        return {name: records_of(self._trace, name, n) for name, n in self.numbers.items()}

    @cached_property
    def compared(self) -> dict[str, pd.DataFrame]:
        """Per stage with window functions, the other rows these looked at; ``_kept``: came out."""
        found = {}
        for name, numbers in {self.stage: self._own, **self.numbers}.items():
            step = self._trace.steps.get(name)
            fellows = step.fellows(step.places(numbers)) if step is not None else []
            if step is not None and len(fellows):
                rows = frame(step.rows.take(pa.array(fellows)))
                rows["_kept"] = step.kept[fellows]
                found[name] = rows
        return found

    @cached_property
    def df(self) -> pd.DataFrame:
        """The records of the streams: ``stream``, ``_partition``, ``_offset`` and their fields."""
        import pandas as pd

        pieces = []
        for name in self.numbers:
            if name in self._trace.flows:
                rows = self.inputs[name].copy()
                rows.insert(0, "stream", name)
                pieces.append(rows)
        if not pieces:
            return pd.DataFrame(columns=["stream", "_partition", "_offset"])
        return pd.concat(pieces, ignore_index=True)

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={markup.text(value)}" for name, value in self.row.items())
        lines = [f"{self.stage}: {values}"]
        lines += [f"  {self._line(name)}" for name in self.numbers]
        lines += [
            f"  compared with {len(rows):,} other rows of {name}"
            for name, rows in self.compared.items()
        ]
        lines += [f"  the rows of {name} cannot be followed" for name in self.unknown]
        return "\n".join(lines)

    def _line(self, name: str) -> str:
        rows = self.inputs[name]
        if name not in self._trace.flows:
            return f"{name}: {len(rows):,} rows"
        places = [
            f"partition {partition}: offsets {_ranges(offsets.tolist())}"
            for partition, offsets in rows.groupby("_partition", sort=True)["_offset"]
        ]
        return f"{name}: {len(rows):,} records ({'; '.join(places)})"

    def _repr_html_(self) -> str:
        head, *_ = repr(self).split("\n")
        parts = [f"<p><b>{markup.cell(head)}</b></p>"]
        for name, rows in self.inputs.items():
            parts.append(f"<p>{markup.cell(self._line(name))}</p>{_html(rows)}")
        for name, rows in self.compared.items():
            parts.append(f"<p>compared with, in {markup.cell(name)}</p>{_html(rows)}")
        parts += [f"<p>the rows of {markup.cell(n)} cannot be followed</p>" for n in self.unknown]
        return "".join(parts)


def records_of(trace: Trace, name: str, numbers: np.ndarray) -> pd.DataFrame:
    """Give rows of a relation; those of a stream with ``_partition`` and ``_offset`` in front."""
    places = pa.array(numbers, pa.int64())
    rows = frame(trace.table(name).take(places))
    if name in trace.flows:
        inflow = trace.flows[name].inflow
        raw = inflow.raw.take(inflow.row.take(places))
        rows.insert(0, "_partition", raw["_partition"].cast(pa.string()).to_pylist())
        rows.insert(1, "_offset", raw["_offset"].to_pylist())
    return rows


def _in_order(found: Mapping[str, np.ndarray], trace: Trace) -> dict[str, np.ndarray]:
    order = [*reversed(trace.steps), *trace.flows, *trace.references]
    return {name: found[name] for name in order if name in found}


def _ranges(offsets: list[int]) -> str:
    """Write offsets as ranges: ``3-5, 9``."""
    offsets = sorted(offsets)
    ranges: list[list[int]] = []
    for offset in offsets:
        if ranges and offset == ranges[-1][1] + 1:
            ranges[-1][1] = offset
        else:
            ranges.append([offset, offset])
    shown = [f"{a}" if a == b else f"{a}-{b}" for a, b in ranges[:6]]
    return ", ".join(shown) + (" …" if len(ranges) > len(shown) else "")


def _html(rows: pd.DataFrame) -> str:
    shown = rows.head(_SHOWN)
    cells = [[markup.cell(value) for value in row] for row in shown.itertuples(index=False)]
    more = f"<p>{len(rows) - _SHOWN:,} more</p>" if len(rows) > _SHOWN else ""
    return markup.table([str(name) for name in rows.columns], cells) + more
