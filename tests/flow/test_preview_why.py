"""Why a row is there: checked by taking every record away in turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streamops_nb.model.errors import Refused
from streamops_nb.ops.preview.preview import Preview
from streamops_nb.ops.preview.previews import Previews
from tests.flow.previewed import only, preview, previews, readings, sample, spec

QUERIES = {
    "filtered": "SELECT ts, device, temp * 2 AS twice FROM readings WHERE temp > 1",
    "grouped": """
        WITH hot AS (SELECT * FROM readings WHERE temp > 1)
        SELECT window_start, window_end, device, count(*) AS n, max(temp) AS top
        FROM tumble(hot, ts, INTERVAL 10 SECONDS) GROUP BY ALL HAVING count(*) > 1""",
    "hopping": """
        SELECT window_end, sum(temp) AS total
        FROM hop(readings, ts, INTERVAL 5 SECONDS, INTERVAL 10 SECONDS) AS w
        WHERE temp IS NOT NULL GROUP BY window_end""",
    "distinct": """
        SELECT DISTINCT window_start, device
        FROM tumble(readings, ts, INTERVAL 10 SECONDS) WHERE temp > 1""",
    "first": """
        SELECT * FROM tumble(readings, ts, INTERVAL 10 SECONDS)
        QUALIFY row_number() OVER (PARTITION BY window_start, device ORDER BY temp, ts) = 1""",
    "best group": """
        SELECT window_start, device, count(*) AS n FROM tumble(readings, ts, INTERVAL 10 SECONDS)
        GROUP BY window_start, device
        QUALIFY rank() OVER (PARTITION BY window_start ORDER BY count(*) DESC) = 1""",
    "united": """
        WITH low AS (SELECT ts, device, temp FROM readings WHERE temp < 2),
        both AS (SELECT * FROM low UNION ALL SELECT ts, 'all', temp FROM readings)
        SELECT window_start, device, count(*) AS n
        FROM tumble(both, ts, INTERVAL 10 SECONDS) GROUP BY ALL""",
    "joined": """
        WITH a AS (SELECT window_start, window_end, device, count(*) AS n
                   FROM tumble(readings, ts, INTERVAL 10 SECONDS) GROUP BY ALL),
        b AS (SELECT window_start, window_end, device, max(temp) AS top
              FROM tumble(readings, ts, INTERVAL 10 SECONDS) WHERE temp > 2 GROUP BY ALL)
        SELECT a.*, b.top FROM a LEFT JOIN b ON a.window_start = b.window_start
        AND a.window_end = b.window_end AND a.device = b.device""",
    "two sides": """
        WITH low AS (SELECT window_start, count(*) AS n
                     FROM tumble(readings, ts, INTERVAL 10 SECONDS) WHERE temp < 2 GROUP BY ALL),
        high AS (SELECT window_start, count(*) AS n
                 FROM tumble(readings, ts, INTERVAL 10 SECONDS) WHERE temp >= 2 GROUP BY ALL)
        SELECT low.window_start, low.n + high.n AS n
        FROM low JOIN high ON low.window_start = high.window_start""",
    "sessions": """
        SELECT window_start, window_end, device, count(*) AS n
        FROM session(readings, ts, device, INTERVAL 4 SECONDS) GROUP BY ALL""",
    "windows over windows": """
        WITH small AS (SELECT window_start AS begin, window_end AS until, device, count(*) AS n
                       FROM tumble(readings, ts, INTERVAL 5 SECONDS) GROUP BY ALL)
        SELECT window_start, device, sum(n) AS n, max(until) AS last
        FROM tumble(small, begin, INTERVAL 10 SECONDS) GROUP BY ALL""",
}
WINDOW = "result: window_start=2025-01-01 00:00:00Z, window_end=2025-01-01 00:00:10Z"
rows = st.lists(
    st.tuples(
        st.integers(0, 25), st.sampled_from("ab"), st.sampled_from([0.0, 1.5, 2.0, 3.0, None])
    ),
    min_size=1,
    max_size=9,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Previews]:
    with previews(tmp_path_factory.mktemp("previews")) as found:
        yield found


@pytest.mark.parametrize("name", QUERIES)
@settings(max_examples=12, deadline=None)
@example(rows=[(1, "a", 1.5), (2, "b", 3.0), (3, "a", 0.0), (12, "a", 2.0)], pick=0)
@given(rows=rows, pick=st.integers(0, 100))
def test_the_records_of_a_row_make_it_and_no_other_record_changes_it(
    made: Previews, name: str, rows: list[tuple[int, str, float | None]], pick: int
) -> None:
    whole = sample(readings(*rows))

    def again(kept: set[int]) -> Preview:
        part = only(whole, [n in kept for n in range(len(rows))])
        return preview(made, spec(QUERIES[name]), part)

    shown = preview(made, spec(QUERIES[name]), whole)
    if shown.df.empty:
        return
    row = shown.df.iloc[pick % len(shown.df)]
    why = shown.why(pick % len(shown.df))
    records = set(why.df["_offset"])
    assert (why.unknown, bool(records)) == ((), True)

    looked_at = looked(shown, pick % len(shown.df))
    assert same_rows(again(looked_at), row) >= 1
    every = set(range(len(rows)))
    before = same_rows(shown, row)
    changing = {n for n in every if same_rows(again(every - {n}), row) < before}
    equal = [n for n, other in enumerate(shown.df.to_dict("records")) if repr(other) == text(row)]
    assert changing <= set().union(*(looked(shown, n) for n in equal))


def looked(shown: Preview, n: int) -> set[int]:
    """The offsets of all records that a row's reasons name."""
    why = shown.why(n)
    return {*why.df["_offset"], *why.compared_df["_offset"]}


