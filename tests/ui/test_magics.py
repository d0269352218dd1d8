"""``%%preview`` in a real kernel: which workspace, which rows, what it says when it is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.kernel import Kernel, kernel

SET_UP = """
import streamops_nb as so
%load_ext streamops_nb
fields = {"ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "DOUBLE"}
stream = {"source": {"type": "table", "stream": "log"}, "schema": fields, "event_time": "ts"}
job = {"name": "all", "streams": {"readings": stream}, "query": "SELECT * FROM readings"}
def opened(folder, rows):
    ws = so.connect(folder)
    for i in range(rows):
        row = {"ts": f"2024-01-01T00:00:{i:02}Z", "device": f"d{i}", "temp": 20.0 + i}
        ws.stream("log").append([row], fields)
    ws.save(job)
    return ws
"""
CELL = """%%preview {}
WITH hot AS (SELECT device, temp FROM readings WHERE temp > $threshold)
SELECT device FROM hot
"""


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel(tmp_path_factory.mktemp("magics")) as found:
        assert found.run(SET_UP) == []
        nowhere = found.run(CELL.format(""))
        assert said(nowhere) == (
            "no workspace is open - ws = so.connect(FOLDER), or say which with --workspace"
        )
        assert found.run("ws = opened('plant', 10); other = opened('other', 3)") == []
        yield found


def said(shown: list[dict[str, Any]]) -> str:
    """What a person reads of an error: one line, no frames."""
    (output,) = shown
    return str(output["stderr"]).removeprefix("UsageError: ").strip()


def test_a_cell_is_previewed_over_the_workspace_that_was_opened_last(cells: Kernel) -> None:
    (shown,) = cells.run(CELL.format("--set threshold=20.5"))
    assert shown["text/html"].startswith('<form class="so-preview"')
    lines = shown["text/plain"].splitlines()
    assert lines[0] == "Preview of query - latest 1,000 rows: readings 3 · threshold = 20.5"
    assert lines[-2:] == ["d1", "d2"]


def test_rows_stage_workspace_and_variable_are_chosen(cells: Kernel) -> None:
    line = "found --workspace ws --rows 4 --set threshold=26.5 --upto hot"
    (shown,) = cells.run(CELL.format(line))
    assert "readings 4 of more" in shown["text/plain"]
    (printed,) = cells.run("print(found.output, found.df['temp'].tolist())")
    assert printed == {"stdout": "hot [27.0, 28.0, 29.0]\n"}
    (shown,) = cells.run(CELL.format("--workspace plant --set threshold=28"))
    assert shown["text/plain"].splitlines()[-1] == "d9"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--rows many", "%%preview: argument --rows: invalid int value: 'many'"),
        ("--set threshold", "`--set threshold` is not of the form name=value"),
        ("--workspace nope", "%%preview: nope is no open workspace - ws = so.connect('nope')"),
        ("2wrong", "%%preview: `2wrong` is no name of a variable"),
        ("--set 'x=1", "%%preview: No closing quotation"),
        ("", 'query 2:5: syntax error at or near "("'),
    ],
)
def test_what_is_wrong_is_said_in_words(cells: Kernel, line: str, words: str) -> None:
    cell = CELL if line else "%%preview {}\nSELECT 1 FROM readings WHERE\nnope("
    assert said(cells.run(cell.format(line))).startswith(words)


def test_a_closed_workspace_is_not_taken(cells: Kernel) -> None:
    cells.run("other.close()")
    (shown,) = cells.run(CELL.format("--set threshold=20.5"))
    assert "readings 10" in shown["text/plain"]
