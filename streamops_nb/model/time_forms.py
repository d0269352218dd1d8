"""Times that are not written as in ISO 8601: a field's type says how its text is written.

``TIMESTAMPTZ('%d/%m/%Y %H:%M')`` is a TIMESTAMPTZ in the data of which stands ``31/12/2025 14:05``;
the marks are those of DuckDB's ``strptime``. It is a type of fields only, as ``EPOCH_MS`` is.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from streamops_nb.model.wording import cut, wrong

__all__ = ["EXAMPLE", "OTHER_FORMS", "TimeForm", "checked_form", "column_type", "time_form"]

EXAMPLE = "TIMESTAMPTZ('%d/%m/%Y %H:%M')"
"""Of a type with a form, for refusals."""

OTHER_FORMS = f"EPOCH_S, EPOCH_MS or EPOCH_US for numbers, {EXAMPLE} for another form"
"""What is declared for times that are not in ISO 8601, for refusals."""

_TYPE = re.compile(
    r"\s*(TIMESTAMPTZ|TIMESTAMP|DATE)\s*\(\s*'((?:[^']|'')*)'\s*\)\s*", re.IGNORECASE
)
_MARK = re.compile(r"%(-?.?)", re.DOTALL)
_MARKS = frozenset("aAbBcdfgGHIjmMnpSuUVwWxXyYzZ%") | {f"-{mark}" for mark in "dHIjmMSUWy"}
_YEARS = frozenset(("Y", "y", "-y", "G", "c", "x"))


class TimeForm(NamedTuple):
    """The type of a column, and how its text is written."""

    kind: str
    form: str


def time_form(text: str) -> TimeForm | None:
    """Give type and form of a type text that has a form, else None."""
    found = _TYPE.fullmatch(text)
    return found and TimeForm(found[1].upper(), found[2].replace("''", "'"))


def checked_form(text: str) -> str | None:
    """Check a type text that has a form; give the type, None if it has no form.

    Raises
    ------
    pydantic_core.PydanticCustomError
        If a mark is unknown, or the form has no year: every time would lie in 1900.
    """
    found = time_form(text)
    if found is None:
        return None
    marks = _MARK.findall(found.form)
    unknown = [mark for mark in marks if mark not in _MARKS]
    if unknown:
        raise wrong(
            f'"{cut(found.form)}" is not the form of a time: there is no mark %{cut(unknown[0])}',
            "%Y year, %m month, %d day, %H hour, %M minute, %S second, %f microseconds, %p AM or "
            "PM, %b short name of the month, %z offset from UTC, %% a percent sign",
        )
    if not _YEARS & set(marks):
        raise wrong(
            f'the form "{cut(found.form)}" has no year',
            f"for example {EXAMPLE}; or declare VARCHAR and make the time in the query",
        )
    return found.kind


def column_type(text: str) -> str:
    """Give the type of the column that a field of this type becomes."""
    found = time_form(text)
    if found is not None:
        return found.kind
    return "TIMESTAMPTZ" if text.strip().upper().startswith("EPOCH_") else text
