"""Numbers, times and cells in few characters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from streamops_nb.model.events import FOREVER

__all__ = ["cell", "cells", "count", "moment", "plain", "rate"]


def count(number: int | None) -> str:
    """Write a count with commas; nothing known is a dash."""
    return "-" if number is None else f"{number:,}"


def rate(rows: float) -> str:
    """Write rows per second."""
    return f"{rows:,.0f}" if rows >= 10 or rows == 0 else f"{rows:.1f}"


def moment(watermark: int | None, now: float) -> str:
    """Write a watermark: the time of day if it lies within a day of now, else the minute."""
    if watermark is None:
        return "-"
    if watermark >= FOREVER:
        return "end"
    seconds = watermark / 1e6
    form = "%H:%M:%S" if abs(now - seconds) < 86_400 else "%Y-%m-%d %H:%M"
    return datetime.fromtimestamp(seconds, UTC).strftime(form)


def cell(value: Any, time_form: str = "%Y-%m-%d %H:%M:%S", width: int = 60) -> str:
    """Write a value of a row, on one line and cut to a width.

    Data are data: an escape sequence in a value is shown, not obeyed by the terminal.
    """
    if isinstance(value, datetime):
        text = value.strftime(time_form)
    elif isinstance(value, bytes):
        text = value.decode(errors="replace")
    elif isinstance(value, float):
        text = f"{value:.6g}" if abs(value) < 1e6 else f"{value:.0f}"
    else:
        text = "" if value is None else str(value)
    text = "".join(c if c.isprintable() else _escaped(c) for c in " ".join(text.split()))
    return text if len(text) <= width else text[: width - 1] + "…"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", errors="replace").decode()


def cells(values: Sequence[Any]) -> list[str]:
    """Write the values of a column; times without seconds if none has any."""
    times = [value for value in values if isinstance(value, datetime)]
    whole = all(time.second == time.microsecond == 0 for time in times)
    form = "%Y-%m-%d %H:%M" if whole else "%Y-%m-%d %H:%M:%S"
    return [cell(value, form) for value in values]


def plain(value: Any) -> Any:
    """Give a value as JSON can hold it: bytes as text, times in ISO form, no NaN."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