def text(row: pd.Series) -> str:
    return repr(row.to_dict())


def same_rows(shown: Preview, row: pd.Series) -> int:
    """How many rows of a preview are equal to a row."""
    return Counter(map(repr, shown.df.to_dict("records")))[text(row)]


def test_a_row_may_be_given_by_its_place_its_values_or_itself(made: Previews) -> None:
    rows = readings((1, "a", 2.0), (2, "b", 3.0), (3, "a", 4.0))
    shown = preview(made, spec(QUERIES["grouped"]), sample(rows))
    assert len(shown.df) == 1
    texts = {repr(shown.why(row)) for row in (0, -1, {"device": "a"}, shown.df.iloc[0])}
    assert len(texts) == 1
    assert texts.pop().split("\n") == [
        f"{WINDOW}, device=a, n=2, top=4, _window=complete",
        "  hot: 2 rows",
        "  readings: 2 records (partition 0: offsets 0, 2)",
    ]
    why = shown.why({"n": 2})
    assert why.df.to_dict("records") == [
        {"stream": "readings", "_partition": "0", "_offset": n, **rows[n]} for n in (0, 2)
    ]


@pytest.mark.parametrize(
    ("row", "refusal"),
    [
        (7, "there is no row 7: the stage has 2 rows"),
        ({"devic": "a"}, "there is no column `devic` - did you mean `device`?"),
        ({"device": "c"}, "no row has these values - p.why_not(key=...) says what became of it"),
        ({"twice": "x"}, '`twice` is double, which the text "x" does not fit'),
        ({}, "2 rows have these values - give more columns, or the index of one: 0, 1"),
        ("a", 'a row is an index, a dict or a row of `p.df`, not the text "a"'),
    ],
)
def test_a_row_that_is_not_there_is_refused(made: Previews, row: object, refusal: str) -> None:
    rows = sample(readings((1, "a", 2.0), (2, "b", 3.0)))
    shown = preview(made, spec(QUERIES["filtered"]), rows)
    with pytest.raises(Refused) as refused:
        shown.why(row)
    assert str(refused.value) == refusal


