"""What the planner refuses: where, what, and what to write instead."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pytest

from streamops_nb.model.errors import QueryRefused
from streamops_nb.plan.functions import FOREIGN, TIME_NOW, is_allowed
from streamops_nb.plan.planner import Param
from tests.unit.plan.planning import STREAMS, plan, refusal, refusals

WINDOW = "tumble(readings, ts, INTERVAL 10 SECONDS)"
CLICKS = "tumble(clicks, ts, INTERVAL 10 SECONDS)"


class Case(NamedTuple):
    query: str
    place: str
    what: str
    remedy: str = ""


UNKNOWN = [
    Case("SELECT * FROM reading", "1:15", "no stream, reference or CTE `reading`", "`readings`"),
    Case("SELECT 1 AS x FROM\n  nowhere", "2:3", "`nowhere`", "`clicks`, `devices`"),
    Case("SELECT tmep FROM readings", "1:8", '"tmep"', "temp"),
    Case("SELECT device,\n  r.nope\nFROM readings r", "2:3", '"nope"'),
    Case("SELECT floorr(temp) AS x FROM readings", "1:8", "floorr()", "did you mean floor()"),
    Case("SELECT uuid() AS x FROM readings", "1:8", "uuid()", "what it does here is hash()"),
    Case("SELECT nosuch() AS x FROM readings", "1:8", "nosuch()", "docs/functions.md"),
    Case(
        "SELECT list_filter([1], x -> x > 1) AS x\nFROM readings", "1:25", "write `lambda x: x + 1`"
    ),
    Case("SELECT temp > $limit AS x FROM readings", "1:15", "no parameter $limit", "$threshold"),
    Case("SELECT ? AS x FROM readings", "1:8", "no parameter $1", "$threshold"),
    Case("SELECT temp::NOSUCH AS x FROM readings", "1:14", "NOSUCH"),
    Case("SELECT temp + device AS x FROM readings", "1:13", "+(DOUBLE, VARCHAR)"),
    Case(f"SELECT window_start, sum(device) AS x FROM {WINDOW} GROUP BY ALL", "1:22", "sum"),
    Case("SELECT temp FROM readings WHRE temp > 1", "1:32", "syntax error"),
    Case("SELECT temp FROM readings WHERE", "1:27", "syntax error"),
]

NOT_A_QUERY = [
    Case("", "", "0 statements"),
    Case(";", "", "0 statements", "one SELECT"),
    Case("SELECT ';' AS x -- ;\nFROM readings;\nSELECT 1", "3:1", "2 statements", "one SELECT"),
    Case("INSERT INTO readings SELECT * FROM readings", "1:1", "Only SELECT", "writes nothing"),
    Case("COPY readings TO '/tmp/x.csv'", "1:1", "Only SELECT", "writes nothing"),
    Case("CREATE TABLE x AS SELECT * FROM readings", "1:1", "Only SELECT", "writes nothing"),
    Case("DROP TABLE readings", "1:1", "Only SELECT", "writes nothing"),
    Case("ATTACH 'x.db'", "1:1", "Only SELECT", "writes nothing"),
    Case("SET threads = 1", "1:1", "Only SELECT", "writes nothing"),
    Case("PRAGMA database_list", "1:1", "Only SELECT", "writes nothing"),
    Case("CALL pragma_version()", "1:1", "Only SELECT", "writes nothing"),
    Case("EXPLAIN ANALYZE SELECT * FROM readings", "1:1", "Only SELECT", "writes nothing"),
    Case("SELECT 1 AS x", "", "reads no stream", "FROM"),
    Case("VALUES (1)", "", "reads no stream", "FROM"),
    Case("SELECT * FROM devices", "", "reads no stream", "FROM"),
    Case("DESCRIBE readings", "", "DESCRIBE"),
    Case("SUMMARIZE readings", "", "SUMMARIZE"),
    Case("SHOW TABLES", "", "SHOW"),
    Case("FROM (DESCRIBE readings)", "", "DESCRIBE"),
    Case("PIVOT readings ON device USING sum(temp)", "1:1", "PIVOT", "FILTER"),
    Case("FROM (PIVOT readings ON device IN ('a', 'b') USING sum(temp))", "", "PIVOT", "FILTER"),
]

NEEDS_A_WINDOW = [
    Case("SELECT device, count(*) AS n FROM readings GROUP BY device", "1:16", "aggregate",
         "tumble"),
    Case("SELECT device FROM readings GROUP BY device", "1:38", "aggregate", "tumble"),
    Case("SELECT device, sum(temp) FILTER (n > 1) AS s FROM readings GROUP BY ALL", "1:16",
         "aggregate", "tumble"),
    Case("SELECT *, lag(temp) OVER (ORDER BY ts) AS l FROM readings", "1:11", "window function",
         "tumble"),
    Case("SELECT temp FROM readings QUALIFY row_number() OVER (PARTITION BY n ORDER BY ts) = 1",
         "1:35", "window function", "tumble"),
    Case("SELECT r.temp FROM readings r JOIN clicks c ON r.device = c.device", "1:36",
         "without a window", "window_start"),
    Case("SELECT r.temp FROM readings r, clicks c", "1:32", "without a window", "window_start"),
    Case("SELECT r.temp FROM readings r ASOF JOIN clicks c ON r.ts >= c.ts", "1:41",
         "without a window", "window_start"),
    Case("SELECT r.temp FROM readings r SEMI JOIN clicks c ON r.device = c.device", "1:41",
         "without a window", "window_start"),
    Case("SELECT r.temp FROM readings r ANTI JOIN clicks c USING (device)", "1:41",
         "without a window", "window_start"),
    Case(f"SELECT a.temp FROM {WINDOW} a JOIN clicks c ON a.device = c.device", "1:69",
         "no window itself", "tumble(clicks"),
    Case(f"SELECT a.temp FROM {WINDOW} a ANTI JOIN clicks c ON a.device = c.device", "1:74",
         "no window itself", "tumble(clicks"),
    Case("SELECT *, (SELECT max(temp) FROM clicks) AS m FROM readings", "1:34",
         "never is complete", "join"),
    Case("SELECT * FROM readings WHERE device IN (SELECT device FROM clicks)", "1:60",
         "never is complete", "join"),
    Case("SELECT * FROM readings r WHERE EXISTS (SELECT 1 FROM clicks c WHERE c.device = r.device)",
         "1:54", "never is complete", "join"),
    Case(f"SELECT * FROM readings WHERE device IN (SELECT device FROM {CLICKS})", "1:40",
         "never is complete", "join"),
    Case(f"SELECT * FROM readings r WHERE EXISTS (FROM {CLICKS} c WHERE c.device = r.device)",
         "1:32", "never is complete", "join"),
]  # fmt: skip

LOOKS_ACROSS_WINDOWS = [
    Case(f"SELECT device, count(*) AS n FROM {WINDOW} GROUP BY device", "1:16",
         "GROUP BY lacks the window", "window_start"),
    Case(f"SELECT count(*) AS n FROM {WINDOW}", "1:8", "GROUP BY lacks the window",
         "window_start"),
    Case(f"SELECT date_trunc('hour', window_start) AS h, count(*) AS n FROM {WINDOW} GROUP BY ALL",
         "1:47", "GROUP BY lacks the window", "window_start"),
    Case(f"SELECT window_start + INTERVAL 1 HOUR AS w, count(*) AS n FROM {WINDOW} GROUP BY w",
         "1:45", "GROUP BY lacks the window", "window_start"),
    Case(f"WITH m AS (SELECT window_start AS s, avg(temp) AS a FROM {WINDOW} GROUP BY ALL)\n"
         "SELECT max(a) AS x FROM m", "2:8", "GROUP BY lacks the window", "window_start"),
    Case("SELECT window_start, count(*) AS n FROM cumulate(readings, ts, INTERVAL 5 SECONDS,"
         " INTERVAL 10 SECONDS) GROUP BY ALL", "1:22", "GROUP BY lacks the window", "window_end"),
    Case("SELECT window_start, count(*) AS n FROM session(readings, ts, device,"
         " INTERVAL 10 SECONDS) GROUP BY ALL", "1:22", "GROUP BY lacks the window", "window_end"),
    Case(f"SELECT device, lag(temp) OVER (PARTITION BY device ORDER BY ts) AS l FROM {WINDOW}",
         "1:16", "across windows", "window_start"),
    Case(f"SELECT device FROM {WINDOW} QUALIFY row_number() OVER (ORDER BY ts) = 1", "1:70",
         "across windows", "window_start"),
    Case(f"SELECT window_start, n - lag(n) OVER (ORDER BY window_start) AS d FROM {WINDOW}",
         "1:26", "across windows", "window_start"),
    Case(f"SELECT device FROM {WINDOW}\nQUALIFY rank() OVER (PARTITION BY window_start::DATE "
         "ORDER BY n) = 1", "2:9", "across windows", "window_start"),
    Case(f"SELECT DISTINCT device FROM {WINDOW}", "1:17", "DISTINCT without the window",
         "window_start"),
    Case(f"SELECT device, window_start FROM {WINDOW} GROUP BY ROLLUP (device, window_start)",
         "1:8", "ROLLUP"),
    Case(f"SELECT window_start, count(*) AS n FROM {WINDOW}\nGROUP BY CUBE (window_start)",
         "1:8", "CUBE"),
    Case(f"SELECT a.temp FROM {WINDOW} a JOIN {CLICKS} c ON a.device = c.device", "1:64",
         "lacks the window", "a.window_start = b.window_start"),
    Case(f"SELECT a.temp FROM {WINDOW} a LEFT JOIN {CLICKS} c ON a.device = c.device "
         "WHERE a.window_start = c.window_start", "1:64", "lacks the window", "window_start"),
    Case(f"SELECT a.temp FROM {WINDOW} a JOIN {CLICKS} c ON a.window_start < c.window_start",
         "1:64", "lacks the window", "window_start"),
    Case(f"SELECT a.temp FROM {WINDOW} a JOIN {CLICKS} c ON a.device = c.device "
         "OR a.window_start = c.window_start", "1:64", "lacks the window", "window_start"),
    Case(f"SELECT a.temp FROM {WINDOW} a JOIN {CLICKS} c ON a.window_start = c.window_end",
         "1:64", "lacks the window", "window_start"),
    Case(f"SELECT a.temp FROM {WINDOW} a SEMI JOIN {CLICKS} c ON a.device = c.device", "1:64",
         "lacks the window", "window_start"),
    Case(f"SELECT a.temp FROM {WINDOW} a JOIN tumble(clicks, ts, INTERVAL 20 SECONDS) c "
         "ON a.window_start = c.window_start", "1:69", "different windows", "equal"),
    Case(f"SELECT a.temp FROM {WINDOW} a JOIN hop(clicks, ts, INTERVAL 5 SECONDS, INTERVAL 10 "
         "SECONDS) c USING (window_start)", "1:69", "different windows", "equal"),
    Case(f"SELECT temp, ts FROM {WINDOW} UNION ALL SELECT temp, ts FROM readings", "1:8",
         "UNION ALL", "window"),
]  # fmt: skip

ENDLESS = [
    Case("SELECT * FROM readings ORDER BY ts", "1:33", "ORDER BY", "row_number()"),
    Case("SELECT * FROM readings LIMIT 3", "1:30", "LIMIT", "row_number()"),
    Case("SELECT * FROM readings LIMIT 10%", "1:30", "LIMIT", "row_number()"),
    Case("SELECT * FROM readings OFFSET 3", "1:8", "LIMIT", "row_number()"),
    Case("SELECT DISTINCT device FROM readings", "1:17", "DISTINCT", "row_number()"),
    Case("SELECT DISTINCT ON (device) temp FROM readings", "1:21", "DISTINCT", "row_number()"),
    Case(f"SELECT DISTINCT ON (device) temp, window_start FROM {WINDOW}", "1:21", "DISTINCT",
         "row_number()"),
    Case("SELECT device FROM readings UNION SELECT device FROM clicks", "1:8", "UNION ALL",
         "UNION ALL"),
    Case("SELECT device FROM readings EXCEPT SELECT device FROM clicks", "1:8", "set operations",
         "join"),
    Case("SELECT device FROM readings INTERSECT ALL SELECT device FROM clicks", "1:8",
         "set operations", "join"),
    Case("SELECT device FROM readings UNION ALL SELECT device FROM clicks ORDER BY 1", "1:8",
         "set operations"),
    Case("SELECT device FROM readings UNION ALL SELECT device FROM devices", "1:8", "UNION ALL"),
    Case("SELECT random() AS x FROM readings", "1:8", "random()"),
    Case("SELECT uuid() AS x FROM readings", "1:8", "uuid()"),
    Case("SELECT age(ts) AS x FROM readings", "1:8", "age()"),
    Case("SELECT localtimestamp AS x FROM readings", "1:8", "localtimestamp"),
    Case("SELECT current_time AS x FROM readings", "1:8", "current_time"),
    Case("SELECT * FROM readings TABLESAMPLE 10%", "1:15", "random", "hash"),
    Case("SELECT * FROM readings USING SAMPLE 10%", "1:8", "random", "hash"),
    Case(f"SELECT window_start, count(*) AS n FROM {WINDOW} GROUP BY ALL USING SAMPLE 3 ROWS",
         "1:8", "random", "hash"),
    Case("SELECT * FROM devices d LEFT JOIN readings r USING (device)", "1:25", "unmatched",
         "other side|side that is kept"),
    Case("SELECT * FROM readings r RIGHT JOIN devices d USING (device)", "1:26", "unmatched",
         "side that is kept"),
    Case("SELECT * FROM readings r FULL JOIN devices d USING (device)", "1:26", "unmatched",
         "side that is kept"),
    Case("SELECT * FROM devices d ANTI JOIN readings r USING (device)", "1:25", "unmatched",
         "side that is kept"),
    Case("SELECT d.site FROM devices d SEMI JOIN readings r USING (device)", "1:30", "unmatched",
         "side that is kept"),
]  # fmt: skip

WINDOWS = [
    Case("SELECT * FROM tumble(readings, temp, INTERVAL 1 SECOND)", "1:32", "not an event time",
         "`ts`"),
    Case("SELECT * FROM tumble(readings, ts + INTERVAL 1 HOUR, INTERVAL 1 SECOND)", "1:35",
         "not an event time", "`ts`"),
    Case("SELECT * FROM tumble(timeless, stamp, INTERVAL 1 SECOND)", "1:32", "not an event time",
         "declare `event_time`"),
    Case("WITH u AS (SELECT ts + INTERVAL 1 HOUR AS ts FROM readings)\n"
         "SELECT * FROM tumble(u, ts, INTERVAL 1 SECOND)", "2:25", "not an event time",
         "unchanged"),
    Case("WITH u AS (SELECT * REPLACE (date_trunc('hour', ts) AS ts) FROM readings)\n"
         "SELECT * FROM tumble(u, ts, INTERVAL 1 SECOND)", "2:25", "not an event time",
         "unchanged"),
    Case("SELECT * FROM tumble(readings, ts, INTERVAL 1 MONTH)", "1:36", "months", "days"),
    Case("SELECT * FROM tumble(readings, ts, INTERVAL 2 YEARS)", "1:36", "months", "days"),
    Case("SELECT * FROM tumble(readings, ts, INTERVAL 0 SECONDS)", "1:36", "positive", "seconds"),
    Case("SELECT * FROM tumble(readings, ts, INTERVAL '-5 seconds')", "1:36", "positive",
         "seconds"),
    Case("SELECT * FROM tumble(readings, ts, 10)", "1:36", "not an interval", "INTERVAL 10"),
    Case("SELECT * FROM tumble(readings, ts, NULL)", "1:36", "not an interval", "INTERVAL 10"),
    Case("SELECT * FROM tumble(readings, ts, to_seconds(n))", "1:36", "column", "constant"),
    Case("SELECT * FROM tumble(readings, ts, (SELECT INTERVAL 1 SECOND))", "1:36", "", "constant"),
    Case("SELECT * FROM tumble(readings, ts, INTERVAL 1 SECOND * epoch(now()))", "1:36", "",
         "constant"),
    Case("SELECT * FROM tumble(readings, ts)", "1:15", "takes 3", "tumble(rel, time, size)"),
    Case("SELECT * FROM tumble(readings, ts, size := INTERVAL 1 SECOND)", "1:15", "plain",
         "tumble(rel, time, size)"),
    Case("SELECT * FROM hop(readings, ts, INTERVAL 1 SECOND)", "1:15", "takes 4",
         "hop(rel, time, slide, size)"),
    Case("SELECT * FROM hop(readings, ts, INTERVAL 20 SECONDS, INTERVAL 10 SECONDS)", "1:15",
         "slide is longer", "slide, size"),
    Case("SELECT * FROM cumulate(readings, ts, INTERVAL 3 SECONDS, INTERVAL 10 SECONDS)", "1:15",
         "not a multiple"),
    Case("SELECT * FROM session(readings, ts, (SELECT 1), INTERVAL 10 SECONDS)", "1:37",
         "session keys", "column"),
    Case("SELECT * FROM tumble('readings', ts, INTERVAL 1 SECOND)", "1:22", "bare name",
         "tumble(rel"),
    Case("SELECT * FROM tumble((SELECT * FROM readings), ts, INTERVAL 1 SECOND)", "1:22",
         "bare name", "tumble(rel"),
    Case("SELECT * FROM tumble(nowhere, ts, INTERVAL 1 SECOND)", "1:22", "`nowhere`", "`readings`"),
    Case("SELECT * FROM tumble(devices, since, INTERVAL 1 SECOND)", "1:22", "reference", "plainly"),
    Case(f"WITH m AS (SELECT window_start, window_end, count(*) AS c FROM {WINDOW} GROUP BY ALL)\n"
         "SELECT * FROM tumble(m, window_start, INTERVAL 1 MINUTE)", "2:22", "window_end already",
         "rename"),
    Case("WITH m AS (SELECT window_start AS s, window_end AS e, device FROM session(readings, ts, "
         "device, INTERVAL 5 SECONDS))\nSELECT * FROM tumble(m, s, INTERVAL 1 MINUTE)", "2:25",
         "session's start", "window_end"),
]  # fmt: skip

FORMS = [
    Case("SELECT temp AS a, n AS a FROM readings", "1:8", "two columns are named `a`", "AS"),
    Case("SELECT temp AS a, n AS A FROM readings", "1:8", "two columns are named `a`", "AS"),
    Case("SELECT *, temp FROM readings", "1:8", "two columns are named `temp`", "AS"),
    Case("SELECT temp AS _batch FROM readings", "1:8", "`_batch` is taken", "AS"),
    Case("SELECT rowid FROM readings", "1:8", "rowid"),
    Case("SELECT temp FROM readings WHERE rowid < 5", "1:33", "rowid"),
    Case("SELECT * FROM readings NATURAL JOIN devices", "1:24", "NATURAL", "ON"),
    Case("SELECT * FROM readings POSITIONAL JOIN devices", "1:24", "POSITIONAL", "ON"),
    Case("SELECT #1 AS x FROM readings", "1:8", "#1", "name the column"),
    Case("SELECT device COLLATE NOCASE AS x FROM readings", "1:8", "collate"),
    Case("SELECT a FROM readings r(a)", "1:15", "column aliases", "CTE"),
    Case("SELECT * FROM readings AT (VERSION => 1)", "1:15", "AT is not supported"),
    Case("WITH a(x) AS (SELECT temp FROM readings) SELECT * FROM a", "", "renames its columns",
         "SELECT list"),
    Case("SELECT * FROM (SELECT temp FROM readings) s(x)", "", "renames its columns", "SELECT"),
    Case("WITH readings AS (SELECT 1 AS x) SELECT x FROM readings", "",
         "`readings` has the name of another relation", "rename"),
    Case("WITH result AS (SELECT temp FROM readings) SELECT temp FROM result", "",
         "`result` is the name of the final SELECT", "rename"),
    Case("WITH _a AS (SELECT temp FROM readings) SELECT temp FROM _a", "", "underscore",
         "another"),
    Case("WITH a AS (SELECT temp FROM b), b AS (SELECT temp FROM readings) SELECT temp FROM a",
         "1:29", "`b`"),
    Case("WITH a AS (SELECT * FROM a) SELECT * FROM a", "1:26", "`a`"),
    Case("WITH a AS (WITH b AS (SELECT temp FROM readings) SELECT temp FROM b) SELECT * FROM a",
         "", "WITH stands inside", "top"),
    Case("WITH RECURSIVE r AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM r WHERE x < 5)\n"
         "SELECT x FROM r", "", "RECURSIVE"),
    Case("SELECT '$_streamops_now' AS x FROM readings", "", "reserved", "leave it out"),
    Case("SELECT temp FROM readings -- $_streamops_from", "", "reserved", "leave it out"),
]  # fmt: skip


def _ids(case: Case) -> str:
    return " ".join(case.query.split())[:70]


def _assert_refused(case: Case) -> None:
    fault = refusal(case.query)
    assert fault.where == f"query {case.place}".strip()
    assert case.what in fault.what
    assert any(words in fault.remedy for words in case.remedy.split("|"))


@pytest.mark.parametrize("case", UNKNOWN, ids=_ids)
def test_unknown_names_and_types_are_refused_where_they_stand(case: Case) -> None:
    _assert_refused(case)


@pytest.mark.parametrize("case", NOT_A_QUERY, ids=_ids)
def test_what_is_not_one_select_over_a_stream_is_refused(case: Case) -> None:
    _assert_refused(case)


@pytest.mark.parametrize("case", NEEDS_A_WINDOW, ids=_ids)
def test_what_would_keep_all_rows_for_ever_is_refused(case: Case) -> None:
    _assert_refused(case)


@pytest.mark.parametrize("case", LOOKS_ACROSS_WINDOWS, ids=_ids)
def test_what_looks_across_windows_is_refused(case: Case) -> None:
    _assert_refused(case)


@pytest.mark.parametrize("case", ENDLESS, ids=_ids)
def test_what_has_no_answer_in_an_endless_stream_is_refused(case: Case) -> None:
    _assert_refused(case)


@pytest.mark.parametrize("case", WINDOWS, ids=_ids)
def test_windows_that_cannot_be_kept_are_refused(case: Case) -> None:
    _assert_refused(case)


@pytest.mark.parametrize("case", FORMS, ids=_ids)
def test_forms_that_are_not_supported_are_refused(case: Case) -> None:
    _assert_refused(case)


def test_every_fault_of_the_allow_list_is_told_at_once() -> None:
    faults = refusals("SELECT random() AS a,\n  uuid() AS b\nFROM nowhere")
    assert [fault.where for fault in faults] == ["query 1:8", "query 2:3", "query 3:6"]


def test_every_fault_of_a_stage_is_told_at_once() -> None:
    faults = refusals(
        "SELECT device, count(*) AS n\n"
        f"FROM {WINDOW}\n"
        "GROUP BY device\n"
        "QUALIFY row_number() OVER (ORDER BY n) = 1\n"
        "ORDER BY device LIMIT 3"
    )
    assert [fault.where for fault in faults] == [
        "query 1:16",
        "query 4:9",
        "query 5:10",
        "query 5:23",
    ]


def test_places_count_letters_not_bytes() -> None:
    fault = refusal("SELECT 'žluťoučký kůň 🐎' AS horse, nope FROM readings")
    assert fault.where == "query 1:36"


def test_places_of_a_query_with_windows_line_ends_are_right() -> None:
    assert refusal("SELECT temp,\r\n  nope\r\nFROM readings").where == "query 2:3"


def test_a_query_that_is_refused_leaves_the_planner_as_it_was() -> None:
    refusal("WITH a AS (SELECT nope FROM readings) SELECT * FROM a")
    assert plan("WITH a AS (SELECT temp FROM readings) SELECT * FROM a").columns == {
        "temp": "DOUBLE"
    }


def test_a_parameters_value_that_is_none_of_its_type_is_refused() -> None:
    # it would make a reject of every row
    wrong = {"size": Param(type="INTERVAL", value="soon"), "no": Param(type="DOUBLE", value=None)}
    with pytest.raises(QueryRefused) as caught:
        plan("SELECT ts + $size AS later, $no AS no FROM readings", params=wrong)
    assert [str(fault) for fault in caught.value.faults] == [
        'params.size: the text "soon" is no INTERVAL'
    ]


@pytest.mark.parametrize(
    ("query", "column"),
    [
        ("SELECT url FROM clicks\nWHERE device > 3", "device"),
        ("SELECT url FROM clicks WHERE 3 < device", "device"),
        ("SELECT url + 1 AS x FROM clicks", "url"),
        ("SELECT window_start, sum(url) AS x FROM " + CLICKS + " GROUP BY ALL", "url"),
    ],
)
def test_a_column_that_was_inferred_to_be_text_is_told_with_the_fault(
    query: str, column: str
) -> None:
    inferred = {"clicks": replace(STREAMS["clicks"], inferred=True)}
    with pytest.raises(QueryRefused) as caught:
        plan(query, streams=inferred)
    (fault,) = caught.value.faults
    assert f"not all values of `{column}` are numbers" in fault.remedy
    with pytest.raises(QueryRefused) as caught:
        plan(query)
    assert "inferred" not in str(caught.value)


def test_what_is_called_instead_of_a_foreign_function_is_allowed() -> None:
    assert [n for n in FOREIGN if is_allowed(n)] == []
    used = {*FOREIGN.values()} - {"unnest", *TIME_NOW}
    assert [name for name in used if not is_allowed(name)] == []
