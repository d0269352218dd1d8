"""Small pieces of static HTML: tables and lines, without a script, a style sheet or a library.

Everything that comes from outside is escaped; colours are those of the page around.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from streamops_nb.model.wording import cut

__all__ = ["line_chart", "table", "text"]

_CELL = "padding:2px 10px 2px 0;text-align:left;vertical-align:top"
_MOST = 300
_SHORT = 24
"""Values of so many characters are not broken into lines: a time, say."""


def text(value: Any) -> str:
    """Write a value as HTML: escaped, on one line, not too long."""
    return "" if value is None else escape(cut(" ".join(str(value).split()), _MOST))


def table(rows: Sequence[Mapping[str, Any]], *, empty: str = "Nothing yet.") -> str:
    """Write rows as a table; all have the columns of the first."""
    if not rows:
        return f"<p>{escape(empty)}</p>"
    head = "".join(f'<th style="{_CELL}">{text(name)}</th>' for name in rows[0])
    body = "".join(f"<tr>{''.join(map(_cell, row.values()))}</tr>" for row in rows)
    return f'<table style="border-collapse:collapse"><tr>{head}</tr>{body}</table>'


def _cell(value: Any) -> str:
    written = text(value)
    style = f"{_CELL};white-space:nowrap" if len(written) <= _SHORT else _CELL
    return f'<td style="{style}">{written}</td>'


def line_chart(
    points: Sequence[tuple[float, float]], *, title: str, width: int = 260, height: int = 60
) -> str:
    """Draw numbers over time as an SVG that needs nothing else.

    Parameters
    ----------
    points
        Time and number, in order of time.
    """
    if len(points) < 2:
        return ""
    first, last = points[0][0], points[-1][0]
    top = max(*(y for _, y in points), 1e-9)
    scaled = " ".join(
        f"{(x - first) / max(last - first, 1e-9) * width:.1f},{height - y / top * height:.1f}"
        for x, y in points
    )
    label = f"{text(title)}, at most {top:,.4g}"
    return (
        f'<figure style="display:inline-block;margin:4px 16px 4px 0">'
        f'<svg viewBox="0 -2 {width} {height + 4}" width="{width}" height="{height}" role="img" '
        f'aria-label="{label}"><polyline points="{scaled}" fill="none" stroke="currentColor" '
        f'stroke-width="1.5"/></svg><figcaption style="font-size:85%">{label}</figcaption></figure>'
    )
