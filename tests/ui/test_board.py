"""The list of jobs: what is found, in which order, and what stays selected."""

from __future__ import annotations

from dataclasses import replace

from streamops_nb.model.lifecycle import Status
from streamops_nb.model.views import JobView
from streamops_nb.ui.state.board import Board
from streamops_nb.ui.state.picture import Picture, Row


def row(name: str, status: Status = Status.STOPPED, **more: object) -> Row:
    return Row(view=JobView(job=name, version=1, status=status), **more)


def picture(*rows: Row) -> Picture:
    return Picture(at=1.0, rows={one.name: one for one in rows})


ROWS = (
    row("b_job", Status.RUNNING, owner="ann", tags=("plant",), rate_in=5.0),
    row("a_job", Status.PAUSED, owner="bob", tags=("plant", "hot")),
    row("C_job", Status.FAILED, owner="ann", rate_in=50.0),
)


def names(board: Board) -> list[str]:
    return [one.name for one in board.found()]


def test_jobs_are_listed_by_name_in_any_case() -> None:
    assert names(Board(picture=picture(*ROWS))) == ["a_job", "b_job", "C_job"]


def test_search_owner_tag_and_tab_all_narrow_the_list() -> None:
    board = Board(picture=picture(*ROWS))
    found = {}
    for key, value in {"search": "PLANT", "owner": "ann", "tag": "hot", "tab": "Failed"}.items():
        board.param.update(**{key: value})
        found[key] = names(board)
        board.param.update(**{key: "All" if key == "tab" else ""})
    assert found == {
        "search": ["a_job", "b_job"],
        "owner": ["b_job", "C_job"],
        "tag": ["a_job"],
        "tab": ["C_job"],
    }


def test_the_tabs_count_what_the_other_filters_leave() -> None:
    board = Board(picture=picture(*ROWS), owner="ann", tab="Paused")
    assert board.counts() == {
        "All": 2,
        "Running": 1,
        "Paused": 0,
        "Stopped": 0,
        "Failed": 1,
        "Published": 0,
        "Finished": 0,
    }


def test_a_number_sorts_the_largest_first_and_then_the_other_way_round() -> None:
    board = Board(picture=picture(*ROWS))
    board.sort("in")
    once = names(board)
    board.sort("in")
    assert (once, names(board)) == (["C_job", "b_job", "a_job"], ["a_job", "b_job", "C_job"])


def test_selection_stays_with_the_name_through_sort_filter_page_and_refresh() -> None:
    board = Board(picture=picture(*ROWS), page_size=2)
    board.select("b_job", on=True)
    board.sort("in")
    board.search = "nothing"
    board.page = 0
    board.picture = picture(*(replace(one, rate_in=1.0) for one in reversed(ROWS)))
    assert board.selected == {"b_job"}


def test_a_job_that_is_gone_is_no_longer_selected_and_no_page_lies_behind_the_last() -> None:
    board = Board(picture=picture(*ROWS), page_size=1, page=2)
    board.select_shown(on=True)
    selected = board.selected
    board.picture = picture(ROWS[0])
    assert (selected, board.selected, board.page) == ({"C_job"}, frozenset(), 0)


def test_a_name_that_is_no_job_cannot_be_selected() -> None:
    board = Board(picture=picture(*ROWS))
    board.select("<b>", on=True)
    assert board.selected == frozenset()


def test_a_new_filter_begins_at_the_first_page() -> None:
    board = Board(picture=picture(*ROWS), page_size=1, page=2)
    board.search = "job"
    assert board.page == 0
