"""Rows of windows come in the order of their windows, whichever thread was first."""

from __future__ import annotations

import pandas as pd
import pytest

import streamops_nb as so
from streamops_nb.testing import run_job
from tests.flow.previewed import readings, spec

QUERIES = {
    "groups": "SELECT device, count(*) AS n, window_start FROM tumble(readings, ts, INTERVAL 1 "
    "MINUTE) GROUP BY ALL",
    "top of each window": "SELECT device, window_start FROM tumble(readings, ts, INTERVAL 1 MINUTE)"
    " QUALIFY row_number() OVER (PARTITION BY window_start, window_end ORDER BY device) <= 2",
}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rows = [(minute * 60, f"d{device}", 1.0) for minute in range(40) for device in range(9)]
    return pd.DataFrame(readings(*rows)).sample(frac=1, random_state=7)


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_a_preview_shows_rows_in_the_order_of_their_windows(
    query: str, frame: pd.DataFrame
) -> None:
    shown = so.preview(query, data={"readings": frame}).df
    assert shown.equals(shown.sort_values(["window_start", "device"], ignore_index=True))


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_a_job_that_is_tested_gives_rows_in_the_order_of_their_windows(
    query: str, frame: pd.DataFrame
) -> None:
    job = spec(query)
    job["streams"]["readings"]["watermark_delay"] = "1h"
    made = run_job(job, {"readings": frame})
    assert len(made) > 40
    assert made.equals(made.sort_values(["window_start", "device"], ignore_index=True))
