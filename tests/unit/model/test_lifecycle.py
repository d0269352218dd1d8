"""The table of moves, against the table in the design."""

from itertools import product

import pytest

from streamops_nb.model.errors import MoveRefused
from streamops_nb.model.lifecycle import (
    ACTIVE,
    AFTER_DEATH,
    LIMITS,
    MOVES,
    REPORTS,
    TRANSITIONAL,
    Action,
    JobState,
    Status,
    allowed,
    move,
)

S, A = Status, Action

DESIGN = {
    A.START: {S.PUBLISHED, S.STOPPED, S.PAUSED, S.FAILED, S.FINISHED},
    A.PAUSE: {S.STARTING, S.RUNNING, S.RETRYING},
    A.STOP: {S.STARTING, S.RUNNING, S.RETRYING, S.PAUSED, S.FAILED},
    A.FORCE_STOP: {S.STARTING, S.PAUSING, S.STOPPING, S.RETRYING},
    A.RESET_POSITION: {S.PAUSED, S.STOPPED, S.FAILED},
}


def at(status: Status, since: float = 0.0) -> JobState:
    return JobState(desired=S.RUNNING, observed=status, since=since)


def walk(*steps: Action | Status) -> list[str]:
    """Statuses on a path of actions and reports, from PUBLISHED."""
    state = JobState(since=0.0)
    path = [state.observed.value]
    for n, step in enumerate(steps, 1):
        state = state.act(step, n) if isinstance(step, Action) else state.report(step, n)
        path.append(state.observed.value)
    return path


def test_every_action_is_allowed_exactly_where_the_design_says():
    assert {a: {s for s in S if a in allowed(s)} for a in A} == DESIGN


@pytest.mark.parametrize(("action", "status"), list(product(A, S)))
def test_a_move_is_granted_or_refused_and_a_refusal_names_what_is_allowed(action, status):
    if status in DESIGN[action]:
        assert move(status, action) is MOVES[action, status].via
        return
    with pytest.raises(MoveRefused) as refused:
        move(status, action)
    text = str(refused.value)
    already = {MOVES[m].via for m in MOVES if m[0] is action} | {
        MOVES[m].to for m in MOVES if m[0] is action
    }
    said = f"it is {status} already" if status in already else f"no {action} while it is {status}"
    assert text.startswith(f"{said} - allowed now: ")
    assert {A(name) for name in text.split("allowed now: ")[1].split(", ")} == allowed(status)


def test_a_refusal_reads_as_promised():
    with pytest.raises(MoveRefused) as refused:
        move(S.RUNNING, A.START)
    assert str(refused.value) == "it is RUNNING already - allowed now: pause, stop"
    with pytest.raises(MoveRefused) as refused:
        move(S.PUBLISHED, A.PAUSE)
    assert str(refused.value) == "no pause while it is PUBLISHED - allowed now: start"


def test_a_job_goes_through_its_whole_life():
    assert walk(
        A.START, S.RUNNING, S.RETRYING, S.RUNNING, A.PAUSE, S.PAUSED, A.START, S.RUNNING,
        A.STOP, S.STOPPED, A.START, S.FAILED, A.START, S.RUNNING, S.FINISHED,
    ) == [
        "PUBLISHED", "STARTING", "RUNNING", "RETRYING", "RUNNING", "PAUSING", "PAUSED", "STARTING",
        "RUNNING", "STOPPING", "STOPPED", "STARTING", "FAILED", "STARTING", "RUNNING", "FINISHED",
    ]  # fmt: skip


def test_what_was_commanded_and_what_was_reported_are_two_things():
    running = JobState(since=1.0).act(A.START, 2.0).report(S.RUNNING, 3.0)
    failed = running.report(S.FAILED, 9.0, "disk full")
    assert failed == JobState(desired=S.RUNNING, observed=S.FAILED, since=9.0, reason="disk full")
    assert failed.act(A.STOP, 10.0) == JobState(
        desired=S.STOPPED, observed=S.STOPPING, since=10.0, reason=""
    )


def test_force_stop_does_not_wait():
    assert at(S.PAUSING).act(A.FORCE_STOP, 5.0) == JobState(
        desired=S.STOPPED, observed=S.STOPPED, since=5.0
    )


def test_resetting_the_position_leaves_the_status_as_it_is():
    paused = JobState(desired=S.PAUSED, observed=S.PAUSED, since=3.0, reason="lunch")
    assert paused.act(A.RESET_POSITION, 4.0) == paused


def test_the_same_report_twice_changes_nothing():
    state = at(S.STARTING).report(S.RUNNING, 5.0)
    assert state.report(S.RUNNING, 6.0) is state


def test_a_report_that_comes_too_late_is_refused():
    with pytest.raises(MoveRefused, match="status STOPPED cannot be reported as RUNNING"):
        at(S.STOPPED).report(S.RUNNING, 1.0)


def test_only_a_transitional_status_or_a_pause_has_a_time_limit():
    assert LIMITS.keys() == TRANSITIONAL | {S.PAUSED}


@pytest.mark.parametrize("status", list(LIMITS))
def test_a_time_limit_leads_to_a_status_that_may_be_reported(status):
    assert LIMITS[status].then in REPORTS[status]


def test_a_pause_of_24_hours_becomes_a_stop_with_that_reason():
    day = 24 * 3600
    paused = JobState(desired=S.PAUSED, observed=S.PAUSED, since=100.0)
    assert paused.remaining(100.0 + day - 60) == 60
    assert paused.expire(99.9 + day) is paused
    assert paused.expire(100.0 + day) == JobState(
        desired=S.STOPPED,
        observed=S.STOPPED,
        since=100.0 + day,
        reason="the pause reached its limit of 24 hours",
    )


def test_a_status_without_limit_lasts():
    assert at(S.RUNNING).remaining(1e9) is None
    assert at(S.RUNNING).expire(1e9) == at(S.RUNNING)


def test_no_job_is_shown_as_running_after_its_engine_died():
    found = {status: at(status).after_death(7.0).observed for status in S}
    assert found == {
        **{status: status for status in S},
        S.STARTING: S.STARTING,
        S.RUNNING: S.STARTING,
        S.RETRYING: S.STARTING,
        S.PAUSING: S.PAUSED,
        S.STOPPING: S.STOPPING,
    }
    assert AFTER_DEATH.keys() == ACTIVE


def test_the_next_owner_learns_what_had_been_running():
    assert at(S.RUNNING).after_death(7.0).reason == "the engine ended while the job was RUNNING"
