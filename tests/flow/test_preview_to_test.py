"""A preview as a test: pytest really runs what is written."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import streamops_nb as so
from streamops_nb.model.errors import Refused
from streamops_nb.ops.preview.previews import Previews
from streamops_nb.testing import assert_same_rows
from tests.flow.previewed import preview, previews, readings, sample, spec

QUERY = """
    WITH hot AS (SELECT r.*, d.line FROM readings AS r JOIN devices AS d ON r.device = d.device
                 WHERE temp > $threshold)
    SELECT window_start, line, count(*) AS n, avg(temp) AS mean
    FROM tumble(hot, ts, INTERVAL 10 SECONDS) GROUP BY ALL"""
JOB = spec(
    QUERY,
    params={"threshold": {"type": "DOUBLE", "default": 1.0}},
    references={"devices": {"type": "csv", "path": "devices.csv"}},
    description='its "text" has """quotes""" and a \\ in it',
)
ROWS = readings((1, "a", 2.0), (2, "a", 0.1 + 0.2), (3, "b", 3.0), (14, "b", 5.0))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Previews]:
    folder = tmp_path_factory.mktemp("previews")
    (folder / "devices.csv").write_text("device,line\na,1\nb,2\n")
    with previews(folder) as found:
        yield found


def run(path: Path) -> tuple[int, str]:
    """Run a file by pytest; give its exit code and what it said."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", path.name]
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # those of the house load for long
    done = subprocess.run(
        command, cwd=path.parent, env=env, capture_output=True, text=True, timeout=120
    )
    return done.returncode, done.stdout + done.stderr


def test_the_test_passes_and_fails_when_the_query_is_changed(
    made: Previews, tmp_path: Path
) -> None:
    p = preview(made, JOB, sample(ROWS, ends=False), params={"threshold": 0.2})
    path = p.to_test(tmp_path / "new" / "test_hot.py")
    code, said = run(path)
    assert (code, "1 passed" in said) == (0, True)

    text = path.read_text()
    path.write_text(text.replace("temp > $threshold", "temp > 2"))
    code, said = run(path)
    assert code == 1
    assert "rows missing: 1, not expected: 0, as expected: 2" in said

    path.write_text(text.replace("avg(temp) AS mean", "avg(temp) + 1e-12 AS mean"))
    assert run(path)[0] == 0  # equal up to a relative 1e-9


def test_ignored_columns_are_not_compared(made: Previews, tmp_path: Path) -> None:
    p = preview(made, JOB, sample(ROWS))
    path = p.to_test(tmp_path / "test_hot.py", ignore=["mean", "_window"])
    path.write_text(path.read_text().replace("avg(temp)", "max(temp)"))
    assert run(path)[0] == 0


def test_rows_that_were_given_to_a_bare_query_make_a_test_too(tmp_path: Path) -> None:
    p = so.preview("SELECT device, temp FROM r WHERE temp > 1", data={"r": pd.DataFrame(ROWS)})
    assert run(p.to_test(tmp_path / "test_bare.py"))[0] == 0


def test_what_is_there_is_only_overwritten_when_asked(made: Previews, tmp_path: Path) -> None:
    p = preview(made, JOB, sample(ROWS))
    path = p.to_test(tmp_path / "test_hot.py")
    path.write_text("changed")
    with pytest.raises(Refused, match=r"test_hot\.py and .*test_hot is there already"):
        p.to_test(path)
    assert path.read_text() == "changed"
    p.to_test(path, overwrite=True)
    assert "def test_hot_gives_the_expected_rows" in path.read_text()
    (tmp_path / "test_hot" / "mine.txt").write_text("mine")
    with pytest.raises(Refused, match="holds other files"):
        p.to_test(path, overwrite=True)
    assert (tmp_path / "test_hot" / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("rows", "name", "how", "refusal"),
    [
        ([], "test_a.py", {}, "the sample is empty, a test of it would prove nothing"),
        (ROWS, "test_a.py", {"most": 3}, "the sample has 4 records, a test may have 3"),
        (ROWS, "hot.py", {}, "pytest does not find hot.py"),
        (ROWS, "test_a.py", {"ignore": ["meen"]}, "has no column `meen` to ignore - did you mean"),
    ],
)
def test_what_makes_no_test_is_refused_and_nothing_written(
    made: Previews, tmp_path: Path, rows: list[Any], name: str, how: dict[str, Any], refusal: str
) -> None:
    p = preview(made, JOB, sample(rows))
    with pytest.raises(Refused) as refused:
        p.to_test(tmp_path / name, **how)
    assert refusal in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_rows_are_compared_in_any_order_and_by_their_number() -> None:
    one = pd.DataFrame({"k": ["a", "b", "b"], "x": [1.0, 2.0, 2.0]})
    assert_same_rows(one[::-1], pa.Table.from_pandas(one))
    with pytest.raises(AssertionError) as failed:
        assert_same_rows(one[:2], one)
    assert str(failed.value).splitlines() == [
        "rows missing: 1, not expected: 0, as expected: 2",
        "- k = b, x = 2.0",
    ]


def test_a_column_of_another_type_is_told() -> None:
    one = pd.DataFrame({"x": [1, 2]})
    with pytest.raises(AssertionError, match="column x is DOUBLE, expected BIGINT"):
        assert_same_rows(one.astype(float), one)
    assert_same_rows(one.astype(float), one, ignore=["x"])
