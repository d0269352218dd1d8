"""The functions that a query may call, for the shell and for the page ``docs/functions.md``.

``python -m streamops_nb.shell.functions`` writes the page anew after a change of the list.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path

import streamops_nb.plan
from streamops_nb.plan.functions import FOREIGN, WINDOW_MACROS, named

__all__ = ["PAGE", "listed", "page_text"]

PAGE = Path(streamops_nb.plan.__file__).parents[2] / "docs" / "functions.md"
"""Where the page lies in a checkout."""

_HEAD = """\
# Functions

What a query may call, generated from the list that it is checked against (`python -m
streamops_nb.shell.functions`); `streamops functions` prints the same. They are
[DuckDB's own](https://duckdb.org/docs/stable/sql/functions/overview). Operators, CASE, CAST and
`coalesce` are always allowed, and `now()` and `today()` are the batch's recorded time. In FROM
stand """
_SECTIONS = {
    "scalar": "Of a row",
    "aggregate": "Aggregates",
    "window": "With OVER only",
    "decomposable": "Aggregates of which partial results are kept instead of rows",
}


def page_text() -> str:
    """Write the page."""
    tables = [*WINDOW_MACROS, "unnest", "range", "generate_series"]
    parts = [_HEAD + ", ".join(f"`{name}`" for name in tables) + "."]
    for section, title in _SECTIONS.items():
        parts.append(f"## {title}")
        parts.append(_wrapped(f"`{name}`" for name in named(section)))
    parts.append("## Names from elsewhere")
    parts.append("| elsewhere, or refused | here |\n|---|---|")
    rows = [f"| `{name}` | `{here}` |" for name, here in sorted(FOREIGN.items())]
    parts[-1] = "\n".join([parts[-1], *rows])
    return "\n\n".join(parts) + "\n"


def listed() -> str:
    """Write the list for the shell."""
    parts = [f"{title}:\n{_wrapped(named(section))}" for section, title in _SECTIONS.items()]
    return "\n\n".join(parts) + "\n"


def _wrapped(names: Iterable[str]) -> str:
    return textwrap.fill(", ".join(names), 100, break_long_words=False)


def main() -> None:
    """Write the page into the checkout."""
    PAGE.write_text(page_text(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")


if __name__ == "__main__":
    main()
