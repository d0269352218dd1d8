"""Why a row is there: what it was made of, stage by stage, down to the records of the streams."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from streamops_nb.engine.preview.trace import Trace
from streamops_nb.model.wording import number_of
from streamops_nb.ops.preview import markup
from streamops_nb.ops.preview.rows import frame, records_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Why"]

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
        self._own = np.array([number])
        found = trace.back({stage: self._own})
        del found[stage]
        self.numbers: dict[str, np.ndarray] = _in_order(found, trace)
        looked = [stage, *(name for name in self.numbers if name in trace.steps)]
        self.unknown = tuple(name for name in looked if trace.steps[name].made is None)

    @cached_property
    def inputs(self) -> dict[str, pd.DataFrame]:
        """Per stage and stream below, the rows; of streams with ``_partition`` and ``_offset``."""
        return {name: records_of(self._trace, name, n) for name, n in self.numbers.items()}

    @cached_property
    def _fellows(self) -> dict[str, np.ndarray]:
        """Per stage, the places of other rows that its window functions looked at."""
        found = {}
        for name, numbers in {self.stage: self._own, **self.numbers}.items():
            step = self._trace.steps.get(name)
            fellows = None if step is None else step.fellows(step.places(numbers))
            if fellows is not None and len(fellows):
                found[name] = fellows
        return found

    @cached_property
    def compared(self) -> dict[str, pd.DataFrame]:
        """Per stage with window functions, the other rows these looked at; ``_kept``: came out."""
        found = {}
        for name, places in self._fellows.items():
            step = self._trace.steps[name]
            found[name] = frame(step.rows.take(pa.array(places)))
            found[name]["_kept"] = step.kept[places]
        return found

    @cached_property
    def df(self) -> pd.DataFrame:
        """The records of the streams: ``stream``, ``_partition``, ``_offset`` and their fields."""
        return _records(self._trace, self.numbers)

    @cached_property
    def compared_df(self) -> pd.DataFrame:
        """The records of the rows that it was compared with, as `df`."""
        below: dict[str, np.ndarray] = {}
        for name, places in self._fellows.items():
            for relation, numbers in self._trace.steps[name].origins(places).items():
                below[relation] = np.union1d(below.get(relation, numbers), numbers)
        return _records(self._trace, self._trace.back(below))

    @property
    def short(self) -> str:
        """What it was made of, on one line."""
        return "; ".join(map(self._line, self.numbers)) or "no row"

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
        numbers = self.numbers[name]
        if name not in self._trace.flows:
            return f"{name}: {number_of(len(numbers))}"
        offsets: dict[str, list[int]] = {}
        for partition, offset in self._trace.records(name, numbers):
            offsets.setdefault(partition, []).append(offset)
        places = [f"partition {p}: offsets {_ranges(offsets[p])}" for p in sorted(offsets)]
        return f"{name}: {number_of(len(numbers), 'record')} ({'; '.join(places)})"

    def _repr_html_(self) -> str:
        head, *_ = repr(self).split("\n")
        parts = [f"<p><b>{markup.cell(head)}</b></p>"]
        for name, rows in self.inputs.items():
            parts.append(f"<p>{markup.cell(self._line(name))}</p>{_html(rows)}")
        for name, rows in self.compared.items():
            parts.append(f"<p>compared with, in {markup.cell(name)}</p>{_html(rows)}")
        parts += [f"<p>the rows of {markup.cell(n)} cannot be followed</p>" for n in self.unknown]
        return "".join(parts)


def _records(trace: Trace, numbers: Mapping[str, np.ndarray]) -> pd.DataFrame:
    import pandas as pd

    pieces = []
    for name in trace.flows:
        if name in numbers:
            rows = records_of(trace, name, numbers[name])
            rows.insert(0, "stream", name)
            pieces.append(rows)
    if not pieces:
        return pd.DataFrame(columns=["stream", "_partition", "_offset"])
    return pd.concat(pieces, ignore_index=True)


def _in_order(found: Mapping[str, np.ndarray], trace: Trace) -> dict[str, np.ndarray]:
    order = [*reversed([*trace.steps]), *trace.flows, *trace.references]
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
