"""The words of refusals: how a path, a value and a suggestion are written."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import PydanticCustomError

__all__ = ["choice_of", "cut", "did_you_mean", "dotted", "number_of", "shown", "wrong"]

_MOST_WORDS = 20
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def wrong(what: str, remedy: str = "") -> PydanticCustomError:
    """Make the error that a field's validator raises.

    Parameters
    ----------
    what
        What is wrong, in one sentence that names neither the field nor pydantic.
    remedy
        What would be accepted.
    """
    return PydanticCustomError("refused", "{what}", {"what": what, "remedy": remedy})


def dotted(path: Iterable[str | int]) -> str:
    """Write a path: ``streams.readings.source.options["sasl.password"]``, ``tags[0]``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f'["{cut(step)}"]'
    return text


def cut(text: str, length: int = 60) -> str:
    """Shorten a text for a message and show what is not printable as an escape."""
    short = text if len(text) <= length else f"{text[: length - 3]}..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in short)


def number_of(number: int, word: str = "row") -> str:
    """Write a number of things: ``1 row``, ``1,000 rows``, ``2 entries``."""
    if number == 1:
        return f"1 {word}"
    many = re.sub(r"(?<=[^aeiou])y$|(?<=ch)$", lambda end: "ie" if end[0] else "e", word) + "s"
    return f"{number:,} {many}"


def shown(value: Any) -> str:
    """Describe a value in a message: short ones literally, large ones by kind."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'the text "{cut(value)}"' if value else "an empty text"
    if isinstance(value, (int, float)):
        return f"the number {_number(value)}"
    if isinstance(value, Mapping):
        return "a group of settings"
    if isinstance(value, (list, tuple, set, frozenset)):
        return "a list"
    return f"a {type(value).__name__}"


def _number(value: float) -> str:
    # Python refuses to write integers of more than 4,300 digits
    if isinstance(value, int) and value.bit_length() > 128:
        return f"of {value.bit_length()} bits"
    return str(value)


def did_you_mean(given: str, accepted: Iterable[str]) -> str:
    """Suggest the nearest accepted word, else name them all."""
    words = sorted(accepted)
    lowered = {word.lower(): word for word in reversed(words)}
    near = difflib.get_close_matches(given.lower()[:100], lowered, n=1, cutoff=0.6)
    if near:
        return f"did you mean `{lowered[near[0]]}`?"
    return choice_of(words)


def choice_of(words: Iterable[str]) -> str:
    """Name what is accepted, as far as it fits into a sentence."""
    quoted = [f"`{cut(word)}`" for word in words]
    if not quoted:
        return "nothing is accepted here"
    if len(quoted) > _MOST_WORDS:
        return f"accepted: {', '.join(quoted[:_MOST_WORDS])} and {len(quoted) - _MOST_WORDS} more"
    *rest, last = quoted
    return f"accepted: {', '.join(rest)} or {last}" if rest else f"accepted: {last}"
