"""A job's query is untrusted: what an attacker would write is refused, or harmless."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamops_nb.db import Session, ident, literal, sealed
from streamops_nb.model.errors import QueryRefused
from streamops_nb.plan.functions import TIME_NOW, WINDOW_MACROS, is_allowed
from streamops_nb.plan.planner import Param, Planner
from tests.unit.plan.planning import STREAMS, plan, refusal, refusals

WINDOW = "tumble(readings, ts, INTERVAL 10 SECONDS)"

# each reads a file, a setting, the catalog or the environment, or runs SQL, if it gets through
READS = [
    "SELECT * FROM 'secret.csv'",
    'SELECT * FROM "secret.csv"',
    "SELECT * FROM 'secret.parquet' s, readings r",
    "FROM 'http://127.0.0.1/x.csv'",
    "TABLE 'secret.csv'",
    "SELECT * FROM read_csv('secret.csv')",
    "SELECT * FROM READ_TEXT('secret.csv')",
    "SELECT * FROM \"read_text\"('secret.csv')",
    "FROM read_text('secret.csv') SELECT content",
    "SELECT * FROM readings, read_text(device)",
    "SELECT * FROM readings, LATERAL read_text(device)",
    "SELECT * FROM readings, LATERAL (SELECT * FROM read_text(device))",
    "SELECT * FROM readings JOIN read_text('secret.csv') ON true",
    "SELECT * FROM readings WHERE device IN (FROM read_csv('secret.csv'))",
    "SELECT * FROM readings WHERE device IN (SELECT file FROM glob('*'))",
    "SELECT *, (SELECT content FROM read_text('secret.csv')) AS x FROM readings",
    "WITH a AS (SELECT * FROM read_text('secret.csv')) SELECT temp FROM readings",
    "SELECT temp FROM readings UNION ALL SELECT size FROM read_text('secret.csv')",
    (
        f"SELECT window_start, count(*) AS n FROM {WINDOW} GROUP BY ALL "
        "HAVING count(*) > (SELECT size FROM read_text('secret.csv'))"
    ),
    (
        f"SELECT window_start, n FROM {WINDOW} QUALIFY rank() OVER (PARTITION BY window_start "
        "ORDER BY (SELECT size FROM read_text('secret.csv'))) = 1"
    ),
    (
        "SELECT window_start, sum(n) FILTER (n > (SELECT size FROM read_text('x'))) AS n "
        f"FROM {WINDOW} GROUP BY ALL"
    ),
    "SELECT * FROM tumble(readings, ts, (SELECT to_seconds(size) FROM read_text('secret.csv')))",
    "SELECT * FROM range((SELECT size FROM read_text('secret.csv')))",
    "SELECT * FROM unnest((SELECT list(content) FROM read_text('secret.csv')))",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query(if(current_setting('enable_external_access')::BOOLEAN, 'a', 'b'))",
    "SELECT * FROM query_table('readings')",
    "SELECT * FROM query_table(['readings'])",
    "SELECT query('SELECT 1') AS x FROM readings",
    "SELECT * FROM json_execute_serialized_sql('{}')",
    "SELECT json_execute_serialized_sql('{}') AS x FROM readings",
    "SELECT json_serialize_sql('SELECT 1') AS x FROM readings",
    "SELECT current_setting('threads') AS x FROM readings",
    "SELECT Current_Setting('threads') AS x FROM readings",
    "SELECT \"current_setting\"('threads') AS x FROM readings",
    "SELECT main.current_setting('threads') AS x FROM readings",
    "SELECT system.main.current_setting('threads') AS x FROM readings",
    "SELECT 'threads'.current_setting() AS x FROM readings",
    "SELECT device.current_setting() AS x FROM readings",
    "SELECT \"main.current_setting\"('threads') AS x FROM readings",
    "SELECT \"abs(1), current_setting\"('threads') AS x FROM readings",
    "SELECT list_transform([1], lambda x: current_setting('threads')) AS x FROM readings",
    "SELECT [current_setting(x) for x in ['threads']] AS x FROM readings",
    "SELECT COLUMNS(lambda c: c = current_setting('threads')) FROM readings",
    "SELECT * REPLACE (current_setting('threads') AS device) FROM readings",
    "SELECT {'a': current_setting('threads')} AS x FROM readings",
    "SELECT MAP {'a': current_setting('threads')} AS x FROM readings",
    "SELECT CASE WHEN false THEN current_setting('threads') END AS x FROM readings",
    "SELECT TRY(current_setting('threads')) AS x FROM readings",
    "SELECT CAST(current_setting('threads') AS INTEGER) AS x FROM readings",
    "SELECT temp FROM readings WHERE temp BETWEEN 1 AND current_setting('threads')",
    "SELECT temp FROM readings -- harmless\n, read_text('secret.csv')",
    "SELECT temp /* ' */ FROM readings, read_text('secret.csv') /* ' */",
    "SELECT temp FROM readings, (SELECT 1 AS x FROM duckdb_settings())",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_tables",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM pragma_table_info('readings')",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM tables",
    "SELECT * FROM pg_catalog.pg_class",
    "SELECT * FROM pg_class",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM main.readings",
    "SELECT * FROM temp.readings",
    "SELECT * FROM temp.main.readings",
    "SELECT * FROM job.output",
    "SELECT * FROM job.main.batches",
    "SELECT * FROM state_result_0",
    "SELECT * FROM readings, job.rejects",
    "SELECT * FROM tumble(job.output, ts, INTERVAL 1 SECOND)",
    "SELECT * FROM tumble(secret, ts, INTERVAL 1 SECOND)",
    "SELECT * FROM main.tumble(readings, ts, INTERVAL 1 SECOND)",
    "SELECT * FROM memory.main.range(5)",
    "SELECT current_database AS x FROM readings",
    "SELECT current_user AS x FROM readings",
    "SELECT CURRENT_SCHEMA AS x FROM readings",
    "SELECT session_user AS x FROM readings",
    "SELECT user AS x FROM readings",
    "SELECT current_query() AS x FROM readings",
    "SELECT getenv('HOME') AS x FROM readings",
    "SELECT getvariable('x') AS x FROM readings",
    "SELECT nextval('s') AS x FROM readings",
    "SELECT write_log('x') AS x FROM readings",
    "SELECT sleep_ms(100000) AS x FROM readings",
    "SELECT pg_get_viewdef('x') AS x FROM readings",
    "SELECT * FROM (SHOW ALL TABLES)",
    "SELECT * FROM (SUMMARIZE readings)",
    "SELECT * FROM readings AT (TIMESTAMP => now())",
    "WITH a AS (INSERT INTO readings SELECT * FROM readings RETURNING *) SELECT * FROM a",
    "WITH a AS (DELETE FROM readings RETURNING *) SELECT * FROM a",
    "SELECT * FROM (COPY readings TO 'x.csv')",
    "SELECT temp INTO x FROM readings",
    "SELECT temp FROM readings; COPY readings TO 'x.csv'",
    "SELECT temp FROM readings;; ATTACH 'x.db'",
    "SELECT 1\0; DROP TABLE readings",
    f"SELECT window_start, sum(temp) EXPORT_STATE AS x FROM {WINDOW} GROUP BY ALL",
    f"SELECT window_start, finalize(sum(temp)) AS x FROM {WINDOW} GROUP BY ALL",
    f"SELECT window_start, combine_aggr(temp) AS x FROM {WINDOW} GROUP BY ALL",
    "SELECT list_aggregate([1, 2], 'combine_aggr') AS x FROM readings",
    "SELECT list_aggregate([1, 2], device) AS x FROM readings",
]


@pytest.mark.parametrize("query", READS)
def test_what_an_attacker_would_write_is_refused(query: str) -> None:
    assert all(fault.what for fault in refusals(query))


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    instance = sealed(threads=1)
    yield instance.session()
    instance.close()


def test_every_function_of_duckdb_that_is_not_allowed_is_refused(session: Session) -> None:
    names = {
        name
        for (name,) in session.rows(
            "SELECT function_name FROM duckdb_functions() "
            "WHERE function_type IN ('scalar', 'aggregate', 'macro', 'scalar_macro', 'window')"
        )
        if name.isidentifier() and not is_allowed(name.lower()) and name.lower() not in TIME_NOW
    }
    assert len(names) > 100
    through = []
    for name in sorted(names):
        faults = refusals(f"SELECT {ident(name)}(temp) AS x FROM readings")
        if not any(f"{name.lower()}()" in fault.what for fault in faults):
            through.append(name)
    assert through == []


def test_every_table_function_but_windows_and_ranges_is_refused(session: Session) -> None:
    names = {
        name
        for (name,) in session.rows(
            "SELECT function_name FROM duckdb_functions() "
            "WHERE function_type IN ('table', 'table_macro', 'pragma')"
        )
    }
    allowed = {*WINDOW_MACROS, "unnest", "range", "generate_series"}
    assert len(names - allowed) > 50
    for name in sorted(names - allowed):
        assert "may not be used" in refusal(f"SELECT * FROM {ident(name)}()").what


def test_every_view_and_table_of_the_catalog_is_unknown(session: Session) -> None:
    names = {
        name
        for (name,) in session.rows(
            "SELECT view_name FROM duckdb_views() UNION SELECT table_name FROM duckdb_tables()"
        )
    }
    assert len(names) > 20
    for name in sorted(names):
        assert "there is no stream" in refusal(f"SELECT * FROM {ident(name)}").what


def test_no_allowed_function_is_volatile_or_looks_at_the_session(session: Session) -> None:
    # what takes or makes a time with a zone looks at the session's zone, and that is UTC always
    zoned = "list_has_any(parameter_types, ['TIMESTAMP WITH TIME ZONE', 'TIMESTAMPTZ_NS'])"
    unsteady = {
        name.lower()
        for (name,) in session.rows(
            "SELECT function_name FROM duckdb_functions() WHERE stability <> 'CONSISTENT' "
            f"AND NOT (stability = 'CONSISTENT_WITHIN_QUERY' AND {zoned})"
        )
    } - {"make_timestamptz", "timezone"}
    assert {"random", "current_setting", "now"} <= unsteady
    assert {name for name in unsteady if is_allowed(name)} <= TIME_NOW.keys()


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@given(name=NAMES)
def test_no_name_of_a_function_gets_sql_through(name: str) -> None:
    if is_allowed(name.lower()) or name.lower() in (*TIME_NOW, *WINDOW_MACROS):
        return
    with pytest.raises(QueryRefused):
        plan(f"SELECT {ident(name)}(temp) AS x FROM readings")


@given(name=NAMES)
def test_no_name_of_a_table_gets_a_file_through(name: str) -> None:
    if name.lower() in ("readings", "clicks", "timeless", "devices"):
        return
    with pytest.raises(QueryRefused):
        plan(f"SELECT * FROM {ident(name)}")


HOSTILE = [
    "x' OR '1'='1",
    "'); COPY readings TO 'x.csv'; --",
    '"; DROP TABLE readings; --',
    "$$ $x$ {} {0} %s \\ \\' \n\t",
    "/* ' */ -- \"",
    "žluťoučký 🐎 \u202e",
    "{FROM}{TO} $1 $name ?",
    "",
    " ",
]


def _run(query: str, params: dict[str, Param], session: Session) -> list[tuple[object, ...]]:
    """Plan a stateless query and run what came out over one row."""
    compiled = plan(query, params=params).output
    assert compiled is not None
    one = session.table(
        "SELECT CAST('2024-01-01' AS TIMESTAMPTZ) AS ts, 'a' AS device, CAST(1.5 AS DOUBLE) AS "
        "temp, CAST(7 AS BIGINT) AS n, ['t'] AS tags, {'x': 1.0, 'y': 2.0} AS loc"
    )
    with session.registered(readings=one):
        return session.rows(compiled.fill(now=1_000_000))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_as_constant_parameter_and_name(
    text: str, session: Session
) -> None:
    name = ident(text or "x")
    query = (
        f"WITH {ident('c' + text)} AS (SELECT {literal(text)} AS {name}, temp FROM readings) "
        f"SELECT {name} AS constant, $text AS parameter, {{{literal(text or 'x')}: temp}} AS s, "
        f"[{name}, $text] AS l FROM {ident('c' + text)} WHERE {name} = $text"
    )
    params = {"text": Param(type="VARCHAR", value=text)}
    assert _run(query, params, session) == [(text, text, {text or "x": 1.5}, [text, text])]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_parameter_of_hostile_text_is_one_value(text: str, session: Session) -> None:
    params = {"text": Param(type="VARCHAR", value=text)}
    assert _run("SELECT $text AS x, length($text) AS n FROM readings", params, session) == [
        (text, len(text))
    ]


def test_a_parameter_may_not_hold_the_placeholders_of_the_planner() -> None:
    params = {"text": Param(type="VARCHAR", value="$_streamops_now")}
    with pytest.raises(QueryRefused, match="reserved"):
        plan("SELECT $text AS x FROM readings", params=params)


def _nested(before: str, inner: str, after: str, times: int) -> str:
    return f"SELECT {before * times}{inner}{after * times} AS x FROM readings"


DEEP = {
    "calls": _nested("abs(", "temp", ")", 3000),
    "calls within the parser's limit": _nested("abs(", "n", ")", 900),
    "brackets": _nested("(", "temp", ")", 50_000),
    "lists": _nested("[", "", "]", 5_000),
    "signs": _nested("- ", "temp", "", 50_000),
    "cases": _nested("CASE WHEN true THEN ", "1", " END", 2_000),
    "scalar subqueries": _nested("(SELECT ", "1", ")", 900),
    "terms": _nested("n + ", "n", "", 20_000),
    "FROM": "SELECT * FROM " + "(SELECT * FROM " * 900 + "readings" + ")" * 900,
}


@pytest.mark.parametrize("query", DEEP.values(), ids=DEEP.keys())
def test_a_query_nested_without_end_is_refused(query: str) -> None:
    assert "depth" in (what := refusal(query).what) or "deep" in what


def test_a_long_but_shallow_query_is_planned() -> None:
    terms = " OR ".join(f"n = {i}" for i in range(800))
    columns = ", ".join(f"temp + {i} AS c{i}" for i in range(500))
    cases = " ".join(f"WHEN n = {i} THEN {i}" for i in range(500))
    query = f"SELECT {columns}, CASE {cases} END AS k FROM readings WHERE {terms}"
    assert len(plan(query).columns) == 501


def test_planning_that_takes_too_long_is_given_up() -> None:
    hasty = Planner(patience=0.2)
    # twenty sums over nine million numbers: four seconds of folded constants
    sums = " + ".join(
        f"list_sum(list_transform(range(9000000), lambda x: x + {i}))" for i in range(20)
    )
    with pytest.raises(QueryRefused, match="took longer"):
        hasty.plan(f"SELECT {sums} AS x FROM readings", STREAMS)
    assert hasty.plan("SELECT temp FROM readings", STREAMS).columns == {"temp": "DOUBLE"}
    hasty.close()


def test_text_that_is_not_unicode_is_refused() -> None:
    assert refusal("SELECT '\ud800' AS x FROM readings").what
