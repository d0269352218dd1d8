"""Values that people hand to methods: what is of another kind is refused in words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic_core import PydanticCustomError

from streamops_nb.model.duration import parse_duration
from streamops_nb.model.errors import Fault, Refused
from streamops_nb.model.wording import shown

__all__ = ["length_of", "refused", "text_of", "whole_number"]


def refused(where: str, value: Any, what: str, remedy: str) -> Refused:
    """Make the refusal of a value: ``rows: the text "five" is no number of rows - …``."""
    return Refused([Fault(where=where, what=f"{shown(value)} is {what}", remedy=remedy)])


def whole_number(value: Any, where: str, least: int = 0) -> int:
    """Give a whole number back.

    Raises
    ------
    Refused
        If it is none, or less than `least`.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__") or int(value) < least:
        raise refused(where, value, "not what is counted", f"give a whole number from {least} on")
    return int(value)


def length_of(value: Any, where: str) -> float:
    """Give a length of time in seconds, of a number of seconds or a text such as ``"5s"``.

    Raises
    ------
    Refused
        If it is neither.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    try:
        if isinstance(value, str | timedelta):
            return parse_duration(value).total_seconds()
    except PydanticCustomError:
        pass
    raise refused(where, value, "no length of time", 'give seconds, such as 5, or "5s", "2m"')


def text_of(value: Any, where: str, remedy: str) -> str:
    """Give a text back.

    Raises
    ------
    Refused
        If it is none.
    """
    if not isinstance(value, str):
        raise refused(where, value, "no text", remedy)
    return value
