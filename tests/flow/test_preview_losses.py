"""Every row that a stage drops is counted under the term of the condition that let it go."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from streamops_nb.ops.preview.preview import Preview
from streamops_nb.ops.preview.previews import Previews
from tests.flow.previewed import preview, previews, readings, sample, spec

ROWS = readings(
    (1, "a", 31.0), (2, "a", 20.0), (3, "b", None), (4, "c", 35.0), (5, "c", 36.0), (12, "d", 40.0)
)  # fmt: skip
HOT = "WITH hot AS (SELECT * FROM readings WHERE temp > 30 AND device <> 'd')"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Previews]:
    with previews(tmp_path_factory.mktemp("previews")) as found:
        yield found


def lost(made: Previews, query: str, stage: str) -> list[tuple[str, str, int]]:
    found: Preview = preview(made, spec(query), sample(ROWS))
    assert not found.faults
    return [tuple(row) for row in found.stages[stage].losses.to_numpy().tolist()]


def test_the_first_term_that_does_not_hold_counts(made: Previews) -> None:
    assert lost(made, f"{HOT} SELECT ts FROM hot", "hot") == [
        ("readings", "WHERE temp > 30 (query 1:43)", 2),
        ("readings", "WHERE device <> 'd' (query 1:57)", 1),
    ]
    assert lost(made, f"{HOT} SELECT ts FROM hot", "result") == []


def test_groups_that_having_drops_take_their_rows_with_them(made: Previews) -> None:
    query = """SELECT window_start, device, count(*) AS n
FROM tumble(readings, ts, INTERVAL 10 SECONDS) WHERE temp > 0
GROUP BY window_start, window_end, device HAVING count(*) > 1"""
    assert lost(made, query, "result") == [
        ("readings", "WHERE temp > 0 (query 2:54)", 1),
        ("readings", "HAVING count(*) > 1 (query 3:50)", 1),
    ]


def test_what_found_no_partner_is_told(made: Previews) -> None:
    one = "SELECT window_start, window_end, device FROM tumble({}, ts, INTERVAL 10 SECONDS)"
    query = f"""
    WITH warm AS (SELECT * FROM readings WHERE temp > 35),
    a AS ({one.format("readings")} GROUP BY ALL), b AS ({one.format("warm")} GROUP BY ALL)
    SELECT a.window_start, a.device FROM a JOIN b
    ON a.window_start = b.window_start AND a.window_end = b.window_end AND a.device = b.device"""
    assert lost(made, query, "result") == [("a", "no partner in the join", 2)]


def test_what_qualify_drops_is_told(made: Previews) -> None:
    query = """SELECT window_start, device, temp FROM tumble(readings, ts, INTERVAL 10 SECONDS)
QUALIFY row_number() OVER (PARTITION BY window_start, window_end, device ORDER BY ts) = 1"""
    (only,) = lost(made, query, "result")
    assert (only[0], only[2]) == ("readings", 2)
    assert only[1].startswith("QUALIFY row_number() OVER (PARTITION BY window_start, window_end,")
