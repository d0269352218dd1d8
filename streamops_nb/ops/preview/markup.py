"""Small tables and charts as HTML, for what previews tell; every text is escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Any

from streamops_nb.ops.preview.cells import cell_text

__all__ = ["ADDED", "CELL", "REMOVED", "bars", "cell", "table", "text"]

CELL = 200
"""So many characters of a value are shown."""
REMOVED = "background:rgba(218,54,51,.18);text-decoration:line-through"
ADDED = "background:rgba(46,160,67,.18)"
_TABLE = "border-collapse:collapse;font-size:90%"
_CELL = "padding:2px 8px;text-align:left;border-bottom:1px solid rgba(128,128,128,.3)"


def text(value: Any) -> str:
    """Write a value for people, on one line, cut where it is long; not escaped."""
    return cell_text(value, CELL)


def cell(value: Any, style: str = "") -> str:
    """Write a value as HTML."""
    escaped = html.escape(text(value))
    return f'<span style="{style}">{escaped}</span>' if style else escaped


def table(
    header: Sequence[str], rows: Iterable[Sequence[str]], styles: Iterable[str] | None = None
) -> str:
    """Make a table.

    Parameters
    ----------
    header
        Names of columns, not escaped yet.
    rows
        HTML of the cells.
    styles
        The style of each row.
    """
    head = "".join(f'<th style="{_CELL}">{cell(name)}</th>' for name in header)
    lines = [[f'<td style="{_CELL}">{inner}</td>' for inner in row] for row in rows]
    looks = list(styles) if styles is not None else [""] * len(lines)
    body = "".join(
        f'<tr style="{look}">{"".join(line)}</tr>' for look, line in zip(looks, lines, strict=True)
    )
    return f'<table style="{_TABLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def bars(values: Sequence[float], labels: Sequence[str], title: str) -> str:
    """Draw a small bar chart; each bar says its label and value when pointed at."""
    width, height, top = 14, 60, max([*values, 0]) or 1
    shapes = "".join(
        f'<rect x="{n * (width + 4)}" y="{height - height * value / top:.1f}" width="{width}" '
        f'height="{max(1.0, height * value / top):.1f}" fill="currentColor" opacity="0.6">'
        f"<title>{html.escape(text(label))}: {value:g}</title></rect>"
        for n, (value, label) in enumerate(zip(values, labels, strict=True))
    )
    wide = max(1, len(values) * (width + 4))
    return (
        '<figure style="display:inline-block;margin:4px 16px 4px 0">'
        f'<svg width="{wide}" height="{height}" viewBox="0 0 {wide} {height}" role="img" '
        f'aria-label="{html.escape(title)}">{shapes}</svg>'
        f'<figcaption style="font-size:85%">{html.escape(title)}</figcaption></figure>'
    )
