"""A query is read stage by stage, also while some of its stages are wrong."""

from __future__ import annotations

from streamops_nb.plan.outline import END, START, Outline
from streamops_nb.plan.planner import Planner, StreamShape

SHAPES = {
    "readings": StreamShape(
        columns={"ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "DOUBLE"}, event_time="ts"
    )
}
UNKNOWN = (
    "the function nosuch() may not be used in a job - see the list of allowed functions, "
    "docs/functions.md, or `streamops functions`"
)
HOT = "WITH hot AS (SELECT * FROM readings WHERE temp > 30)"


def outline(query: str) -> Outline:
    planner = Planner()
    try:
        return planner.outline(query, SHAPES)
    finally:
        planner.close()


def told(found: Outline) -> tuple[list[str], tuple[str, ...], list[str]]:
    return [s.name for s in found.stages], found.failed, [str(f) for f in found.faults]


def test_a_query_without_faults_is_planned() -> None:
    found = outline(f"{HOT} SELECT device FROM hot")
    assert told(found) == (["hot", "result"], (), [])
    assert found.plan is not None
    assert found.plan.columns == {"device": "VARCHAR"}


def test_stages_before_and_beside_a_wrong_one_are_read() -> None:
    found = outline(
        f"{HOT}, bad AS (SELECT nosuch(temp) AS x FROM hot), more AS (SELECT x FROM bad), "
        "cold AS (SELECT * FROM readings WHERE temp < 0) SELECT device FROM cold"
    )
    assert told(found) == (
        ["hot", "cold", "result"],
        ("bad", "more"),
        [
            f"query 1:70: {UNKNOWN}",
        ],
    )
    assert found.plan is None


def test_stages_before_a_syntax_error_are_read_and_its_place_told() -> None:
    found = outline(f"{HOT}, -- a ) in a comment\nb AS (SELECT ')' AS x FROM hot)\nSELEC x FROM b")
    assert told(found) == (
        ["hot", "b"],
        ("result",),
        ['query 3:1: syntax error at or near "SELEC" - is `SELEC` meant to be SELECT?'],
    )


def test_a_column_that_is_not_there_is_told_with_its_place() -> None:
    found = outline(
        f"{HOT}, b AS (SELECT nope FROM hot), c AS (SELECT no FROM hot) SELECT 1 FROM b"
    )
    assert told(found)[:2] == (["hot"], ("b", "c", "result"))
    first, second = told(found)[2]
    assert first.startswith('query 1:68: Referenced column "nope" not found in FROM clause!')
    assert second.startswith('query, stage c: Referenced column "no" not found in FROM clause!')


def test_a_stage_that_reaches_for_a_file_is_not_read() -> None:
    found = outline(f"{HOT}, b AS (SELECT * FROM read_csv('/etc/passwd')) SELECT * FROM hot")
    assert found.by_name.keys() == {"hot", "result"}
    assert found.failed == ("b",)


def test_rows_of_windows_know_their_window_also_where_it_is_not_selected() -> None:
    found = outline(
        "WITH a AS (SELECT device, count(*) AS n FROM tumble(readings, ts, INTERVAL 10 SECONDS) "
        "GROUP BY device, window_end), "
        "b AS (SELECT window_start, device FROM hop(readings, ts, INTERVAL 5 SECONDS, "
        "INTERVAL 10 SECONDS)), "
        "c AS (SELECT window_start, device FROM b) SELECT * FROM c"
    )
    own = ("window_start", "", 10_000_000)
    assert {n: (b.start, b.end, b.size) for n, b in found.bounded.items()} == {
        "a": (START, END, 0),
        "b": own,
        "c": own,
        "result": own,
    }
    hidden = found.bounded["a"].query.sql
    assert f"AS {START}" in hidden
    assert f"AS {END}" in hidden


def test_a_stage_over_one_that_hides_its_window_has_no_bounds() -> None:
    found = outline(
        "WITH a AS (SELECT device, window_end FROM tumble(readings, ts, INTERVAL 10 SECONDS)), "
        "b AS (SELECT device FROM a) SELECT device FROM b"
    )
    assert found.bounded.keys() == {"a", "b"}
