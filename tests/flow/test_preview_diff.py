"""What differs between two previews, stage by stage."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from streamops_nb.model.errors import Refused
from streamops_nb.ops.preview.previews import Previews
from tests.flow.previewed import T0, preview, previews, readings, sample, spec

QUERY = """
    WITH hot AS (SELECT * FROM readings WHERE temp > $threshold)
    SELECT window_start, device, count(*) AS n, max(temp) AS top
    FROM tumble(hot, ts, INTERVAL 10 SECONDS) GROUP BY ALL"""
JOB = spec(QUERY, params={"threshold": {"type": "DOUBLE", "default": 1.0}})
ROWS = readings((1, "a", 2.0), (2, "a", 3.0), (3, "b", 1.5), (4, "<b>c</b>", 5.0))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Previews]:
    with previews(tmp_path_factory.mktemp("previews")) as found:
        yield found


def test_another_parameter_removes_rows_and_changes_cells(made: Previews) -> None:
    p = preview(made, JOB, sample(ROWS))
    d = p.diff(p.run(params={"threshold": 2.5}))
    assert d.summary == (
        "result: 1 removed, 1 changed (1 cells) by window_start, device; hot: 2 removed by ts"
    )
    assert d["hot"].removed.to_dict("records") == [ROWS[0], ROWS[2]]
    assert d["result"].removed[["device", "n"]].to_dict("split")["data"] == [["b", 1]]
    assert d["result"].cells.to_dict("split")["data"] == [[T0, "a", "n", 2, 1]]
    changes = d["result"].df[["_change", "device", "n"]].to_dict("split")["data"]
    assert changes == [["removed", "b", 1], ["before", "a", 2], ["after", "a", 1]]
    assert d.df[["stage", "before", "after", "added", "removed", "changed", "cells"]].to_dict(
        "split"
    )["data"] == [["hot", 4, 2, 0, 2, 0, 0], ["result", 3, 2, 0, 1, 1, 1]]


def test_backwards_what_was_removed_is_added(made: Previews) -> None:
    p = preview(made, JOB, sample(ROWS))
    d = p.run(params={"threshold": 2.5}).diff(p)
    assert (len(d["result"].added), len(d["result"].removed)) == (1, 0)
    assert d["hot"].added.to_dict("records") == [ROWS[0], ROWS[2]]


def test_the_same_preview_differs_in_nothing(made: Previews) -> None:
    p = preview(made, JOB, sample(ROWS))
    d = p.diff(p.run())
    assert (bool(d), d.summary) == (False, "no difference")
    assert d["result"].df.empty


def test_another_sample_is_told(made: Previews) -> None:
    p, q = (preview(made, JOB, sample(rows)) for rows in (ROWS, ROWS[:3]))
    assert p.diff(q).summary == (
        "result: 1 removed by window_start, device; hot: 1 removed by ts (on different samples)"
    )


def test_columns_and_stages_that_came_and_went_are_told(made: Previews) -> None:
    p = preview(made, JOB, sample(ROWS))
    q = p.run(
        query="""
        SELECT window_start, device, count(*)::DOUBLE AS n, min(temp) AS low
        FROM tumble(readings, ts, INTERVAL 10 SECONDS) GROUP BY ALL"""
    )
    d = p.diff(q)
    assert d.only == {"hot": "removed"}
    assert d["result"].columns.to_dict("split")["data"] == [
        ["n", "BIGINT", "DOUBLE"],
        ["top", "DOUBLE", ""],
        ["low", "", "DOUBLE"],
    ]
    assert d.summary == (
        "result: column n is DOUBLE, was BIGINT, column top removed, column low added (DOUBLE) "
        "by window_start, device; stage hot removed"
    )


def test_a_row_whose_window_is_open_now_is_a_changed_row(made: Previews) -> None:
    rows = [*ROWS, *readings((11, "a", 4.0))]
    p = preview(made, JOB, sample(rows, ends=False))
    q = p.run(changes={"streams": {"readings": {"watermark_delay": "5s"}}})
    cells = p.diff(q)["result"].cells
    found = cells[["device", "column", "before", "after"]].to_dict("split")["data"]
    assert sorted(found) == [
        ["<b>c</b>", "_window", "complete", "early"],
        ["a", "_window", "complete", "early"],
        ["b", "_window", "complete", "early"],
    ]


def test_a_key_may_be_given(made: Previews) -> None:
    rows = readings((1, "a", 2.0), (2, "b", 3.0))
    p = preview(made, spec("SELECT device, temp FROM readings"), sample(rows))
    q = p.run(query="SELECT device, temp * 2 AS temp FROM readings")
    assert p.diff(q).summary == "result: 2 added, 2 removed as whole rows"
    assert p.diff(q, key=["device"]).summary == "result: 2 changed (2 cells) by device"
    assert p.diff(q, key={"result": ["device"]}).summary == p.diff(q, key=["device"]).summary


def test_untrusted_text_is_escaped(made: Previews) -> None:
    p = preview(made, JOB, sample(ROWS))
    for d in (p.diff(p.run(params={"threshold": 4.0})), p.diff(p.run(params={"threshold": 9.0}))):
        html = d._repr_html_()
        assert "<b>c</b>" not in html
    assert "&lt;b&gt;c&lt;/b&gt;" in html


def test_a_stage_that_is_not_there_is_refused(made: Previews) -> None:
    p = preview(made, JOB, sample(ROWS))
    with pytest.raises(Refused, match="there is no stage `resul` - did you mean `result`"):
        p.diff(p.run())["resul"]


def test_records_that_no_column_tells_apart_alone_are_told_apart_by_two(made: Previews) -> None:
    rows = readings((1, "a", 2.0), (1, "b", 3.0), (2, "a", 2.0), (2, "b", 3.0))
    p = preview(made, spec("SELECT ts, device, temp * 2 AS temp FROM readings"), sample(rows))
    q = p.run(query="SELECT ts, device, temp * greatest(temp, 2.0) AS temp FROM readings")
    assert p.diff(q).summary == "result: 2 changed (2 cells) by ts, device"
    twice = preview(made, spec("SELECT ts, temp FROM readings"), sample([*rows, rows[0]]))
    changed = twice.run(query="SELECT ts, temp + 0.5 AS temp FROM readings")
    assert twice.diff(changed).summary == "result: 5 added, 5 removed as whole rows"
