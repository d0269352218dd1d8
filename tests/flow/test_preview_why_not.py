"""Why a row is not there: checked against evaluating every predicate in Python."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streamops_nb.engine.preview.sample import Sample
from streamops_nb.model.errors import Refused
from streamops_nb.ops.preview.preview import Preview
from streamops_nb.ops.preview.previews import Previews
from tests.flow.previewed import T0, drawn, preview, previews, readings, sample, spec

QUERY = """
WITH hot AS (
  SELECT ts, device, temp, temp * 2 AS twice FROM readings
  WHERE temp > $threshold AND device <> 'c'),
per AS (
  SELECT window_start, window_end, device, count(*) AS n, max(twice) AS top
  FROM tumble(hot, ts, INTERVAL 10 SECONDS)
  GROUP BY ALL
  HAVING count(*) > 1 AND top < 10)
SELECT * FROM per
QUALIFY row_number() OVER (PARTITION BY window_start ORDER BY n DESC, device) = 1"""
JOB = spec(QUERY, params={"threshold": {"type": "DOUBLE", "default": 1.0}})
WINDOW_FUNCTION = "row_number() OVER (PARTITION BY window_start ORDER BY n DESC, device)"
Row = tuple[int, str, float | None]

in_order = st.lists(
    st.tuples(
        st.integers(0, 19), st.sampled_from("abc"), st.sampled_from([0.5, 2.0, 3.0, 7.0, None])
    ),
    min_size=1,
    max_size=12,
).map(lambda rows: sorted(rows, key=lambda row: row[0]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("previews")


@pytest.fixture(scope="module")
def made(folder: Path) -> Iterator[Previews]:
    with previews(folder) as found:
        yield found


def group(rows: list[Row], window: int, device: str) -> list[float]:
    """The temperatures that pass the filters of `hot`."""
    return [
        t
        for s, d, t in rows
        if (s // 10, d) == (window, device) and t is not None and t > 1.0 and d != "c"
    ]


def expected(rows: list[Row], window: int, device: str) -> tuple[str, str, str]:
    """Reason, stage and predicate, by evaluating everything in order."""
    records = [(d, t) for s, d, t in rows if (s // 10, d) == (window, device)]
    if not records:
        return "absent", "readings", ""
    passed = group(rows, window, device)
    if not passed:
        hot = any(t is not None and t > 1.0 for _, t in records)
        return "filter", "hot", "device <> 'c'" if hot else "temp > $threshold"
    if len(passed) <= 1:
        return "filter", "per", "count(*) > 1"
    if not max(passed) * 2 < 10:
        return "filter", "per", "top < 10"
    groups = {d: group(rows, window, d) for d in "abc"}
    best = sorted((-len(g), d) for d, g in groups.items() if len(g) > 1 and max(g) * 2 < 10)
    if best[0][1] == device:
        return "present", "result", ""
    return "duplicate", "result", f"{WINDOW_FUNCTION} = 1"


@settings(max_examples=80, deadline=None)
@example(rows=[(1, "c", 0.5), (2, "c", 2.0), (3, "c", None)], window=0, device="c")
@example(rows=[(1, "a", 7.0), (2, "a", 2.0), (3, "b", 7.0)], window=0, device="a")
@example(rows=[(1, "a", 2.0), (2, "a", 2.0), (3, "b", 2.0), (3, "b", 3.0)], window=0, device="b")
@given(rows=in_order, window=st.integers(0, 1), device=st.sampled_from("abcd"))
def test_the_reason_is_the_first_predicate_that_does_not_hold(
    made: Previews, rows: list[Row], window: int, device: str
) -> None:
    shown = preview(made, JOB, sample(readings(*rows)))
    start = T0 + pd.Timedelta(seconds=10 * window)
    found = shown.why_not(window_start=start, device=device)
    assert (found.reason, found.stage, found.predicate) == expected(rows, window, device)
    if found.reason == "filter" and found.stage == "per":
        passed = group(rows, window, device)
        value = len(passed) if found.predicate == "count(*) > 1" else max(passed) * 2
        assert next(iter(found.values.values())) == value


def shown(made: Previews, *rows: Row, query: str = QUERY, **changes: Any) -> Preview:
    of = sample(readings(*rows), **changes)
    return preview(made, JOB | {"query": query}, of)


def test_the_answer_names_the_place_and_the_values(made: Previews) -> None:
    p = shown(made, (1, "a", 0.5), (2, "a", 0.25))
    found = p.why_not(device="a")
    assert repr(found) == (
        "hot: WHERE temp > $threshold (query 4:9) dropped all 2 rows with device = a\n"
        "  temp = 0.5, $threshold = 1"
    )
    assert found.df.to_dict("split")["data"] == [
        ["a", 0.5, "temp > $threshold"],
        ["a", 0.25, "temp > $threshold"],
    ]


def test_what_was_taken_instead_is_shown(made: Previews) -> None:
    p = shown(made, *((n, device, 2.0) for device in "ab" for n in (1, 2)))
    found = p.why_not({"device": "b"})
    assert (found.reason, found.values) == ("duplicate", {WINDOW_FUNCTION: 2})
    assert found.instead["device"].tolist() == ["a"]


def test_an_aggregate_with_another_value_is_told(made: Previews) -> None:
    p = shown(made, *((n, "a", 2.0) for n in (1, 2)))
    found = p.why_not(device="a", n=3)
    assert (found.reason, found.stage, dict(found.values)) == ("values", "per", {"n": 2})


def test_a_computed_value_that_no_row_has_is_told(made: Previews) -> None:
    p = shown(made, (1, "a", 2.0), query="SELECT device, temp + 1 AS more, 'x' AS x FROM readings")
    assert p.why_not(more=7.0).reason == "values"
    assert p.why_not(x="y").text == "result: of 1 row that could be it none has x = y"
    assert p.why_not(device="b").reason == "absent"


def test_a_stage_may_be_asked(made: Previews) -> None:
    p = shown(made, (1, "c", 2.0), (2, "a", 2.0))
    assert p.why_not(device="c", stage="hot").predicate == "device <> 'c'"
    assert p.why_not(device="a", stage="hot").reason == "present"


TUMBLED = """
SELECT window_start, window_end, device, count(*) AS n
FROM tumble(readings, ts, INTERVAL 10 SECONDS) GROUP BY ALL"""


def test_a_window_that_is_open_or_cut_off_is_told(made: Previews) -> None:
    rows: list[Row] = [(1, "a", 1.0), (12, "b", 1.0), (23, "c", 1.0)]
    p = shown(made, *rows, query=TUMBLED, begins=False, ends=False)
    reasons = [(d, p.why_not(device=d).reason) for d in "abc"]
    assert reasons == [("a", "cut off"), ("b", "present"), ("c", "early")]


def test_a_row_of_which_every_record_came_late_is_told(made: Previews) -> None:
    rows: list[Row] = [(1, "a", 1.0), (21, "a", 1.0), (2, "b", 1.0)]
    p = shown(made, *rows, query=TUMBLED, ends=False)
    found = p.why_not(device="b")
    assert (found.reason, found.stage) == ("late", "result")
    start = {"window_start": T0}
    assert p.why_not(start, device="a").reason == "present"


def test_a_row_whose_event_time_is_no_use_is_a_reject(made: Previews) -> None:
    rows = readings((1, "a", 1.0))
    p = preview(made, spec(TUMBLED), sample([*rows, {**rows[0], "ts": None, "device": "b"}]))
    found = p.why_not(device="b")
    assert (found.reason, found.stage) == ("event time", "readings")
    assert "the event time is NULL (offset 1)" in found.text


def test_a_record_that_does_not_decode_is_a_reject(made: Previews) -> None:
    texts = [b'{"ts": "2025-01-01T00:00:01Z", "device": "a", "temp": 1}',
             b'{"ts": "2025-13-01T00:00:01Z", "device": "b", "temp": 1}',
             b'{"device": "broken']  # fmt: skip
    raw = pa.table(
        {
            "_raw": pa.array(texts, pa.binary()),
            "_partition": ["0"] * 3,
            "_offset": pa.array([0, 1, 2], pa.int64()),
        }
    )
    one = replace(drawn([]), raw=raw, decoded=False)
    p = preview(made, spec(TUMBLED), Sample(streams={"readings": one}, how="given", at=1.8e9))
    assert [p.why_not(device=d).reason for d in ("a", "b", "broken", "z")] == [
        "present",
        "decode",
        "decode",
        "absent",
    ]


def test_a_reject_is_blamed_for_its_own_values_and_time_alone(made: Previews) -> None:
    texts = [b"2025-01-01T00:00:07Z,cart,slow", b"2025-01-01T00:00:08Z,a,1"]
    offsets = pa.array([0, 1], pa.int64())
    raw = pa.table({"_raw": texts, "_partition": ["0"] * 2, "_offset": offsets})
    one = replace(drawn([]), raw=raw, decoded=False)
    job = spec(TUMBLED)
    job["streams"]["readings"]["format"] = {"type": "csv", "header": False}
    p = preview(made, job, Sample(streams={"readings": one}, how="given", at=1.8e9))
    asked = [("cart", T0), ("car", T0), ("cart", T0 + pd.Timedelta(minutes=1))]
    found = [p.why_not(device=device, window_start=start) for device, start in asked]
    assert [one.reason for one in found] == ["decode", "absent", "absent"]
    assert "1 row that may have device = cart" in found[0].text


def test_a_row_on_which_an_expression_fails_is_a_reject(made: Previews) -> None:
    query = """
        WITH kept AS (SELECT * FROM readings WHERE temp > 1)
        SELECT device, CAST(device AS INTEGER) AS number FROM kept"""
    p = preview(made, spec(query), sample(readings((1, "7", 2.0), (2, "x", 2.0), (3, "y", 0.0))))
    found = p.why_not(device="x")
    assert (found.reason, found.stage) == ("expression", "result")
    assert p.why_not(device="y").stage == "kept"


def test_a_join_without_a_partner_is_told(made: Previews, folder: Path) -> None:
    (folder / "devices.csv").write_text("device,line\na,1\n")
    query = """
        SELECT r.ts, r.device, d.line
        FROM readings AS r JOIN devices AS d ON r.device = d.device"""
    job = spec(query, references={"devices": {"type": "csv", "path": "devices.csv"}})
    p = preview(made, job, sample(readings((1, "a", 1.0), (2, "b", 1.0))))
    found = p.why_not(device="b")
    assert (found.reason, found.predicate) == ("join", "r.device = d.device")
    assert dict(found.values) == {"without a partner in": "devices"}
    assert p.why_not(line=7).stage == "devices"


def test_the_side_of_a_join_that_has_nothing_is_looked_into(made: Previews) -> None:
    query = """
        WITH a AS (SELECT window_start, window_end, device, count(*) AS n
                   FROM tumble(readings, ts, INTERVAL 10 SECONDS) GROUP BY ALL),
        b AS (SELECT window_start, window_end, device, max(temp) AS top
              FROM tumble(readings, ts, INTERVAL 10 SECONDS) WHERE temp > 2 GROUP BY ALL)
        SELECT a.window_start, b.device, a.n, b.top FROM a JOIN b
        ON a.window_start = b.window_start AND a.window_end = b.window_end AND a.n = b.top"""
    rows = readings((1, "a", 1.0), (2, "b", 9.0))
    p = preview(made, spec(query), sample(rows))
    assert (p.why_not(device="a").stage, p.why_not(device="a").predicate) == ("b", "temp > 2")
    assert p.why_not(device="b").reason == "join"


@pytest.mark.parametrize(
    ("key", "refusal"),
    [
        ({}, "no key is given - write p.why_not(column=value)"),
        ({"devic": 1}, "there is no column `devic` - did you mean `device`?"),
        ({"n": "x"}, '`n` is int64, which the text "x" does not fit'),
    ],
)
def test_a_key_that_means_nothing_is_refused(
    made: Previews, key: dict[str, Any], refusal: str
) -> None:
    p = shown(made, (1, "a", 2.0), (2, "a", 2.0))
    with pytest.raises(Refused) as refused:
        p.why_not(key)
    assert str(refused.value) == refusal


def test_untrusted_text_is_escaped(made: Previews) -> None:
    p = shown(made, (1, "<script>", 0.5))
    html = p.why_not(device="<script>")._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
