"""Times that are not written as in ISO 8601: a field's type says how its text is written.

``TIMESTAMPTZ('%d/%m/%Y %H:%M')`` is a TIMESTAMPTZ in the data of which stands ``31/12/2025 14:05``;
the marks are those of DuckDB's ``strptime``. ``TIMESTAMPTZ('%d.%m.%Y %H:%M', 'Europe/Berlin')`` is
one of local times in that zone. It is a type of fields only, as ``EPOCH_MS`` is.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from zoneinfo import available_timezones

from streamops_nb.model.wording import cut, did_you_mean, wrong

__all__ = ["EXAMPLE", "OTHER_FORMS", "TimeForm", "checked_form", "column_type", "time_form"]

EXAMPLE = "TIMESTAMPTZ('%d/%m/%Y %H:%M')"
"""Of a type with a form, for refusals."""

OTHER_FORMS = f"EPOCH_S, EPOCH_MS or EPOCH_US for numbers, {EXAMPLE} for another form"
"""What is declared for times that are not in ISO 8601, for refusals."""

_TYPE = re.compile(
    r"\s*(TIMESTAMPTZ|TIMESTAMP|DATE)\s*\(\s*'((?:[^']|'')*)'\s*(?:,\s*'([^']*)'\s*)?\)\s*",
    re.IGNORECASE,
)
_MARK = re.compile(r"%(-?.?)", re.DOTALL)
_MARKS = frozenset("aAbBcdfgGHIjmMnpSuUVwWxXyYzZ%") | {f"-{mark}" for mark in "dHIjmMSUWy"}
_YEARS = frozenset(("Y", "y", "-y", "G", "c", "x"))

_ALL_MARKS = (
    "%Y year, %m month, %d day, %H hour, %M minute, %S second, %f microseconds, %p AM or PM, %b "
    "short name of the month, %z offset from UTC, %% a percent sign"
)
_MEANT = {
    "yyyy": "%Y", "YYYY": "%Y", "yy": "%y", "MMM": "%b", "MM": "%m", "dd": "%d", "DD": "%d",
    "HH": "%H", "hh": "%I", "mm": "%M", "ss": "%S", "SSS": "%g", "a": "%p", "XXX": "%z", "Z": "%z",
}  # fmt: skip
"""The letters of Java's forms."""
_LETTERS = re.compile(rf"\b(?:{'|'.join(_MEANT)})\b")


class TimeForm(NamedTuple):
    """The type of a column, how its text is written, and the zone of the times if one is given."""

    kind: str
    form: str
    zone: str | None = None


def time_form(text: str) -> TimeForm | None:
    """Give type and form of a type text that has a form, else None."""
    found = _TYPE.fullmatch(text)
    return found and TimeForm(found[1].upper(), found[2].replace("''", "'"), found[3])


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
            _ALL_MARKS,
        )
    if not marks:
        marked = _LETTERS.sub(lambda run: _MEANT[run[0]], found.form)
        raise wrong(
            f'"{cut(found.form)}" is not the form of a time: the marks begin with a percent sign',
            _ALL_MARKS if marked == found.form else f"write `{found.kind}('{cut(marked)}')`",
        )
    if not _YEARS & set(marks):
        raise wrong(
            f'the form "{cut(found.form)}" has no year',
            f"for example {EXAMPLE}; or declare VARCHAR and make the time in the query",
        )
    if found.zone is not None:
        _check_zone(found, marks)
    return found.kind


def _check_zone(found: TimeForm, marks: list[str]) -> None:
    if found.kind != "TIMESTAMPTZ" or {"z", "Z"} & set(marks):
        what = f"a {found.kind} has no zone" if found.kind != "TIMESTAMPTZ" else "%z is one already"
        raise wrong(f'the zone "{cut(str(found.zone))}" has no use here: {what}', "leave it out")
    known = available_timezones()
    # where Python has no zones (on Windows without tzdata), DuckDB tells when it reads the first
    if known and found.zone not in known:
        raise wrong(
            f'there is no time zone "{cut(str(found.zone))}"',
            did_you_mean(str(found.zone), known),
        )


def column_type(text: str) -> str:
    """Give the type of the column that a field of this type becomes."""
    found = time_form(text)
    if found is not None:
        return found.kind
    return "TIMESTAMPTZ" if text.strip().upper().startswith("EPOCH_") else text
