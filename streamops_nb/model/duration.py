"""Lengths of time as people write them: ``500ms``, ``5s``, ``1h 30m``, ``PT1H30M``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from streamops_nb.model.wording import cut, wrong

__all__ = ["Duration", "duration_text", "parse_duration"]

_MICROSECONDS = {
    "d": 86_400_000_000,
    "h": 3_600_000_000,
    "m": 60_000_000,
    "s": 1_000_000,
    "ms": 1_000,
    "us": 1,
}
_WORDS = {
    "day": "d", "days": "d",
    "hour": "h", "hours": "h",
    "min": "m", "mins": "m", "minute": "m", "minutes": "m",
    "sec": "s", "secs": "s", "second": "s", "seconds": "s",
    "millisecond": "ms", "milliseconds": "ms",
    "microsecond": "us", "microseconds": "us",
}  # fmt: skip
_PART = re.compile(r"\s*(\d{1,12})(?:\.(\d{1,9}))?\s*([A-Za-z]+)")
_N = r"(\d{1,12})"
_ISO = re.compile(rf"P(?:{_N}W)?(?:{_N}D)?(?:T(?:{_N}H)?(?:{_N}M)?(?:{_N}(?:\.(\d{{1,6}}))?S)?)?")
# A century: far above any sensible window, far below the limits of timedelta and of DuckDB.
_LONGEST = timedelta(days=36_525)
_EXAMPLES = 'write for example "500ms", "5s", "2m", "1h 30m", "7d" or "PT5S"'


def parse_duration(value: Any) -> timedelta:
    """Read a length of time.

    Parameters
    ----------
    value
        Text (``"1h 30m"``, ``"2.5s"``, ISO 8601 ``"PT1H30M"``) or a `datetime.timedelta`.

    Raises
    ------
    pydantic_core.PydanticCustomError
        If it is neither, is negative, has no unit or is longer than a century.
    """
    if isinstance(value, timedelta):
        found = value
    elif isinstance(value, str):
        # the minimum keeps absurd numbers inside timedelta until they are refused below
        found = timedelta(microseconds=min(_read(value), 10**17))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        raise wrong(
            f"the number {value} has no unit of time",
            f'write "{value}s" for seconds or "{value}ms" for milliseconds',
        )
    else:
        raise wrong("this is not a length of time", _EXAMPLES)
    if not timedelta(0) <= found <= _LONGEST:
        raise wrong("a length of time is between 0s and 36525d", _EXAMPLES)
    return found


def _read(text: str) -> int:
    """Give the microseconds that a text stands for."""
    stripped = text.strip()
    if stripped[:1] == "P":
        return _read_iso(stripped)
    total, at = 0, 0
    while at < len(stripped):
        part = _PART.match(stripped, at)
        unit = _unit(part[3]) if part else None
        if part is None or unit is None:
            raise wrong(f'"{cut(text)}" is not a length of time', _remedy(stripped))
        total += _scaled(part[1], part[2] or "", _MICROSECONDS[unit])
        at = part.end()
    if not stripped:
        raise wrong("a length of time is missing", _EXAMPLES)
    return total


def _read_iso(text: str) -> int:
    found = _ISO.fullmatch(text)
    if found is None or not any(found.groups()) or text.endswith("T"):
        raise wrong(
            f'"{cut(text)}" is not an ISO 8601 duration of fixed length',
            'weeks, days, hours, minutes and seconds are accepted: "P7D", "PT1H30M", "PT0.5S"',
        )
    weeks, days, hours, minutes, seconds, fraction = (group or "" for group in found.groups())
    total = (int(weeks or 0) * 7 + int(days or 0)) * _MICROSECONDS["d"]
    total += int(hours or 0) * _MICROSECONDS["h"] + int(minutes or 0) * _MICROSECONDS["m"]
    return total + _scaled(seconds or "0", fraction, _MICROSECONDS["s"])


def _unit(word: str) -> str | None:
    """Find a unit: ``m`` is minutes, and capitals are accepted where they mean one thing only."""
    lowered = word if word in _MICROSECONDS else word.lower()
    lowered = _WORDS.get(lowered, lowered)
    return lowered if lowered in _MICROSECONDS and word != "M" else None


def _scaled(whole: str, fraction: str, unit: int) -> int:
    scale: int = 10 ** len(fraction)
    part, rest = divmod(int(fraction or 0) * unit, scale)
    if rest:
        raise wrong("nothing shorter than a microsecond can be told", _EXAMPLES)
    return int(whole) * unit + part


def _remedy(text: str) -> str:
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return f'a unit is missing: write "{text}s" for seconds or "{text}ms" for milliseconds'
    return f"the units are d, h, m, s, ms, us; {_EXAMPLES}"


def duration_text(value: timedelta) -> str:
    """Write a length of time so that `parse_duration` reads it back: ``1h 30m``."""
    rest = value // timedelta(microseconds=1)
    parts = []
    for unit, size in _MICROSECONDS.items():
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts) or "0s"


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(duration_text, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "description": 'A length of time: "500ms", "5s", "2m", "1h 30m", "7d" or ISO 8601.',
            "pattern": r"^\s*(P[0-9TWDHMS.]+|([0-9]+(\.[0-9]+)?\s*[A-Za-z]+\s*)+)$",
        }
    ),
]
"""A field type for lengths of time, for specs and for plug-ins' settings."""
