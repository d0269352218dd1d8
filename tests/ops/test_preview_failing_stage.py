"""A stage that fails on a sample as a whole is a fault; the others are shown."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import streamops_nb as so

ROWS = pd.DataFrame(
    {
        "ts": pd.date_range("2026-01-01", periods=2_000, freq="s", tz="UTC"),
        "text": ["x"] * 2_000,
    }
)
A = "WITH a AS (SELECT * FROM r), b AS (SELECT ts, CAST(text AS INTEGER) AS n FROM a)"


def test_a_stage_beside_the_output_that_fails_on_nearly_every_row_is_a_fault() -> None:
    shown = so.preview(
        f"{A}, c AS (SELECT n FROM b) SELECT window_end, count(*) AS n "
        "FROM tumble(a, ts, INTERVAL 1 HOUR) GROUP BY ALL",
        data={"r": ROWS},
    )
    assert list(shown.stages) == ["a", "result"]
    assert shown.df["n"].tolist() == [2_000]
    (fault,) = shown.faults
    assert fault.where == "query 1:43"
    assert fault.what.startswith("stage b fails on 2,000 of 2,000 rows: Conversion Error")


def test_rows_on_which_a_stage_fails_are_rejects_however_many_they_are() -> None:
    most = ROWS.assign(text=["x"] * 1_990 + ["1"] * 10)
    shown = so.preview(f"{A} SELECT n FROM b", data={"r": most})
    assert not shown.faults
    assert shown.df["n"].tolist() == [1] * 10
    assert (len(shown.rejects), shown.stages["b"].rejected) == (1_990, 1_990)


def test_columns_handed_on_stay_beside_the_rows_that_unnest_makes() -> None:
    rows = pd.DataFrame({"many": [[1], [2, 3], [], [4]], "w": [1, 2, 3, 4]})
    shown = so.preview("SELECT unnest(many) AS one, w FROM r", data={"r": rows})
    assert list(zip(shown.df["one"], shown.df["w"], strict=True)) == [
        (1, 1),
        (2, 2),
        (3, 2),
        (4, 4),
    ]


def test_an_expression_may_use_the_alias_of_a_column_that_is_handed_on() -> None:
    rows = pd.DataFrame({"v": ["1", "2"]})
    shown = so.preview("SELECT v AS d, d || 'x' AS e FROM r", data={"r": rows})
    assert shown.df.to_dict("list") == {"d": ["1", "2"], "e": ["1x", "2x"]}


def test_a_stage_that_fails_on_few_rows_has_them_as_rejects() -> None:
    few = ROWS.assign(text=["x"] * 3 + ["1"] * 1_997)
    shown = so.preview(f"{A} SELECT n FROM b", data={"r": few})
    assert not shown.faults
    assert (len(shown.df), len(shown.rejects)) == (1_997, 3)


def test_a_stage_that_fails_on_rows_together_is_a_fault() -> None:
    large = ROWS.assign(n=2**62)
    shown = so.preview(
        "WITH a AS (SELECT * FROM r) SELECT window_end, CAST(sum(n) AS BIGINT) AS n "
        "FROM tumble(a, ts, INTERVAL 1 HOUR) GROUP BY ALL",
        data={"r": large},
    )
    assert list(shown.stages) == ["a"]
    assert [fault.what.split(":")[0] for fault in shown.faults] == [
        "stage result fails on rows together, on none alone"
    ]


def test_a_preview_of_a_closed_workspace_says_so(tmp_path: Path) -> None:
    with so.connect(tmp_path / "w.streamops") as workspace:
        shown = workspace.preview("SELECT text FROM r", data={"r": ROWS})
    with pytest.raises(so.Refused, match="the preview needs its workspace, which is closed"):
        shown.run()
    with pytest.raises(so.StreamopsError, match="the workspace is closed"):
        workspace.preview("SELECT text FROM r", data={"r": ROWS})


def test_rows_of_windows_that_are_taken_out_in_pieces_are_counted_and_told() -> None:
    mixed = ROWS.assign(text=["x", "1", "1"] * 666 + ["1", "1"])
    shown = so.preview(
        "SELECT window_end, sum(CAST(text AS INTEGER)) AS n "
        "FROM tumble(r, ts, INTERVAL 1 HOUR) GROUP BY ALL",
        data={"r": mixed},
    )
    assert not shown.faults
    pieces = shown.rejects["reason"].str.startswith("one of ").sum()
    assert pieces > 0
    assert len(shown.rejects) + shown.df["n"].sum() == 2_000
    assert (
        f"{pieces:,} of {len(shown.rejects):,} rejects were taken out in pieces in which some rows "
        "fail: too many do to find each"
    ) in repr(shown)
