"""A job's query over one sample with many values of its parameters: a row per combination."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from streamops_nb.engine.preview.trace import Trace
from streamops_nb.engine.preview.work import Work
from streamops_nb.model.errors import Fault, Interrupted, Refused, SpecRefused, StreamopsError
from streamops_nb.model.spec import JobSpec
from streamops_nb.ops.preview import markup

if TYPE_CHECKING:
    import pandas as pd

    from streamops_nb.ops.preview.preview import Preview

__all__ = ["MOST", "Sweep", "combinations", "sweep"]

MOST = 200
"""So many combinations are run at most."""

Progress = Callable[[int, int], None]
_MEASURES = {
    "rows_out": "rows out",
    "share_dropped": "share of records dropped",
    "late": "late",
    "rejects": "rejects",
    "distinct_keys": "distinct keys",
    "seconds": "seconds",
}


class Sweep:
    """What came out for each combination of parameters; made by `Preview.sweep`, `Job.sweep`.

    Attributes
    ----------
    names
        The parameters that were varied.
    rows
        Per combination, what `df` has.
    planned
        How many combinations there are; fewer rows mean that it was cancelled.
    """

    def __init__(
        self, names: Sequence[str], rows: Sequence[Mapping[str, Any]], planned: int
    ) -> None:
        self.names = tuple(names)
        self.rows = tuple(rows)
        self.planned = planned

    @property
    def df(self) -> pd.DataFrame:
        """One row per combination.

        The parameters; ``rows_out``; ``share_dropped``: of the records that decoded, those of
        which nothing came out; ``late``; ``rejects``; ``distinct_keys`` of the output, windows
        apart; ``seconds``, and ``seconds_<stage>`` for each stage; ``error`` if it failed.
        """
        import pandas as pd

        return pd.DataFrame(list(self.rows))

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        columns = [*self.names, *_MEASURES]
        columns += [n for n in ("error",) if any(row[n] for row in self.rows)]
        body = self.df[columns].to_string(index=False) if self.rows else "nothing was run"
        return f"{body}{self._cancelled()}"

    def _cancelled(self) -> str:
        if len(self.rows) == self.planned:
            return ""
        return f"\ncancelled after {len(self.rows):,} of {self.planned:,} combinations"

    def _repr_html_(self) -> str:
        names = [*self.names, *_MEASURES, "error"]
        cells = [[markup.cell(_short(row[name])) for name in names] for row in self.rows]
        labels = [", ".join(f"{n} = {row[n]}" for n in self.names) for row in self.rows]
        charts = []
        for name, title in _MEASURES.items():
            values = [_number(row[name]) for row in self.rows]
            if any(values):
                charts.append(markup.bars(values, labels, title))
        note = f"<p>{self._cancelled().strip()}</p>" if self._cancelled() else ""
        return f"{''.join(charts)}{markup.table(names, cells)}{note}"


def combinations(spec: JobSpec, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give every combination, all of them checked.

    Raises
    ------
    Refused
        If a parameter is unknown or a value does not fit, if there is nothing to vary, or more
        than `MOST` combinations.
    """
    listed = {name: _listed(given) for name, given in values.items()}
    empty = [name for name, given in listed.items() if not given]
    if not listed or empty:
        name = empty[0] if empty else next(iter(spec.params), "threshold")
        raise Refused(f"no value is given to sweep over - write sweep({name}=[…, …])")
    count = math.prod(map(len, listed.values()))
    if count > MOST:
        sizes = " x ".join(str(len(given)) for given in listed.values())
        total = f"{sizes} = {count:,}" if len(listed) > 1 else f"{count:,}"
        raise Refused(f"{total} combinations are too many - at most {MOST} are run")
    faults: dict[str, Fault] = {}
    for name, given in listed.items():
        for value in given:
            try:
                spec.param_values({name: value})
            except SpecRefused as refused:
                faults |= {str(fault): fault for fault in refused.faults}
    if faults:
        raise SpecRefused(faults.values())
    return [dict(zip(listed, row, strict=True)) for row in itertools.product(*listed.values())]


def sweep(
    base: Preview,
    values: Mapping[str, Any],
    *,
    progress: Progress | bool | None = None,
    work: Work | None = None,
) -> Sweep:
    """Run a preview's query with every combination of values, on its sample.

    Parameters
    ----------
    values
        Per parameter a list of values.
    progress
        Called with the numbers of combinations done and planned; True draws a bar.
    work
        Cancels it: what is done by then is returned.
    """
    combos = combinations(base.spec, values)
    work = work or Work()
    rows: list[dict[str, Any]] = []
    if progress is True:
        steps: Iterable[dict[str, Any]] = _tracked(combos)
    else:
        steps = combos
    for combo in steps:
        try:
            work.check()
            rows.append(_row(base, combo, work))
        except Interrupted:
            if not work.cancelled:
                raise
            break
        if callable(progress):
            progress(len(rows), len(combos))
    return Sweep(list(values), rows, len(combos))


def _row(base: Preview, combo: Mapping[str, Any], work: Work) -> dict[str, Any]:
    row: dict[str, Any] = {**combo, **dict.fromkeys(_MEASURES), "error": ""}
    try:
        run = base.run(params=combo, work=work)
    except Interrupted:
        raise
    except StreamopsError as error:
        return {**row, "error": str(error)}
    result = run.result
    if run.output != base.output:  # this far the query gets with other values
        return {**row, "error": "; ".join(map(str, run.faults))}
    stages = {f"seconds_{name}": stage.seconds for name, stage in result.stages.items()}
    found = {
        "rows_out": result.stages[run.output].rows_out,
        "share_dropped": _share_dropped(run.trace, run.output),
        "late": result.late.num_rows,
        "rejects": result.rejects.num_rows,
        "distinct_keys": _distinct(result.stages[run.output].table, run.keys),
        "seconds": sum(result.seconds.values()),
    }
    return {**row, **found, **stages}


def _share_dropped(trace: Trace, output: str) -> float | None:
    """The share of the streams' rows of which nothing came out; None if they cannot be followed."""
    step = trace.steps[output]
    if any(s.made is None for s in trace.steps.values() if trace.streams(s.stage.name)):
        return None
    found = trace.back({output: np.arange(int(step.kept.sum()))})
    rows = sum(flow.inflow.table.num_rows for flow in trace.flows.values())
    used = sum(len(found.get(name, ())) for name in trace.flows)
    return 1 - used / rows if rows else 0.0


def _distinct(table: pa.Table, keys: Sequence[str]) -> int | None:
    if not keys:
        return None
    return int(table.select(list(keys)).group_by(list(keys)).aggregate([]).num_rows)


def _listed(given: Any) -> list[Any]:
    if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Iterable):
        return [given]
    return [value.item() if isinstance(value, np.generic) else value for value in given]


def _tracked(combos: Sequence[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    from rich.progress import track

    return track(combos, "sweep", transient=True)


def _short(value: Any) -> Any:
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else value


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
