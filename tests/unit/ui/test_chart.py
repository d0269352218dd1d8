"""A chart of two results: the same bins, nothing obeyed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa

from streamops_nb.ui.state.chart import ROWS, chart_of, measures, svg

START = datetime(2024, 1, 1, tzinfo=UTC)


def windows(*rows: tuple[int, float | None]) -> pa.Table:
    times = pa.array([START + timedelta(seconds=s) for s, _ in rows], pa.timestamp("us", "UTC"))
    return pa.table({"window_start": times, "n": pa.array([n for _, n in rows], pa.float64())})


def test_numbers_can_be_drawn_and_texts_cannot() -> None:
    table = pa.table({"a": [1], "b": ["x"], "c": [1.5], "d": [True]})
    assert measures(table) == [ROWS, "a", "c"]


def test_both_results_lie_in_the_same_bins_of_time() -> None:
    before = windows((0, 1.0), (0, 3.0), (10, 5.0), (20, None))
    now = windows((0, 4.0), (20, 8.0))
    counted = chart_of(before, now)
    assert (counted.title, counted.ends) == (
        "rows by window_start",
        ("2024-01-01 00:00:00", "2024-01-01 00:00:20"),
    )
    np.testing.assert_array_equal(counted.before, [2, 1, 1])
    np.testing.assert_array_equal(counted.now, [1, 0, 1])
    means = chart_of(before, now, "n")
    np.testing.assert_array_equal(means.before, [2, 5, np.nan])
    np.testing.assert_array_equal(means.now, [4, np.nan, 8])


def test_without_times_it_is_a_histogram_and_without_rows_it_is_empty() -> None:
    table = pa.table({"n": [1, 1, 2]})
    np.testing.assert_array_equal(chart_of(table, table, "n").now, [2, 1])
    assert chart_of(table, table.slice(0, 1)).now.tolist() == [1]
    nothing = windows()
    assert chart_of(nothing, nothing, "n").now.tolist() == [0]
    assert svg(chart_of(pa.table({}), pa.table({})))


def test_a_column_that_only_one_result_has_is_drawn_for_that() -> None:
    chart = chart_of(
        windows((0, 1.0)), windows((0, 1.0)).rename_columns(["window_start", "m"]), "m"
    )
    np.testing.assert_array_equal(chart.before, [np.nan])
    np.testing.assert_array_equal(chart.now, [1])


def test_names_are_text_in_the_drawing() -> None:
    evil = "<script>&\"'"
    text = svg(chart_of(*[windows((0, 1.0)).rename_columns(["window_start", evil])] * 2, evil))
    tags: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, _: tags.append(tag)  # type: ignore[method-assign]
    parser.feed(text)
    assert set(tags) == {"figure", "figcaption", "span", "svg", "rect", "path", "g", "text"}
    assert "mean &lt;script&gt;" in text
