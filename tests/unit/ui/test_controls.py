"""Controls follow from what a job declares of its parameters."""

from __future__ import annotations

from typing import Any

import pytest

from streamops_nb.model.errors import Refused
from streamops_nb.model.params import Param
from streamops_nb.ui.state.controls import Control, controls_of


def control(declared: Any, **more: Any) -> Control:
    param = Param.model_validate(declared)
    (found,) = controls_of({"p": param}, {"p": more.get("value", param.default)})
    return found


def about(found: Control) -> tuple[Any, ...]:
    return found.kind, found.low, found.high, found.step


def test_bounds_make_a_slider_with_about_a_hundred_steps() -> None:
    assert about(control({"default": 30.0, "min": 0, "max": 100})) == ("slider", 0, 100, 1)
    assert about(control({"default": 0.5, "min": 0, "max": 1})) == ("slider", 0, 1, 0.01)
    assert about(control({"default": 1.0, "min": -3, "max": 4})) == ("slider", -3, 4, 0.05)
    assert about(control({"default": 3, "min": 1, "max": 10})) == ("whole slider", 1, 10, 1)
    assert about(control({"default": 3, "min": 0, "max": 5000})) == ("whole slider", 0, 5000, 50)
    money = {"type": "DECIMAL(9, 2)", "default": "1.50", "min": "0", "max": "20"}
    assert about(control(money)) == ("slider", 0, 20, 0.2)


def test_where_a_browser_cannot_count_to_it_is_text() -> None:
    assert control({"default": 3, "min": 0, "max": 2**62}).kind == "text"
    assert control({"type": "DOUBLE", "default": None, "min": 0, "max": 1}).kind == "text"
    assert control({"default": 5, "min": 5, "max": 5}).kind == "text"


def test_choices_switches_and_text() -> None:
    assert control({"default": "a", "choices": ["a", "b"]}).kind == "choice"
    assert control({"default": True}).kind == "switch"
    assert control({"type": "BOOLEAN", "default": None}).kind == "text"
    assert control({"default": "x"}).kind == "text"
    assert control({"type": "INTERVAL", "default": "5 minutes"}).hint == "such as 5 minutes"
    day = {"type": "DATE", "default": "2024-02-01", "min": "2024-01-01"}
    assert control(day).hint == "such as 2024-01-31, from 2024-01-01"


def test_what_a_control_holds_becomes_a_value() -> None:
    assert control({"default": 0.5, "min": 0, "max": 1}).read(0.1 + 0.2) == 0.3
    assert control({"default": 1.5}).read("2.25") == 2.25
    assert control({"default": 1}).read("12") == 12
    assert control({"default": 1}).read("") is None
    assert control({"default": "x"}).read("") == ""
    assert control({"default": "a", "choices": ["a", "b"]}).read("b") == "b"


@pytest.mark.parametrize(
    ("declared", "given", "said"),
    [
        ({"default": 1.5}, "abc", 'p: the text "abc" is not a finite number, as DOUBLE asks'),
        ({"default": 1.5}, "nan", "p: expected a finite number, got the number nan"),
        (
            {"default": 1},
            "1.5",
            "p: the number 1.5 is not a whole number of 64 bits, as BIGINT asks",
        ),
        (
            {"default": 5, "min": 0},
            "-1",
            "p: the number -1 is below `min`, 0 - from 0",
        ),
        ({"default": "a", "choices": ["a"]}, "b", 'p: the text "b" is not among the choices'),
    ],
)
def test_what_may_not_be_given_is_refused_in_words(declared: Any, given: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        control(declared).read(given)
    assert str(refused.value) == said
