"""A job's output equals the batch result of its query, whatever the cuts, crashes and restarts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.flow.drawn import Case, cases
from tests.flow.running import Batch, Bench, alike, job

DEVICES = pa.table(
    {
        "device": ["a", "b", "z"],
        "site": ["north", "south", "west"],
        "cap": [2.0, -1.5, 0.0],
    }
)
PARAMS: dict[str, dict[str, Any]] = {
    "threshold": {"type": "DOUBLE", "default": 0.25},
    "name": {"type": "VARCHAR", "default": "a'\"; --"},
    "seconds": {"type": "INTEGER", "default": 6},
}

# aggregates whose partial states combine; the streams' numbers are multiples of 1/4
COMBINED = (
    "count(*)", "count(temp)", "sum(n)", "sum(temp)", "avg(temp)", "mean(n)", "min(device)",
    "max(temp)", "min(ts)", "product(n)", "bool_and(n > 1)", "bool_or(temp > 1)", "bit_and(n)",
    "bit_or(n)", "bit_xor(n)", "count_if(n > 1)", "countif(temp > $threshold)", "stddev(temp)",
    "stddev_pop(n)", "stddev_samp(temp)", "var_pop(temp)", "var_samp(n)", "variance(temp)",
    "sem(n)", "skewness(n)", "kurtosis(n)", "kurtosis_pop(n)", "corr(temp, n)",
    "covar_pop(temp, n)", "covar_samp(temp, n)", "regr_avgx(temp, n)", "regr_avgy(temp, n)",
    "regr_count(temp, n)", "regr_intercept(temp, n)", "regr_r2(temp, n)", "regr_slope(temp, n)",
    "regr_sxx(temp, n)", "regr_sxy(temp, n)", "regr_syy(temp, n)", "fsum(temp)",
    "kahan_sum(temp)", "sumkahan(n)", "favg(temp)", "approx_count_distinct(device)",
    "sum(n) FILTER (temp > 0)", "count(*) FILTER (WHERE device = 'a')", "max(n) + min(n)",
    "coalesce(sum(temp) FILTER (n IS NULL), -1)", "sum(CASE WHEN temp > 0 THEN n END)",
)  # fmt: skip
# aggregates that need the rows
WHOLE = (
    "median(temp)", "quantile_cont(temp, 0.3)", "quantile_disc(n, 0.5)", "count(DISTINCT device)",
    "sum(DISTINCT n)", "list(n ORDER BY id)", "string_agg(device, ',' ORDER BY id)",
    "first(temp ORDER BY id)", "arg_max(device, id)", "max_by(temp, id)", "min(n, 2)",
    "list(DISTINCT device ORDER BY device)", "mad(temp)", "histogram(n)", "geomean(abs(temp) + 1)",
    "median(temp) FILTER (n > 0)", "max(CAST(r AS VARCHAR))",
)  # fmt: skip
KEYS = (
    "device", "n % 2", "upper(device) || '!'", "device IS NULL", "date_trunc('minute', ts)",
    "CASE WHEN temp > $threshold THEN 'hot' ELSE coalesce(device, 'none') END", "r.device",
)  # fmt: skip
WINDOWS = (
    "tumble({rel}, {time}, INTERVAL 10 SECONDS)",
    "tumble({rel}, {time}, to_seconds($seconds))",
    "hop({rel}, {time}, INTERVAL 5 SECONDS, INTERVAL 10 SECONDS)",
    "hop({rel}, {time}, INTERVAL 3 SECONDS, INTERVAL 10 SECONDS)",
    "hop({rel}, {time}, INTERVAL 7 SECONDS, INTERVAL 7 SECONDS)",
    "cumulate({rel}, {time}, INTERVAL 5 SECONDS, INTERVAL 20 SECONDS)",
    "tumble({rel}, {time}, INTERVAL 1 DAY)",
)


def _window(rel: str = "readings", time: str = "ts") -> st.SearchStrategy[str]:
    return st.sampled_from(WINDOWS).map(lambda text: text.format(rel=rel, time=time))


def _some(texts: tuple[str, ...], most: int = 4) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(texts), min_size=1, max_size=most, unique=True)


def _named(texts: list[str], letter: str) -> str:
    return ", ".join(f"{text} AS {letter}{i}" for i, text in enumerate(texts))


@st.composite
def _aggregations(draw: st.DrawFn, aggregates: tuple[str, ...]) -> str:
    keys = draw(_some(KEYS, 2)) if draw(st.booleans()) else []
    where = draw(st.sampled_from(["", "WHERE temp > $threshold", "WHERE device <> $name"]))
    having = draw(st.sampled_from(["", "HAVING count(*) > 1"]))
    selected = ["window_start", "window_end", *([_named(keys, "k")] if keys else [])]
    selected.append(_named(draw(_some(aggregates)), "a"))
    return f"SELECT {', '.join(selected)} FROM {draw(_window())} r {where} GROUP BY ALL {having}"


@st.composite
def _sessions(draw: st.DrawFn) -> str:
    keys = draw(st.sampled_from(["device", "(device, n)", "NULL", "n % 2", "coalesce(device, '')"]))
    gap = draw(st.sampled_from(["1 SECOND", "3 SECONDS", "20 SECONDS"]))
    window = f"session(readings, ts, {keys}, INTERVAL {gap})"
    if draw(st.booleans()):
        return f"SELECT * FROM {window}"
    grouped = "device, n, " if keys == "(device, n)" else "device, " if keys == "device" else ""
    aggregate = draw(st.sampled_from(["count(*)", "median(temp)", "list(id ORDER BY id)"]))
    return f"SELECT window_start, window_end, {grouped}{aggregate} AS x FROM {window} GROUP BY ALL"


@st.composite
def _chains(draw: st.DrawFn) -> str:
    """Windows over windows, over windows perhaps."""
    inner = draw(st.one_of(_window(), st.just("session(readings, ts, device, INTERVAL 3 SECONDS)")))
    bound = (
        "window_end"
        if "session" in inner
        else draw(st.sampled_from(["window_start", "window_end"]))
    )
    first = draw(st.sampled_from(["avg(temp)", "median(temp)", "count(*)", "max(n)"]))
    steps = [
        (
            f"m AS (SELECT window_start AS b, window_end AS e, device, {first} AS a FROM {inner} "
            "GROUP BY ALL)"
        )
    ]
    time = "b" if bound == "window_start" else "e"
    last = "m"
    if draw(st.booleans()):
        steps.append(
            f"q AS (SELECT window_start AS b2, window_end AS e2, device, max(a) AS a FROM "
            f"tumble(m, {time}, INTERVAL 30 SECONDS) GROUP BY ALL)"
        )
        last, time = "q", draw(st.sampled_from(["b2", "e2"]))
    outer = draw(_window(last, time))
    second = draw(st.sampled_from(["sum(a)", "list(a ORDER BY a, device)", "count(*)"]))
    return (
        f"WITH {', '.join(steps)} SELECT window_start, window_end, {second} AS x FROM {outer} "
        "GROUP BY ALL"
    )


@st.composite
def _joins(draw: st.DrawFn) -> str:
    """Joins of two streams in the same window, aggregated or row by row."""
    kind = draw(st.sampled_from(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]))
    window = draw(
        st.sampled_from([each for each in WINDOWS if "7 SECONDS" not in each and "DAY" not in each])
    )
    left, right = (window.format(rel=rel, time="ts") for rel in ("readings", "clicks"))
    bounds = "window_start, window_end"
    if draw(st.booleans()):
        using = draw(st.booleans())
        on = (
            f"USING ({bounds}, device)"
            if using
            else "ON m.window_start = k.window_start AND m.window_end = k.window_end "
            "AND m.device = k.device"
        )
        selected = "*" if using else "m.window_start, m.device, m.a, k.c, k.window_end AS e"
        return (
            f"WITH m AS (SELECT {bounds}, device, median(temp) AS a FROM {left} GROUP BY ALL), "
            f"k AS (SELECT {bounds}, device, count(*) AS c FROM {right} GROUP BY ALL) "
            f"SELECT {selected} FROM m {kind} k {on}"
        )
    kind = draw(st.sampled_from([kind, "SEMI JOIN", "ANTI JOIN"]))
    selected = "m.window_end, m.id" + ("" if kind[:4] in ("SEMI", "ANTI") else ", k.id AS id2")
    return (
        f"SELECT {selected} FROM {left} m {kind} {right} k ON m.window_end = k.window_end "
        "AND m.window_start = k.window_start AND m.device = k.device"
    )


TOP = (
    (
        "SELECT window_start, device, temp, id FROM {window} QUALIFY row_number() OVER (PARTITION "
        "BY window_start, window_end ORDER BY temp DESC, id) <= 2"
    ),
    (
        "SELECT window_end, device, id FROM {window} QUALIFY row_number() OVER (PARTITION BY "
        "window_end, device ORDER BY id) = 1"
    ),
    (
        "SELECT window_start, window_end, device, count(*) AS c FROM {window} GROUP BY "
        "window_start, window_end, device QUALIFY rank() OVER (PARTITION BY window_end ORDER BY "
        "count(*) DESC) = 1"
    ),
    (
        "SELECT window_start, window_end, device, sum(count(*)) OVER (PARTITION BY window_end) "
        "AS c "
        "FROM {window} GROUP BY window_start, window_end, device"
    ),
    (
        "WITH m AS (SELECT window_start, window_end, device, avg(temp) AS a FROM {window} GROUP BY "
        "ALL) SELECT *, lag(a) OVER (PARTITION BY window_end ORDER BY device) AS before FROM m"
    ),
    "SELECT DISTINCT window_start, window_end, device FROM {window}",
    "SELECT *, n + 1 AS n1 FROM {window} WHERE temp > $threshold",
)
STATELESS = (
    "SELECT * FROM readings",
    "SELECT device, temp * 2 AS t FROM readings WHERE temp > $threshold AND device <> $name",
    "SELECT id, unnest(tags) AS tag FROM readings",
    "SELECT r.id, u.tag FROM readings r, unnest(r.tags) AS u(tag)",
    "SELECT r.id, d.site FROM readings r LEFT JOIN devices d USING (device)",
    (
        "SELECT r.id, d.site, d.cap FROM readings r JOIN devices d ON r.device = d.device "
        "AND r.temp > d.cap"
    ),
    "SELECT id FROM readings WHERE device IN (SELECT device FROM devices WHERE cap > -1)",
    "SELECT id FROM readings r ANTI JOIN devices d USING (device)",
    "SELECT id, (SELECT max(cap) FROM devices d WHERE d.device = r.device) AS m FROM readings r",
    (
        "WITH hot AS (SELECT * FROM readings WHERE temp > $threshold), few AS (SELECT id, n FROM "
        "hot) "
        "SELECT id, coalesce(n, 0) // 2 AS half FROM few"
    ),
    (
        "WITH sites AS (SELECT site, count(*) AS c FROM devices GROUP BY site ORDER BY site "
        "LIMIT 2) "
        "SELECT id, site FROM readings, sites"
    ),
)
MIXED = (
    (
        "WITH ev AS (SELECT ts, device, unnest(tags) AS tag FROM readings) SELECT window_start, "
        "window_end, tag, count(*) AS c FROM {window} GROUP BY ALL"
    ),
    (
        "WITH ev AS (SELECT r.*, d.site FROM readings r LEFT JOIN devices d USING (device)) "
        "SELECT window_start, window_end, site, sum(n) AS s FROM {window} GROUP BY ALL"
    ),
    (
        "WITH ev AS (SELECT * FROM readings WHERE temp > $threshold) SELECT window_start, "
        "window_end, "
        "d.site, median(e.temp) AS m FROM {window} e JOIN devices d USING (device) GROUP BY ALL"
    ),
    (
        "WITH ev AS (SELECT * REPLACE (upper(device) AS device) FROM readings) "
        "SELECT window_start, window_end, device, count(*) AS c, $name AS p FROM {window} GROUP "
        "BY ALL"
    ),
    "WITH ev AS (SELECT * EXCLUDE (tags, n) FROM readings) SELECT * FROM {window}",
    (
        "SELECT window_start, window_end, x.c FROM (SELECT window_start, window_end, count(*) AS c "
        "FROM {plain} GROUP BY ALL) x WHERE x.c > 1"
    ),
)
UNITED = (
    "SELECT ts, device FROM readings UNION ALL SELECT ts, device FROM clicks",
    (
        "SELECT ts, device FROM readings WHERE temp > $threshold UNION ALL "
        "(SELECT ts, upper(url) AS device FROM clicks)"
    ),
    (
        "SELECT ts, device FROM readings UNION ALL SELECT ts, device FROM clicks UNION ALL "
        "SELECT ts, 'again' FROM readings"
    ),
)

pytestmark = pytest.mark.timeout(900)  # a failing example is shrunk for minutes

KINDS: dict[str, st.SearchStrategy[Case]] = {
    "partial aggregates": cases(_aggregations(COMBINED), params=PARAMS),
    "aggregates of rows": cases(_aggregations((*WHOLE, *COMBINED[:6])), params=PARAMS),
    "sessions": cases(_sessions()),
    "windows over windows": cases(_chains(), params=PARAMS),
    "joins of windows": cases(_joins(), ("readings", "clicks"), params=PARAMS),
    "top n and window functions": cases(
        st.builds(
            lambda query, window: query.format(window=window), st.sampled_from(TOP), _window()
        ),
        params=PARAMS,
    ),
    "stateless": cases(st.sampled_from(STATELESS), params=PARAMS),
    "stages before windows": cases(
        st.builds(
            lambda query, window, plain: query.format(window=window, plain=plain),
            st.sampled_from(MIXED),
            _window("ev"),
            _window(),
        ),
        params=PARAMS,
    ),
    "united streams": cases(
        st.builds(
            lambda union, window: (
                f"WITH u AS ({union}) SELECT window_start, window_end, device, "
                f"count(*) AS c FROM {window} GROUP BY ALL"
            ),
            st.sampled_from(UNITED),
            _window("u"),
        ),
        ("readings", "clicks"),
        params=PARAMS,
    ),
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("equality")
    pyarrow.parquet.write_table(DEVICES, folder / "devices.parquet")
    bench = Bench(folder)
    yield bench
    bench.close()


@pytest.fixture(scope="module")
def batch() -> Iterator[Batch]:
    batch = Batch()
    yield batch
    batch.close()


@pytest.fixture(scope="module")
def ahead() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


def _used(texts: Mapping[str, Any], query: str) -> dict[str, Any]:
    return {name: value for name, value in texts.items() if f"${name}" in query}


def _prove(case: Case, bench: Bench, batch: Batch, ahead: ThreadPoolExecutor) -> None:
    params = _used(case.params, case.query)
    references = {"devices": {"type": "parquet", "path": "devices.parquet"}}
    wanted = batch.rows(
        case.query,
        case.inputs,
        {name: each["default"] for name, each in params.items()},
        {"devices": DEVICES},
    )
    spec = job(
        case.query,
        case.inputs,
        params=params,
        references=references,
        trigger={"rows": case.rows_per_batch},
    )
    given_ahead = {"ahead": ahead} if case.ahead else {}
    found = bench.run(spec, case.inputs, restart=case.restart, **given_ahead)
    assert alike(found.rows, wanted) == []
    assert (found.total("late"), found.total("partly_late"), found.rejects) == (0, 0, [])
    assert found.total("rows_out") == len(found.rows)
    assert [each.n for each in found.batches] == list(range(1, len(found.batches) + 1))


def _hold(kind: str, examples: int, bench: Bench, batch: Batch, ahead: ThreadPoolExecutor) -> None:
    @settings(max_examples=examples, suppress_health_check=list(HealthCheck))
    @given(KINDS[kind])
    def equal(case: Case) -> None:
        _prove(case, bench, batch, ahead)

    equal()


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_equals_the_batch_result(
    kind: str, bench: Bench, batch: Batch, ahead: ThreadPoolExecutor
) -> None:
    _hold(kind, 15, bench, batch, ahead)


@pytest.mark.soak
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("kind", KINDS)
def test_a_job_equals_the_batch_result_over_and_over(
    kind: str, bench: Bench, batch: Batch, ahead: ThreadPoolExecutor
) -> None:
    _hold(kind, 2_000, bench, batch, ahead)
