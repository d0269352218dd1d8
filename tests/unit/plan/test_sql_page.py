"""What the page on SQL says is supported is planned, and what it says is refused is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.plan.planning import plan, refusals

PAGE = (Path(__file__).parents[3] / "docs" / "sql.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """Give the cells of the table under a heading."""
    part = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = re.findall(r"^\| (.+) \|$", part, re.MULTILINE)
    return [re.split(r" \| ", line) for line in lines[1:]]


def queries(cell: str) -> list[str]:
    return [code for code in re.findall(r"`([^`]+)`", cell) if re.match(r"SELECT|WITH \w", code)]


WINDOWS = rows("Windows")
SUPPORTED = rows("What may be written")
REFUSED = rows("What is refused, and what to write instead")
INSTEAD = [(row[0], query) for row in REFUSED for query in queries(row[2])]


def test_every_row_of_the_tables_has_an_example() -> None:
    assert [row[0] for row in (*WINDOWS, *SUPPORTED) if len(queries(row[-1])) != 1] == []
    assert [row[0] for row in REFUSED if len(row) != 3 or not row[1].startswith("`")] == []
    assert (len(WINDOWS), len(SUPPORTED) > 10, len(REFUSED) > 25) == (4, True, True)


@pytest.mark.parametrize(
    ("what", "query"), [(row[0], queries(row[-1])[0]) for row in (*WINDOWS, *SUPPORTED)]
)
def test_what_the_page_says_is_supported_is_planned(what: str, query: str) -> None:
    assert plan(query).columns


@pytest.mark.parametrize(("what", "query"), [(row[0], row[1].strip("`")) for row in REFUSED])
def test_what_the_page_says_is_refused_is_refused(what: str, query: str) -> None:
    assert all(fault.what for fault in refusals(query))


@pytest.mark.parametrize(("what", "query"), INSTEAD)
def test_what_the_page_says_to_write_instead_is_planned(what: str, query: str) -> None:
    assert plan(query).columns


def test_the_page_s_long_example_is_planned() -> None:
    (query,) = re.findall(r"^```sql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert list(plan(query).columns) == ["window_start", "device", "n"]
