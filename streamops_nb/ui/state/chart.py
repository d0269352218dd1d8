"""A small chart of two results, before and now, as SVG; every text is escaped."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["ROWS", "Chart", "chart_of", "measures", "svg"]

ROWS = "rows"
"""The measure that is there for every result."""

_BINS = 60
_WIDTH, _HEIGHT, _FOOT = 560, 120, 16

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """Two rows of numbers over the same x.

    Parameters
    ----------
    title
        What is shown.
    before, now
        Per bin; NaN where there is nothing.
    ends
        How the left and the right end of x are written.
    """

    title: str
    before: Floats
    now: Floats
    ends: tuple[str, str]


def measures(table: pa.Table) -> list[str]:
    """What of a result can be drawn: the number of rows, and columns of numbers."""
    numbers = [
        field.name
        for field in table.schema
        if pa.types.is_integer(field.type)
        or pa.types.is_floating(field.type)
        or pa.types.is_decimal(field.type)
    ]
    return [ROWS, *numbers]


def chart_of(before: pa.Table, now: pa.Table, measure: str = ROWS) -> Chart:
    """Put two results into the same bins of time, or of the measure if they have no time.

    Parameters
    ----------
    measure
        ``rows`` counts, the name of a column means.
    """
    over = _axis(now) or (measure if measure != ROWS else "")
    counts = measure == ROWS or over == measure
    title = "rows" if counts else f"mean {measure}"
    if not over:
        ends = ("", "")
        sizes = [np.array([float(table.num_rows)]) for table in (before, now)]
        return Chart(title=title, before=sizes[0], now=sizes[1], ends=ends)
    places = [_numbers(table, over) for table in (before, now)]
    known = np.concatenate([place[np.isfinite(place)] for place in places])
    if not known.size:
        nothing = np.zeros(1)
        return Chart(title=f"{title} by {over}", before=nothing, now=nothing, ends=("", ""))
    edges = _edges(known)
    values = [None if counts else _numbers(table, measure) for table in (before, now)]
    drawn = [_binned(x, y, edges) for x, y in zip(places, values, strict=True)]
    ends = (_written(now, over, known.min()), _written(now, over, known.max()))
    return Chart(title=f"{title} by {over}", before=drawn[0], now=drawn[1], ends=ends)


def svg(chart: Chart) -> str:
    """Draw a chart: bars are now, the line is before."""
    known = [v for row in (chart.before, chart.now) for v in row[np.isfinite(row)]]
    top, bottom = max([*known, 0.0]), min([*known, 0.0])
    scale = _HEIGHT / ((top - bottom) or 1.0)
    title = html.escape(chart.title)
    parts = [*_bars(chart.now, top, scale), _line(chart.before, top, scale)]
    left, right = map(html.escape, chart.ends)
    return (
        f'<figure style="margin:4px 0"><figcaption style="font-size:12px">{title} '
        f'<span style="opacity:.7">up to {top:,.6g}; bars: now, line: at the start</span>'
        f'</figcaption><svg viewBox="0 0 {_WIDTH} {_HEIGHT + _FOOT}" width="100%" role="img" '
        f'style="max-width:{_WIDTH}px" aria-label="{title}">{"".join(parts)}'
        f'<g font-size="10" fill="currentColor" opacity=".7"><text y="{_HEIGHT + 12}">{left}</text>'
        f'<text x="{_WIDTH}" y="{_HEIGHT + 12}" text-anchor="end">{right}</text></g></svg></figure>'
    )


def _bars(row: Floats, top: float, scale: float) -> Iterator[str]:
    width = _WIDTH / len(row)
    for place, value in enumerate(row):
        if np.isfinite(value) and value:
            y, height = (top - max(value, 0.0)) * scale, abs(value) * scale
            yield (
                f'<rect x="{place * width + width * 0.1:.1f}" y="{y:.1f}" width="{width * 0.8:.1f}"'
                f' height="{max(height, 1.0):.1f}" fill="#2a7de1" opacity=".65"/>'
            )


def _line(row: Floats, top: float, scale: float) -> str:
    """Steps, broken where there is nothing."""
    width = _WIDTH / len(row)
    path = "".join(
        f"M{place * width:.1f} {(top - value) * scale:.1f}h{width:.1f}"
        for place, value in enumerate(row)
        if np.isfinite(value)
    )
    return f'<path d="{path}" stroke="currentColor" stroke-width="1.5" fill="none"/>'


def _axis(table: pa.Table) -> str:
    """The first column of times; a window's start if there is one."""
    times = [f.name for f in table.schema if pa.types.is_timestamp(f.type)]
    return "window_start" if "window_start" in times else next(iter(times), "")


def _numbers(table: pa.Table, name: str) -> Floats:
    """A column as floating-point numbers; what is not there or NULL is NaN."""
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    column = table[name]
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False).cast(pa.int64())
    elif not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        column = pc.cast(column, pa.float64(), safe=False)
    numbers: Floats = column.to_numpy().astype(np.float64)
    return numbers


def _edges(known: Floats) -> Floats:
    distinct = np.unique(known)
    bins = min(_BINS, len(distinct))
    low, high = float(distinct[0]), float(distinct[-1])
    # half a bin beyond both ends, so that regular windows lie in the middle of bins
    half = (high - low) / max(bins - 1, 1) / 2 or 0.5
    edges: Floats = np.linspace(low - half, high + half, bins + 1)
    return edges


def _binned(x: Floats, y: Floats | None, edges: Floats) -> Floats:
    usable = np.isfinite(x) if y is None else np.isfinite(x) & np.isfinite(y)
    counts = np.histogram(x[usable], edges)[0].astype(np.float64)
    if y is None:
        return counts
    sums = np.histogram(x[usable], edges, weights=y[usable])[0]
    means: Floats = np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)
    return means


def _written(table: pa.Table, name: str, value: float) -> str:
    if pa.types.is_timestamp(table.schema.field(name).type):
        moment = str(np.datetime64(int(value), "us")).replace("T", " ")
        return moment.removesuffix(".000000")
    return f"{value:,.6g}"
