"""What a person asks at a screen, is asked back, and is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamops_nb.model.errors import Refused
from streamops_nb.model.lifecycle import Action, Status, allowed
from streamops_nb.ui.state.wish import Verb, Wish, refusal_of
from tests.ui.doors import desk_of, look, plant_of


def told(desk) -> list[tuple[str, str]]:
    return [(notice.level, notice.text) for notice in desk.notices.items]


@pytest.mark.parametrize(("start", "first"), [({}, True), ({"at": "latest"}, False)])
def test_a_start_and_a_pause_of_one_job_are_done_at_once_and_told(
    tmp_path: Path, start: dict[str, str], first: bool
) -> None:
    with plant_of(tmp_path, "a", start=start) as workspace:
        desk = desk_of(workspace)
        desk.ask(Wish(verb=Verb.START, names=("a",)))
        desk.ask(Wish(verb=Verb.PAUSE, names=("a",)))
        assert workspace.job("a").status is Status.PAUSED
        lines = [notice.line for notice in desk.notices.items]
    started, paused = (text for _, text in told(desk))
    assert started.startswith("a is ")
    assert ("what comes from now on" in started, paused) == (first, "a is PAUSED.")
    assert lines == ["ws.start('a')", "ws.pause('a')"]
    assert desk.asked == {}


def test_a_stop_is_asked_back_and_a_no_changes_nothing(tmp_path: Path) -> None:
    with plant_of(tmp_path, "a") as workspace:
        desk = desk_of(workspace)
        workspace.start("a")
        desk.ask(Wish(verb=Verb.STOP, names=("a",)))
        asked = desk.question.wish.title
        desk.answer(yes=False)
        before = workspace.job("a").status
        desk.ask(Wish(verb=Verb.STOP, names=("a",)))
        desk.answer(yes=True)
        assert (asked, desk.question) == ("Stop a", None)
        assert (before in {Status.STARTING, Status.RUNNING}, workspace.job("a").status) == (
            True,
            Status.STOPPED,
        )


def test_several_jobs_are_planned_first_and_what_can_be_done_is_done(tmp_path: Path) -> None:
    with plant_of(tmp_path, "a", "b") as workspace:
        desk = desk_of(workspace)
        workspace.start("a")
        desk.ask(Wish(verb=Verb.PAUSE, names=("a", "b")))
        plan = desk.question.plan
        desk.answer(yes=True, best_effort=True)
        assert (plan.jobs, [v.job for v in plan.refused]) == (["a"], ["b"])
        assert workspace.job("a").status is Status.PAUSED
    (notice,) = desk.notices.items
    assert (notice.level, notice.text) == ("warning", "Pause: 1 of 2 jobs done.")
    assert notice.details == ("b: no pause while it is PUBLISHED - allowed now: start",)
    assert notice.line == "ws.pause(['a', 'b'], best_effort=True)"


def test_nothing_selected_is_told(tmp_path: Path) -> None:
    with plant_of(tmp_path, "a") as workspace:
        desk = desk_of(workspace)
        desk.ask(Wish(verb=Verb.START, names=()))
    assert told(desk) == [("info", "Select jobs to start first.")]


def test_a_start_without_resources_is_refused_in_the_words_of_the_door(tmp_path: Path) -> None:
    with plant_of(tmp_path, "a") as workspace:
        workspace.resources.release()
        desk = desk_of(workspace)
        desk.ask(Wish(verb=Verb.START, names=("a",)))
    ((level, text),) = told(desk)
    assert level == "error"
    assert text.startswith("Start a was not done: no computing resources are allocated")


def test_state_that_would_be_dropped_is_asked_about_and_dropped_only_with_a_yes(
    tmp_path: Path,
) -> None:
    with plant_of(tmp_path, "a") as workspace:
        desk = desk_of(workspace)
        desk._failed(
            Wish(verb=Verb.START, names=("a",)),
            Refused("12 rows of window state are kept - agree with drop_state=True"),
        )
        question = desk.question
    assert question.wish.how == {"drop_state": True}
    assert question.why == "12 rows of window state are kept - agree with drop_state=True"


def test_a_deleted_job_that_was_open_leads_back_to_the_list(tmp_path: Path) -> None:
    with plant_of(tmp_path, "a", "b") as workspace:
        desk = desk_of(workspace)
        desk.open("a")
        desk.ask(Wish(verb=Verb.DELETE, names=("a",)))
        desk.answer(yes=True)
        look(desk)
        assert list(desk.board.picture.rows) == ["b"]
    assert (desk.place, told(desk)) == ("list", [("success", "Deleted a.")])


def test_a_handler_that_fails_is_told_with_its_trace(tmp_path: Path) -> None:
    def broken() -> None:
        raise ZeroDivisionError("a bug")

    with plant_of(tmp_path) as workspace:
        desk = desk_of(workspace)
        desk.guard(broken, "Sorting")()
    (notice,) = desk.notices.items
    assert (notice.level, notice.text) == ("error", "Sorting: ZeroDivisionError: a bug")
    assert "raise ZeroDivisionError" in notice.trace


def test_notices_give_way_to_newer_ones_but_errors_stay_longest(tmp_path: Path) -> None:
    with plant_of(tmp_path) as workspace:
        notices = desk_of(workspace).notices
    notices.tell("error", "first")
    for number in range(6):
        notices.tell("success", str(number))
    assert [notice.text for notice in notices.items] == ["first", "2", "3", "4", "5"]


@pytest.mark.parametrize("status", list(Status))
def test_the_live_buttons_are_those_that_the_table_of_moves_allows(status: Status) -> None:
    live = {verb.value for verb in Verb if verb is not Verb.DELETE and not refusal_of(verb, status)}
    assert live == {Action(action).value for action in allowed(status)}
