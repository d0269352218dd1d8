"""Which type reads times that are not written as their field declares: found from the values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING

import pyarrow as pa

from streamops_nb.db import literal
from streamops_nb.formats.json_faults import formed
from streamops_nb.formats.reasons import begin_of, verdict
from streamops_nb.formats.types import EPOCHS
from streamops_nb.model.time_forms import OTHER_FORMS, column_type, time_form

if TYPE_CHECKING:
    from streamops_nb.db import Session

__all__ = ["TimeGuesses", "guessed"]

_SAMPLE = 50
"""So many values are tried."""
_SEARCHES = 3
"""So many times all forms are tried for the values of one field."""

# where two read the same values the first is suggested
_DATES = (
    "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y-%m-%d", "%Y%m%d", "%d.%m.%y",
    "%d/%m/%y", "%m/%d/%y", "%d %b %Y", "%d-%b-%Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y",
)  # fmt: skip
_CLOCKS = (
    "", " %H:%M:%S", " %H:%M", " %H:%M:%S.%f", " %I:%M:%S %p", " %I:%M %p", "T%H:%M:%S", "%H%M%S",
    " %H:%M:%S %z", ", %H:%M:%S", ", %H:%M",
)  # fmt: skip
_OTHERS = ("%d/%b/%Y:%H:%M:%S %z", "%a, %d %b %Y %H:%M:%S %z", "%a %b %d %H:%M:%S %Y")
_YEARS_1990_TO_2100 = (631_152_000, 4_102_444_800)
_ISO = r"^\d{4}-\d\d?-\d"


def guessed(texts: Sequence[str], kind: str, session: Session) -> tuple[str, int]:
    """Give the type that reads the most of some texts, and how many it reads (0: none does).

    Parameters
    ----------
    texts
        The values; the first of them are tried.
    kind
        What is wanted: ``TIMESTAMPTZ``, ``TIMESTAMP`` or ``DATE``.
    """
    reads = _candidates(kind)
    table = pa.table({"text": pa.array(texts[:_SAMPLE], pa.string())})
    counts = ", ".join(f"count(*) FILTER ({condition})" for condition in reads.values())
    with session.registered(_texts=table):
        [found] = session.rows(f"SELECT {counts} FROM _texts")
    best = max(found)
    return next(name for name, count in zip(reads, found, strict=True) if count == best), best


def _candidates(kind: str) -> dict[str, str]:
    """Give types, and of each the SQL of whether it reads ``text``."""
    first, last = _YEARS_1990_TO_2100
    whole = "regexp_full_match(text, '[0-9]+')"
    reads = {
        kind: f"regexp_matches(text, {literal(_ISO)}) AND TRY_CAST(text AS {kind}) IS NOT NULL"
    }
    if kind == "TIMESTAMPTZ":
        for name, us in EPOCHS.items():
            low, high = first * 1_000_000 // us, last * 1_000_000 // us
            reads[name] = f"{whole} AND TRY_CAST(text AS BIGINT) BETWEEN {low} AND {high}"
    forms = [*map("".join, product(_DATES, _CLOCKS)), *_OTHERS]
    for form in forms:
        declared = f"{kind}({literal(form)})"
        reads[declared] = f"{formed('text', declared)} IS NOT NULL"
    return reads


class TimeGuesses:
    """Adds to reasons of times that could not be read how they could be declared.

    Trying all forms costs 0.1 s, so it is done for few batches of a stream; in later ones only
    what has been found is tried.

    Parameters
    ----------
    schema
        Field name to type, as declared.
    """

    def __init__(self, schema: Mapping[str, str]) -> None:
        self._kinds = {
            name: kind
            for name, kind in schema.items()
            if kind in EPOCHS or column_type(kind).upper().startswith(("TIMESTAMP", "DATE"))
        }
        self._found: dict[str, list[str]] = {name: [] for name in self._kinds}
        self._searches = dict.fromkeys(self._kinds, _SEARCHES)

    def __call__(self, faults: Mapping[int, str], session: Session) -> dict[int, str]:
        """Give the reasons by record number, those of times with what would read them."""
        said = dict(faults)
        for name, kind in self._kinds.items():
            begin, end = begin_of(name), verdict(kind)
            texts = {
                n: reason[len(begin) : -len(end)].strip('"')
                for n, reason in said.items()
                if reason.startswith(begin) and reason.endswith(end)
            }
            if texts:
                reads = self._readers(name, texts, session)
                said |= {n: said[n] + _hint(text, kind, reads.get(n)) for n, text in texts.items()}
        return said

    def _readers(self, name: str, texts: Mapping[int, str], session: Session) -> dict[int, str]:
        """Give the types that read the texts, by the texts' numbers."""
        column = column_type(self._kinds[name]).upper()
        wanted = column if column in ("TIMESTAMP", "DATE") else "TIMESTAMPTZ"
        reads: dict[int, str] = {}
        left = dict(texts)
        for declared in self._found[name]:
            reads |= dict.fromkeys(_fitting(left, declared, wanted, session), declared)
        left = {n: text for n, text in texts.items() if n not in reads}
        while left and self._searches[name]:
            self._searches[name] -= 1
            declared, count = guessed(list(left.values()), wanted, session)
            if not count:
                break
            self._found[name].append(declared)
            reads |= dict.fromkeys(_fitting(left, declared, wanted, session), declared)
            left = {n: text for n, text in left.items() if n not in reads}
        return reads


def _hint(text: str, kind: str, declared: str | None) -> str:
    """Say what reads a text that its field's type does not."""
    plain = kind not in EPOCHS and time_form(kind) is None
    # in ISO 8601 it is a wrong date; anything else may be a time nevertheless
    if not plain or re.match(_ISO, text):
        return "" if declared is None else f" - {declared} reads it"
    return f" as in ISO 8601 - declare {declared or OTHER_FORMS}"


def _fitting(texts: Mapping[int, str], declared: str, kind: str, session: Session) -> set[int]:
    """Give the numbers of the texts that a type reads."""
    table = pa.table(
        {"n": pa.array(list(texts), pa.int64()), "text": pa.array(list(texts.values()))}
    )
    with session.registered(_texts=table):
        rows = session.rows(f"SELECT n FROM _texts WHERE {_candidates(kind)[declared]}")
    return {int(n) for [n] in rows}
