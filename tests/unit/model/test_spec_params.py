"""Parameters: inferred types, and defaults, bounds and choices that fit each other."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from streamops_nb.model.errors import SpecRefused
from streamops_nb.model.params import Param, param_faults
from streamops_nb.model.spec import JobSpec


def job(**params: Any) -> JobSpec:
    return JobSpec.model_validate(
        {"name": "a", "streams": {"s": {"source": "simulator"}}, "query": "SELECT 1"}
        | {"params": params}
    )


@pytest.mark.parametrize(
    ("short", "kind", "default"),
    [
        (True, "BOOLEAN", True),
        (30, "BIGINT", 30),
        (0.5, "DOUBLE", 0.5),
        ("hall", "VARCHAR", "hall"),
        (Decimal("1.50"), "DECIMAL(38, 9)", "1.50"),
        (date(2024, 1, 31), "DATE", "2024-01-31"),
        (datetime(2024, 1, 31, tzinfo=UTC), "TIMESTAMPTZ", "2024-01-31T00:00:00+00:00"),
        (timedelta(minutes=90), "INTERVAL", "1h 30m"),
    ],
)
def test_a_bare_default_tells_its_type(short: Any, kind: str, default: Any) -> None:
    assert job(p=short) == job(p={"type": kind, "default": default})
    assert job(p={"default": short}) == job(p=short)


@pytest.mark.parametrize(
    ("param", "expected"),
    [
        ({"type": "DOUBLE", "default": 30, "min": 0, "max": 100}, []),
        ({"type": "DOUBLE", "default": None}, []),
        ({"type": "VARCHAR", "default": "a", "choices": ["a", "b"]}, []),
        ({"type": "DATE", "default": "2024-02-29", "min": "2024-01-01"}, []),
        ({"type": "DECIMAL(5, 2)", "default": "1.5", "max": 2}, []),
        ({"type": "STRUCT(a INTEGER)", "default": {"a": 1}}, []),
        (
            {"type": "DOUBLE", "default": 5, "max": 3},
            [("default", "the number 5 is above `max`, 3")],
        ),
        (
            {"type": "DOUBLE", "default": 5, "min": 6},
            [("default", "the number 5 is below `min`, 6")],
        ),
        (
            {"type": "BIGINT", "default": 5, "min": 6, "max": 4},
            [("min", "the smallest accepted value is larger than `max`")],
        ),
        (
            {"type": "VARCHAR", "default": "c", "choices": ["a", "b"]},
            [("default", 'the text "c" is not among the choices')],
        ),
        (
            {"type": "BIGINT", "default": True, "choices": [1]},
            [("default", "true is not a whole number of 64 bits, as BIGINT asks")],
        ),
        (
            {"type": "UTINYINT", "default": 256},
            [("default", "the number 256 is not a whole number of 8 bits, as UTINYINT asks")],
        ),
        (
            {"type": "TINYINT", "default": -128, "min": -129},
            [("min", "the number -129 is not a whole number of 8 bits, as TINYINT asks")],
        ),
        (
            {"type": "DOUBLE", "default": "30"},
            [("default", 'the text "30" is not a finite number, as DOUBLE asks')],
        ),
        (
            {"type": "DATE", "default": "2023-02-29"},
            [
                (
                    "default",
                    'the text "2023-02-29" is not a date such as 2024-01-31, as DATE asks',
                )
            ],
        ),
        (
            {"type": "TIMESTAMPTZ", "default": "2024-01-31T08:00:00"},
            [
                (
                    "default",
                    (
                        'the text "2024-01-31T08:00:00" is not a time with its zone such as '
                        "2024-01-31T08:30:00Z, as TIMESTAMPTZ asks"
                    ),
                )
            ],
        ),
        (
            {"type": "VARCHAR", "default": "a", "min": "a", "max": "b"},
            [
                ("min", "VARCHAR has no order that a bound could use"),
                ("max", "VARCHAR has no order that a bound could use"),
            ],
        ),
        (
            {"type": "BIGINT", "default": 1, "choices": []},
            [("choices", "no value at all could be chosen")],
        ),
        (
            {"type": "BIGINT", "default": 1, "max": 3, "choices": [1, 5, "x"]},
            [
                ("choices", "the number 5 is above `max`, 3"),
                ("choices", 'the text "x" is not a whole number of 64 bits, as BIGINT asks'),
            ],
        ),
        # what a field itself refuses is not told again
        ({"type": "DUBLE", "default": 1, "max": 0}, []),
        ({"default": 1, "type": 7}, []),
        (None, []),
    ],
)
def test_the_parts_of_a_parameter_fit_each_other(
    param: Any, expected: list[tuple[str, str]]
) -> None:
    assert param_faults(param) == expected


def test_faults_of_parameters_are_told_at_the_part_that_was_written() -> None:
    with pytest.raises(SpecRefused) as refusal:
        job(a={"type": "BIGINT", "default": 5, "max": 3}, b=2**200, c=None, d={"type": "DOUBLE"})
    assert {fault.where for fault in refusal.value.faults} == {
        "params.a.default",
        "params.b",
        "params.c",
        "params.d.default",
    }


def test_values_are_the_defaults_unless_others_are_given() -> None:
    spec = job(threshold={"type": "DOUBLE", "default": 30, "max": 100}, place="hall")
    assert spec.param_values() == {"threshold": 30, "place": "hall"}
    assert spec.param_values({"threshold": 99.5}) == {"threshold": 99.5, "place": "hall"}
    assert spec.param_values({"place": None}) == {"threshold": 30, "place": None}


def test_given_values_that_do_not_fit_are_refused_together() -> None:
    spec = job(threshold={"type": "DOUBLE", "default": 30, "max": 100})
    with pytest.raises(SpecRefused) as refusal:
        spec.param_values({"threshold": 101, "treshold": 5})
    assert [str(fault) for fault in refusal.value.faults] == [
        "params.threshold: the number 101 is above `max`, 100",
        (
            "params.treshold: the job has no parameter `treshold` (given: the number 5) "
            "- did you mean `threshold`?"
        ),
    ]


def test_a_parameter_says_what_is_wrong_with_a_value() -> None:
    param = Param.model_validate({"type": "INTERVAL", "default": "5 minutes"})
    assert param.fault(timedelta(seconds=1)) == ""
    assert param.fault(5) == "the number 5 is not text such as `5 minutes`, as INTERVAL asks"