def test_what_a_stage_dropped_added_and_changed_is_told(made: Previews) -> None:
    query = """
        WITH hot AS (SELECT * REPLACE (temp + 1 AS temp), upper(device) AS name
                     FROM readings WHERE temp > 1)
        SELECT window_end, name, CAST(temp AS INTEGER) AS temp
        FROM hop(hot, ts, INTERVAL 5 SECONDS, INTERVAL 10 SECONDS)"""
    rows = readings((1, "a", 2.0), (2, "b", 0.5), (3, "a", 4.0))
    shown = preview(made, spec(query), sample(rows))
    hot, result = shown.stages["hot"], shown.stages["result"]
    assert hot.dropped.to_dict("records") == [{"_partition": "0", "_offset": 1, **rows[1]}]
    assert (hot.share_dropped, result.share_dropped) == (1 / 3, 0.0)
    assert (len(hot.added), len(result.added), result.rows_out) == (0, 2, 4)
    assert hot.changes.to_dict("records") == [
        {"column": "temp", "change": "changed", "before": "DOUBLE", "after": "DOUBLE", "cells": 2},
        {"column": "name", "change": "new", "before": "", "after": "VARCHAR", "cells": 0},
    ]
    assert result.changes[["column", "change", "cells"]].to_dict("split")["data"] == [
        ["ts", "removed", 0],
        ["device", "removed", 0],
        ["temp", "retyped", 0],
        ["window_end", "new", 0],
    ]


def test_rows_on_which_a_stage_fails_are_rejects_and_not_dropped(made: Previews) -> None:
    query = """
        WITH kept AS (SELECT ts, device, temp FROM readings WHERE temp > 0)
        SELECT ts, CAST(device AS INTEGER) AS n FROM kept WHERE temp > 1"""
    rows = sample(readings((1, "1", 2.0), (2, "x", 3.0), (3, "3", 0.5), (4, "y", 0.0)))
    shown = preview(made, spec(query), rows)
    assert (len(shown.rejects), shown.df["n"].tolist()) == (1, [1])
    assert shown.stages["kept"].dropped["device"].tolist() == ["y"]
    assert shown.stages["result"].dropped["device"].tolist() == ["3"]
    assert shown.why(0).df["_offset"].tolist() == [0]


def test_a_stage_that_cannot_be_followed_is_named(made: Previews) -> None:
    query = """
        WITH whole AS (SELECT window_end, to_json(r) AS row
                       FROM tumble(readings, ts, INTERVAL 1 HOUR) AS r)
        SELECT * FROM whole"""
    shown = preview(made, spec(query), sample(readings((1, "a", 2.0))))
    why = shown.why(0)
    assert (list(why.inputs), why.unknown) == (["whole"], ("whole",))
    with pytest.raises(Refused, match="the rows of the stage `whole` cannot be followed"):
        shown.stages["whole"].dropped  # noqa: B018


@pytest.mark.parametrize(
    "query",
    [
        "SELECT to_json(r) AS v, CAST(r.device AS INTEGER) AS n FROM readings AS r WHERE temp > 1",
        "SELECT COLUMNS(*), CAST(device AS INTEGER) AS n FROM readings WHERE temp > 1",
        "SELECT ts, COLUMNS('te.*'), device::INTEGER AS n FROM readings WHERE temp > 1",
        (
            "SELECT r.ts, r::VARCHAR AS v, device::INTEGER AS n FROM readings r WHERE temp > 1 "
            "UNION ALL SELECT ts, device AS v, 0 AS n FROM readings WHERE temp < 0"
        ),
    ],
)
def test_rows_are_followed_where_the_query_looks_at_whole_ones(query: str, made: Previews) -> None:
    rows = readings((1, "1", 0.5), (2, "x", 3.0), (3, "3", 4.0), (4, "4", 5.0))
    shown = preview(made, spec(query), sample(rows))
    assert [len(shown.rejects), len(shown.df)] == [1, 2]
    assert [shown.why(n).df["_offset"].tolist() for n in (0, 1)] == [[2], [3]]
    assert shown.stages["result"].dropped["_offset"].tolist() == [0]


def test_a_profile_says_nulls_distinct_values_bounds_and_quantiles(made: Previews) -> None:
    rows = sample(readings((1, "a", 1.0), (2, "b", 3.0), (3, "b", None), (4, None, 2.0)))
    shown = preview(made, spec("SELECT device, temp FROM readings"), rows)
    assert shown.profile.to_dict("split")["data"] == [
        ["device", "VARCHAR", 4, 1, 2, "a", None, None, None, "b"],
        ["temp", "DOUBLE", 4, 1, 3, 1.0, 1.0, 2.0, 3.0, 3.0],
    ]
    assert shown.stages["result"].profile.equals(shown.profile)
