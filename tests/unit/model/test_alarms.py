"""Alarms: when they are raised, repeated and over; no clock, no thread."""

import json

import pytest

from streamops_nb.model.alarms import QUANTITIES, Notice, Rule, Standing, condition, step
from streamops_nb.model.errors import Refused


def told(rule: Rule, truths: dict[float, bool | None]) -> list[tuple[float, str]]:
    """What is told when the condition holds or not at these times."""
    stands, found = Standing(), []
    for now, holds in truths.items():
        stands, notice = step(rule, "a", stands, holds=holds, value="lag = 7", now=now)
        if notice is not None:
            found.append((notice.at, notice.what))
    return found


def test_an_alarm_is_raised_once_and_over_once():
    rule = Rule(name="r", when="lag > 5")
    truths = {0: False, 1: True, 2: True, 3: True, 4: False, 5: False, 6: True}
    assert told(rule, truths) == [(1, "raised"), (4, "over"), (6, "raised")]


def test_it_may_have_to_hold_for_a_while_without_a_break():
    rule = Rule(name="r", when="lag > 5", after=10)
    assert told(rule, {0: True, 9: True, 10: False, 11: True, 20: True}) == []
    assert told(rule, {0: True, 9: True, 10: True, 11: False}) == [(10, "raised"), (11, "over")]


def test_it_is_told_again_in_its_interval_only():
    rule = Rule(name="r", when="lag > 5", every=60)
    truths: dict[float, bool | None] = {float(at): True for at in range(0, 181, 20)}
    assert told(rule, truths) == [
        (0, "raised"), (60, "lasting"), (120, "lasting"), (180, "lasting")
    ]  # fmt: skip


def test_what_cannot_be_said_changes_nothing():
    rule = Rule(name="r", when="lag > 5")
    assert told(rule, {0: True, 1: None, 2: None, 3: True}) == [(0, "raised")]


def test_a_clock_that_was_set_back_raises_nothing_early_and_does_not_silence():
    rule = Rule(name="r", when="lag > 5", after=10)
    assert told(rule, {100: True, 50: True, 59: True, 60: True}) == [(60, "raised")]


def test_a_notice_says_what_how_much_and_for_how_long():
    rule = Rule(name="behind", when="lag > 5")
    raised, notice = step(rule, "a", Standing(), holds=True, value="lag = 7", now=10.0)
    assert notice == Notice(
        alarm="behind", job="a", what="raised", at=10.0, message="behind: lag > 5 (lag = 7)",
        value="lag = 7",
    )  # fmt: skip
    over, notice = step(rule, "a", raised, holds=False, value="lag = 0", now=70.0)
    assert notice is not None
    assert notice.message == "behind: over after 60 s, lag > 5 holds no more (lag = 0)"
    assert over == Standing(times=1)


def test_a_rule_survives_json():
    rule = Rule(name="r", metrics="avg(seconds) > 1", jobs=("a",), to=("log", "hook"), every=5.0)
    assert Rule.from_json(json.loads(json.dumps(rule.to_json()))) == rule


@pytest.mark.parametrize(
    ("text", "known", "holds"),
    [
        ("lag > 5", 6, True), ("lag>5", 5, False), ("lag >= 5", 5, True), ("lag < 1e3", 5, True),
        ("lag_seconds <= 10_000", 10_000, True), ("status = failed", "FAILED", True),
        ("status != 'RUNNING'", "PAUSED", True), ("rows_in_per_second = 0", 0.0, True),
    ],
)  # fmt: skip
def test_conditions_are_read(text, known, holds):
    quantity, test = condition(text)
    assert quantity in QUANTITIES
    assert test(known) is holds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not a condition"),
        ("lag", "is not a condition"),
        ("lags > 5", "did you mean `lag`"),
        ("lag > many", "compared with a number, not with `many`"),
        ("lag > nan", "compared with a number"),
        ("status > FAILED", "compared by = or !="),
        ("status = AWAY", "compared by = or !="),
        ("lag > 5; DROP TABLE x", "is not a condition"),
    ],
)
def test_what_is_no_condition_is_refused(text, said):
    with pytest.raises(Refused, match=said):
        condition(text)
