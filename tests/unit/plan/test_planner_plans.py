"""What the planner makes of a query: types, what is kept, and how far frontiers trail."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from streamops_nb.db import Session, ident, sealed
from streamops_nb.plan.operator import Plan
from streamops_nb.plan.planner import Param, StreamShape
from tests.unit.plan.planning import plan

WINDOW = "tumble(readings, ts, INTERVAL 10 SECONDS)"
CLICKS = "tumble(clicks, ts, INTERVAL 10 SECONDS)"
TEN, MINUTE = 10_000_000, 60_000_000
STAMP = "TIMESTAMP WITH TIME ZONE"


class Kept(NamedTuple):
    query: str
    keeps: dict[str, list[str]]


STATE = [
    Kept("SELECT temp FROM readings", {}),
    Kept("SELECT r.temp, d.site FROM readings r LEFT JOIN devices d USING (device)", {}),
    Kept("SELECT device, unnest(tags) AS tag FROM readings", {}),
    Kept("SELECT device FROM readings UNION ALL SELECT device FROM clicks", {}),
    Kept(f"SELECT * FROM {WINDOW}", {"result": ["rows"]}),
    Kept(
        f"SELECT window_start, device, count(*) AS n FROM {WINDOW} GROUP BY ALL",
        {"result": ["partials"]},
    ),
    Kept(
        f"SELECT window_start, device, avg(temp) AS a FROM {WINDOW} GROUP BY 1, 2",
        {"result": ["partials"]},
    ),
    Kept(
        "SELECT window_start, site, sum(temp) FILTER (n > 1) AS s "
        f"FROM {WINDOW} r JOIN devices d USING (device) WHERE cap > $threshold "
        "GROUP BY ALL HAVING count(*) > 2",
        {"result": ["partials"]},
    ),
    Kept(
        "SELECT window_start, window_end, count(*) AS n FROM hop(readings, ts, INTERVAL 3 SECONDS,"
        " INTERVAL 10 SECONDS) GROUP BY ALL",
        {"result": ["partials"]},
    ),
    Kept(
        "SELECT window_start, window_end, count(*) AS n FROM session(readings, ts, device, "
        "INTERVAL 10 SECONDS) GROUP BY ALL",
        {"result": ["rows"]},
    ),
    Kept(
        f"SELECT window_start, count(*) AS n, median(temp) AS m FROM {WINDOW} GROUP BY ALL",
        {"result": ["rows"]},
    ),
    Kept(
        f"SELECT a.temp, b.url FROM {WINDOW} a JOIN {CLICKS} b USING (window_start)",
        {"result": ["rows", "rows"]},
    ),
    Kept(
        f"SELECT a.temp FROM {WINDOW} a SEMI JOIN {CLICKS} b USING (window_start, device)",
        {"result": ["rows", "rows"]},
    ),
    Kept(
        f"WITH m AS (SELECT window_start, device, avg(temp) AS a FROM {WINDOW} GROUP BY ALL), "
        f"k AS (SELECT window_start, device, count(*) AS c FROM {CLICKS} GROUP BY ALL) "
        "SELECT * FROM m JOIN k USING (window_start, device)",
        {"m": ["partials"], "k": ["partials"], "result": ["closed rows", "closed rows"]},
    ),
    # what closes together needs no waiting
    Kept(
        f"WITH m AS (SELECT window_start, device, avg(temp) AS a FROM {WINDOW} GROUP BY ALL), "
        f"k AS (SELECT window_start, device, max(n) AS c FROM {WINDOW} GROUP BY ALL) "
        "SELECT * FROM m JOIN k USING (window_start, device)",
        {"m": ["partials"], "k": ["partials"], "result": []},
    ),
    Kept(
        f"WITH m AS (SELECT window_start AS s, avg(temp) AS a FROM {WINDOW} GROUP BY ALL) "
        "SELECT window_start, median(a) AS x FROM tumble(m, s, INTERVAL 1 MINUTE) GROUP BY ALL",
        {"m": ["partials"], "result": ["rows"]},
    ),
    # a stage that the result does not read is not kept
    Kept(
        f"WITH m AS (SELECT window_start, avg(temp) AS a FROM {WINDOW} GROUP BY ALL) "
        "SELECT url FROM clicks",
        {},
    ),
]


def _kept(made: Plan) -> dict[str, list[str]]:
    return {each.name: [table.keeps for table in each.tables] for each in made.operators}


@pytest.mark.parametrize("case", STATE, ids=lambda case: case.query[:60])
def test_a_query_keeps_no_more_state_than_it_needs(case: Kept) -> None:
    assert _kept(plan(case.query)) == case.keeps


DECOMPOSE = [
    "count(*)", "count(n)", "sum(n)", "sum(temp)", "avg(temp)", "mean(n)", "min(device)",
    "max(temp)", "product(temp)", "bool_and(n > 1)", "bool_or(n > 1)", "bit_and(n)", "bit_or(n)",
    "bit_xor(n)", "count_if(n > 1)", "countif(n > 1)", "stddev(temp)", "stddev_pop(temp)",
    "var_pop(temp)", "variance(temp)", "var_samp(temp)", "sem(temp)", "skewness(temp)",
    "kurtosis(temp)", "corr(temp, n)", "covar_pop(temp, n)", "regr_slope(temp, n)", "fsum(temp)",
    "approx_count_distinct(device)", "sum(temp) FILTER (n > 1)", "sum(temp) / count(*)",
    "coalesce(max(n), 0) + 1",
]  # fmt: skip
KEEP_ROWS = [
    "count(DISTINCT device)", "sum(DISTINCT n)", "list(n ORDER BY n)", "list(n)",
    "string_agg(device, ',')", "first(temp)", "last(temp)", "any_value(temp)", "median(temp)",
    "quantile_cont(temp, 0.9)", "mode(n)", "mad(temp)", "histogram(n)", "arg_max(device, temp)",
    "max(temp, 3)", "min_by(device, temp)", "geomean(temp)", "count(*) + median(temp)",
    "sum(n ORDER BY temp)", "max(n + epoch_ms(window_start))", "max(r)", "entropy(n)",
]  # fmt: skip


@pytest.mark.parametrize(
    ("aggregate", "keeps"),
    [(each, "partials") for each in DECOMPOSE] + [(each, "rows") for each in KEEP_ROWS],
)
def test_partial_states_are_kept_where_every_aggregate_decomposes(
    aggregate: str, keeps: str
) -> None:
    made = plan(f"SELECT window_start, {aggregate} AS x FROM {WINDOW} r GROUP BY window_start")
    assert _kept(made) == {"result": [keeps]}


TRAILS = [
    ("window_start AS t", f"{WINDOW}", TEN),
    ("window_end AS t", f"{WINDOW}", 0),
    ("window_start AS t", "hop(readings, ts, INTERVAL 5 SECONDS, INTERVAL 10 SECONDS)", TEN),
    ("window_end AS t", "hop(readings, ts, INTERVAL 5 SECONDS, INTERVAL 10 SECONDS)", 0),
    ("window_end AS t", "session(readings, ts, NULL, INTERVAL 10 SECONDS)", 0),
]


@pytest.mark.parametrize(("bound", "window", "trail"), TRAILS)
def test_a_frontier_trails_by_the_inner_window_when_its_start_is_the_time(
    bound: str, window: str, trail: int
) -> None:
    made = plan(
        f"WITH m AS (SELECT {bound}, max(temp) AS a FROM {window} "
        "GROUP BY window_start, window_end) "
        "SELECT window_start, max(a) AS x FROM tumble(m, t, INTERVAL 1 MINUTE) GROUP BY ALL"
    )
    assert [dict(each.frontier) for each in made.operators] == [
        {"readings": 0},
        {"readings": trail},
    ]


def test_trails_add_up_and_the_slowest_input_decides() -> None:
    made = plan(
        f"WITH m AS (SELECT window_start AS s, max(temp) AS a FROM {WINDOW} GROUP BY ALL),\n"
        "q AS (SELECT window_start AS s, max(a) AS a FROM tumble(m, s, INTERVAL 1 MINUTE)"
        " GROUP BY ALL),\n"
        "h AS (SELECT window_start, max(a) AS a FROM tumble(q, s, INTERVAL 1 HOUR) GROUP BY ALL),\n"
        "r AS (SELECT window_start, count(*) AS c FROM tumble(readings, ts, INTERVAL 1 HOUR)"
        " GROUP BY ALL),\n"
        "k AS (SELECT window_start, count(*) AS d FROM tumble(clicks, ts, INTERVAL 1 HOUR)"
        " GROUP BY ALL)\n"
        "SELECT * FROM h JOIN r USING (window_start) JOIN k USING (window_start)"
    )
    assert {each.name: dict(each.frontier) for each in made.operators} == {
        "m": {"readings": 0},
        "q": {"readings": TEN},
        "h": {"readings": TEN + MINUTE},
        "r": {"readings": 0},
        "k": {"clicks": 0},
        "result": {"readings": TEN + MINUTE, "clicks": 0},
    }


def test_types_of_every_stage_are_known() -> None:
    made = plan(
        "WITH hot AS (SELECT *, temp * 2 AS twice FROM readings WHERE temp > $threshold),\n"
        "sites AS (SELECT device, upper(site) AS site FROM devices),\n"
        "mean AS (SELECT window_end AS closed, site, avg(twice) AS a, list(n) AS ns,\n"
        "         max(loc) AS loc\n"
        "         FROM tumble(hot, ts, INTERVAL 10 SECONDS) JOIN sites USING (device) GROUP BY ALL)"
        "\nSELECT closed::DATE AS day, site, a::DECIMAL(9, 2) AS a, ns[1] AS n, loc.x FROM mean"
    )
    assert {stage.name: dict(stage.relation.columns) for stage in made.stages} == {
        "hot": {
            "ts": STAMP, "device": "VARCHAR", "temp": "DOUBLE", "n": "BIGINT",
            "tags": "VARCHAR[]", "loc": "STRUCT(x DOUBLE, y DOUBLE)", "twice": "DOUBLE",
        },
        "sites": {"device": "VARCHAR", "site": "VARCHAR"},
        "mean": {
            "closed": STAMP, "site": "VARCHAR", "a": "DOUBLE", "ns": "BIGINT[]",
            "loc": "STRUCT(x DOUBLE, y DOUBLE)",
        },
        "result": {
            "day": "DATE", "site": "VARCHAR", "a": "DECIMAL(9,2)", "n": "BIGINT", "x": "DOUBLE",
        },
    }  # fmt: skip
    assert (made.streams, made.references) == (("readings",), ("devices",))
    assert made.event_times == {"readings": "ts"}


@pytest.mark.parametrize("kind", ["TIMESTAMP", "TIMESTAMPTZ"])
@pytest.mark.parametrize("aggregate", ["count(*)", "median(n)"])
def test_window_bounds_have_the_type_of_the_event_time(kind: str, aggregate: str) -> None:
    shapes = {"s": StreamShape(columns={"t": kind, "n": "BIGINT"}, event_time="t")}
    made = plan(
        f"SELECT window_start, window_end, {aggregate} AS x FROM tumble(s, t, INTERVAL 1 MINUTE) "
        "GROUP BY ALL",
        streams=shapes,
    )
    written = {"TIMESTAMPTZ": STAMP}.get(kind, kind)
    assert [made.columns[name] for name in ("window_start", "window_end")] == [written, written]


SAME = [
    "SELECT temp FROM readings",
    "SELECT temp FROM readings;",
    "  \n\tSELECT temp FROM readings ; -- the end",
    "/* first */ SELECT temp -- a ; b ' \"\n FROM /* (readings) */ readings ;;",
    "select TEMP AS temp from READINGS",
    'SELECT "temp" FROM "readings"',
    "FROM readings SELECT temp",
    "SELECT r.temp FROM readings AS r",
    "SELECT temp FROM (SELECT * FROM readings)",
    "SELECT temp FROM ((SELECT * FROM readings))",
    "WITH a AS MATERIALIZED (SELECT * FROM readings) SELECT temp FROM a",
    "WITH a AS NOT MATERIALIZED (FROM readings) SELECT temp FROM a",
    "SELECT COLUMNS('^temp$') FROM readings",
    "SELECT * EXCLUDE (ts, device, n, tags, loc) FROM readings",
    "SELECT (temp) FROM readings",
]


@pytest.mark.parametrize("query", SAME)
def test_one_query_may_be_written_in_many_ways(query: str) -> None:
    assert plan(query).columns == {"temp": "DOUBLE"}


def test_names_may_be_keywords_and_any_letters() -> None:
    names = ["select", "from", "group by", "a.b", 'a"b', "a'b", "ключ", "🐎", "$x", "{x}", "a\nb"]
    shape = StreamShape(
        columns={"t": "TIMESTAMPTZ", **dict.fromkeys(names, "BIGINT")}, event_time="t"
    )
    listed = ", ".join(ident(name) for name in names)
    query = (
        f"WITH {ident('table')} AS (SELECT t, {listed} FROM {ident('order')}) "
        f"SELECT window_start, {listed}, count(*) AS {ident('limit')} "
        f"FROM tumble({ident('table')}, t, INTERVAL 1 MINUTE) GROUP BY ALL"
    )
    made = plan(query, streams={"order": shape})
    assert list(made.columns) == ["window_start", *names, "limit"]


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    instance = sealed(threads=1)
    yield instance.session()
    instance.close()


def _one(query: str, session: Session, **options: Any) -> tuple[Any, ...]:
    """Plan a stateless query over a stream of one row and run what came out."""
    shape = StreamShape(columns={"x": "INTEGER", "user": "VARCHAR", "now": "VARCHAR"})
    compiled = plan(query, streams={"one": shape}, **options).output
    assert compiled is not None
    rows = session.table("SELECT 1 AS x, 'me' AS \"user\", 'then' AS now")
    with session.registered(one=rows):
        (row,) = session.rows(compiled.fill(now=1_704_067_200_000_000))
    return row


def test_now_is_the_batchs_recorded_time(session: Session) -> None:
    row = _one(
        "SELECT now() AS a, current_timestamp AS b, today() AS c, current_date AS d, "
        "get_current_timestamp() AS e, transaction_timestamp() AS f, year(now()) AS g FROM one",
        session,
    )
    stamp, day = datetime(2024, 1, 1, tzinfo=UTC), date(2024, 1, 1)
    assert row == (stamp, stamp, day, day, stamp, stamp, 2024)


def test_columns_named_like_functions_without_brackets_are_columns(session: Session) -> None:
    assert _one('SELECT "user" AS a, one.user AS b, now AS c FROM one', session) == (
        "me",
        "me",
        "then",
    )


VALUES: list[tuple[str, Any, Any]] = [
    ("BOOLEAN", True, True),
    ("TINYINT", -128, -128),
    ("BIGINT", 2**63 - 1, 2**63 - 1),
    ("UBIGINT", 2**64 - 1, 2**64 - 1),
    ("HUGEINT", -(2**127), -(2**127)),
    ("DOUBLE", 0.1, 0.1),
    ("DOUBLE", 1e308, 1e308),
    ("DOUBLE", 5e-324, 5e-324),
    ("DOUBLE", float("inf"), float("inf")),
    ("FLOAT", 0.5, 0.5),
    ("DECIMAL(38, 9)", "12345678901234567890.123456789", Decimal("12345678901234567890.123456789")),
    ("VARCHAR", "x' || (SELECT 1) || '", "x' || (SELECT 1) || '"),
    ("DATE", "2024-02-29", date(2024, 2, 29)),
    ("TIME", "23:59:59.999999", time(23, 59, 59, 999_999)),
    ("TIMESTAMP", "1969-12-31 23:59:59.999999", datetime(1969, 12, 31, 23, 59, 59, 999_999)),  # noqa: DTZ001
    ("TIMESTAMPTZ", "2024-01-01T01:00:00+01:00", datetime(2024, 1, 1, tzinfo=UTC)),
    ("INTERVAL", "90 minutes", timedelta(minutes=90)),
    ("UUID", "00112233-4455-6677-8899-aabbccddeeff", UUID("00112233-4455-6677-8899-aabbccddeeff")),
    ("VARCHAR[]", "['a', 'b']", ["a", "b"]),
    ("INTEGER", None, None),
    ("VARCHAR", None, None),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "wanted"), VALUES)
def test_a_parameter_has_its_type_and_value(
    kind: str, value: Any, wanted: Any, session: Session
) -> None:
    params = {"p": Param(type=kind, value=value)}
    assert _one("SELECT $p AS p FROM one", session, params=params) == (wanted,)


CONSTANTS = [
    "1e300", "0.1::DOUBLE + 0.2::DOUBLE", "123456789012345678901234567890",
    "1.000000000000000001", "-170141183460469231731687303715884105728", "'\\x00\\xFF'::BLOB",
    "E'a\\nb\\'c'", "'it''s'", "INTERVAL '1 year 2 months 3 days 4 hours'",
    "TIMESTAMP '0001-01-01 00:00:00'", "TIMESTAMP 'infinity'", "DATE '9999-12-31'",
    "'nan'::DOUBLE", "[1, NULL, 3]", "{'a': {'b': 1}}", "MAP {'k': [1]}", "x'DEADBEEF'",
    "1 BETWEEN 0 AND 2 AND NOT false", "(1, 'a')", "'1':: INTEGER",
    "CASE 2 WHEN 1 THEN 'a' WHEN 2 THEN 'b' ELSE 'c' END",
    "list_transform([1, 2], lambda v: v + 1)", "[v * 2 for v in [1, 2, 3] if v > 1]",
    "'abc'[2:3]", "5 // 2", "-7 % 3", "2 ** 10", "'a' || 'b'",
    "'abc' LIKE 'a%' AND 'abc' NOT ILIKE 'B%' AND 'abc' SIMILAR TO 'a.c'",
    "1 IS DISTINCT FROM NULL", "1 IN (1, 2) AND 3 NOT IN (1, 2)", "try_cast('x' AS INTEGER)",
    "coalesce(NULL, 4)", "~5 & 3 | 8", "extract('year' FROM DATE '2024-05-06')",
    "'2024-05-06'::DATE + 3", "true AND NULL", "(SELECT max(v) FROM (VALUES (1), (7)) t(v))",
    "EXISTS (SELECT 1)", "struct_pack(a := 1).a", "'{\"a\": [1]}'::JSON ->> '$.a[0]'",
    "1_000_000", "'\\u00e9'", "5!", "@(-5)",
]  # fmt: skip


@pytest.mark.parametrize("text", CONSTANTS)
def test_an_expression_means_the_same_after_it_went_through_the_tree(
    text: str, session: Session
) -> None:
    (compiled,) = _one(f"SELECT {text} AS x FROM one", session)
    ((plain,),) = session.rows(f"SELECT {text}")
    assert repr(compiled) == repr(plain)


def test_the_fingerprint_of_state_changes_with_what_is_kept_only() -> None:
    def fingerprints(query: str) -> list[str]:
        return [table.fingerprint for table in plan(query).tables]

    counted = f"SELECT window_start, count(*) AS n FROM {WINDOW} GROUP BY ALL"
    assert fingerprints(counted) == fingerprints(counted + " HAVING count(*) > 3")
    assert fingerprints(counted) == fingerprints(counted.replace(" AS n", " AS other"))
    for other in (
        counted.replace("count(*)", "sum(n)"),
        counted.replace("10 SECONDS", "20 SECONDS"),
        counted.replace(" GROUP", " WHERE temp > 1 GROUP"),
        counted.replace("SELECT", "SELECT device,"),
    ):
        assert fingerprints(counted) != fingerprints(other)


def test_the_plan_of_a_query_is_the_same_every_time() -> None:
    query = STATE[-4].query
    assert plan(query).operators == plan(query).operators


def test_what_is_kept_for_the_mark_of_cut_off_windows_is_explained() -> None:
    query = (
        "WITH s AS (SELECT window_end AS e, count(*) AS n "
        "FROM session(readings, ts, device, INTERVAL 4 SECONDS) GROUP BY ALL) "
        "SELECT window_start, sum(n) AS n FROM tumble(s, e, INTERVAL 10 SECONDS) GROUP BY ALL"
    )
    marked = plan(query, marks=True)
    assert list(marked.columns) == ["window_start", "n", "_cut_off"]
    assert [table.keeps for table in marked.tables] == ["rows", "partials", "times"]
    assert "the column _cut_off" in marked.explain()
    assert "when sessions ended that the start point cut off" in marked.explain()
    assert "_cut_off" not in plan(query).columns
    assert "_cut_off" not in plan(query).explain()


@pytest.mark.parametrize("query", ["SELECT * FROM readings", f"SELECT * FROM {WINDOW}"])
def test_only_a_query_that_needs_both_sides_of_its_windows_is_split(query: str) -> None:
    assert not plan(query).splits
