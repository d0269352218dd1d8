"""The tiles and tables of a job's summary tell the run from the job's life."""

from __future__ import annotations

from streamops_nb.model.events import BatchCommitted, RunEnded, RunStarted
from streamops_nb.model.figures import figures
from streamops_nb.model.lifecycle import Status
from streamops_nb.model.start import LAST_COMMIT
from streamops_nb.model.views import JobView, fold_all
from streamops_nb.ui.state.figures import rate_table, tiles_of

FIRST = [
    RunStarted(job="a", run=1, at=100.0, version=1),
    BatchCommitted(job="a", run=1, seq=1, at=101.0, n=1, rows_in=600, rows_out=42, rejects=3),
]
AGAIN = [
    RunEnded(job="a", run=1, at=110.0, status=Status.PAUSED),
    RunStarted(job="a", run=2, at=120.0, version=1, start=LAST_COMMIT),
]


def test_counts_are_of_the_run_and_beside_them_stand_those_of_all_runs() -> None:
    for events, told in (
        (FIRST, [("600", "10 /s"), ("42", "0.7 /s")]),
        ([*FIRST, *AGAIN], [("0", "0 /s · 600 in all runs"), ("0", "0 /s · 42 in all runs")]),
    ):
        made = figures(fold_all(JobView(job="a"), events), 160.0)
        found = {tile.label: (tile.value, tile.note) for tile in tiles_of(made)}
        assert [found["Records in"], found["Rows out"]] == told


def test_a_rate_is_told_over_no_more_than_the_run_has_lasted() -> None:
    view = fold_all(JobView(job="a"), FIRST)
    assert rate_table(figures(view, 107.0))[0] == ["records / s", "1m", "mean"]
    assert rate_table(figures(view, 100.0 + 901))[0] == ["records / s", "1m", "5m", "15m", "mean"]
