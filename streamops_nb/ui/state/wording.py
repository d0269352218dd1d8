"""Numbers, times and values as screens write them: short, and the same everywhere."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from streamops_nb.model.wording import cut

__all__ = ["DASH", "ago", "bytes_text", "clock_time", "count", "lasting", "rate", "value_text"]

DASH = "–"
"""Nothing is known, or nothing applies."""

_LONG = 100 * 86_400
_STEPS = ((86_400, "d"), (3_600, "h"), (60, "m"))
_SCALES = ((1e9, "G"), (1e6, "M"), (1e4, "k"))


def count(number: float | None) -> str:
    """Write a count: ``812``, ``9 812``, ``48.2 k``, ``1.25 M``; nothing known is a dash."""
    if number is None or not math.isfinite(number):
        return DASH
    for scale, unit in _SCALES:
        if abs(number) >= scale:
            return f"{number / (1e3 if unit == 'k' else scale):.3g} {unit}"
    return f"{number:,.0f}".replace(",", "\u202f")


def rate(rows: float | None) -> str:
    """Write something per second; small rates keep a decimal."""
    if rows is not None and 0 < rows < 10:
        return f"{rows:.1f}"
    return count(rows)


def lasting(seconds: float | None) -> str:
    """Write a length of time by its two largest units: ``3 h 12 m``; a long one in days."""
    if seconds is None:
        return DASH
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds >= 10 or seconds == 0 else f"{seconds:.2g} s"
    if seconds >= _LONG:
        return f"{seconds // 86_400:.0f} d"
    rest, parts = int(seconds), []
    for size, unit in _STEPS:
        if rest >= size:
            parts.append(f"{rest // size} {unit}")
            rest %= size
    if len(parts) < 2 and rest:
        parts.append(f"{rest} s")
    return " ".join(parts[:2])


def ago(seconds: float | None) -> str:
    """Write how far a time lies behind: ``−6 s``; ahead of now is with a plus."""
    if seconds is None:
        return DASH
    if abs(seconds) < 1:
        return "now"
    return f"{'−' if seconds > 0 else '+'}{lasting(round(abs(seconds)))}"


def clock_time(at: float | None, *, day: bool = True) -> str:
    """Write a moment in UTC."""
    if at is None:
        return DASH
    form = "%Y-%m-%d %H:%M:%S" if day else "%H:%M:%S"
    try:
        return datetime.fromtimestamp(at, UTC).strftime(form)
    except (OverflowError, ValueError, OSError):
        return DASH


def bytes_text(size: float | None) -> str:
    """Write a number of bytes: ``12 kB``, ``1.5 MB``."""
    if size is None:
        return DASH
    for scale, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= scale:
            return f"{size / scale:.3g} {unit}"
    return f"{size:.0f} B"


def _time_text(value: datetime) -> str:
    """Write a time; in UTC without its zone, and no more digits than it has."""
    text = value.isoformat(sep=" ").removesuffix("+00:00")
    return text.removesuffix("000") if value.microsecond else text


def value_text(value: Any, length: int = 200) -> str:
    """Write a value of a row on one line, cut to a length; what cannot be seen is escaped."""
    if value is None or value != value:  # NaN and NaT do not equal themselves
        return "null" if value is None else str(value)
    if isinstance(value, datetime):
        return _time_text(value)
    if isinstance(value, bytes):
        return cut(value.decode(errors="backslashreplace"), length)
    if isinstance(value, float):
        return f"{value:.9g}"
    return cut(str(value), length)
