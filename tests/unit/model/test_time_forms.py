"""Types of fields that say in which form a time is written."""

from __future__ import annotations

import pytest

from streamops_nb.model.errors import SpecRefused
from streamops_nb.model.spec import JobSpec
from streamops_nb.model.time_forms import column_type


def made(kind: str) -> JobSpec:
    stream = {"source": "simulator", "schema": {"ts": kind}, "event_time": "ts"}
    return JobSpec.model_validate(
        {"name": "a", "streams": {"r": stream}, "query": "SELECT * FROM r"}
    )


def test_an_event_time_may_be_declared_in_any_form() -> None:
    kinds = ["TIMESTAMPTZ('%d/%m/%Y %H:%M')", "timestamp ('%c')", "epoch_ms"]
    fields = [made(kind).streams["r"].fields for kind in kinds]
    assert fields == [{"ts": kinds[0]}, {"ts": kinds[1]}, {"ts": "EPOCH_MS"}]


def test_a_field_becomes_a_column_of_the_type_without_the_form() -> None:
    kinds = ["TIMESTAMPTZ('%Y')", "date('%Y')", "EPOCH_S", "DECIMAL(10, 2)", "VARCHAR"]
    assert [column_type(kind) for kind in kinds] == [
        "TIMESTAMPTZ", "DATE", "TIMESTAMPTZ", "DECIMAL(10, 2)", "VARCHAR",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("TIMESTAMPTZ('%d/%Q/%Y')", "is not the form of a time: there is no mark %Q"),
        ("TIMESTAMPTZ('%Y %')", "there is no mark %"),
        ("TIMESTAMPTZ('%b %d %H:%M:%S')", 'the form "%b %d %H:%M:%S" has no year'),
        ("TIMESTAMPTZ('dd.MM.yyyy HH:mm')", "write `TIMESTAMPTZ('%d.%m.%Y %H:%M')`"),
        ("TIMESTAMPTZ('day')", "the marks begin with a percent sign - %Y year"),
        ("str", 'there is no type "str" - write `VARCHAR`'),
        ("TIMESTAMPTZ('%Y', 'Europe/Berlim')", 'time zone "Europe/Berlim" - did you mean'),
        ("TIMESTAMPTZ('%Y %z', 'Europe/Berlin')", "has no use here: %z is one already"),
        ("TIMESTAMP('%Y', 'Europe/Berlin')", "has no use here: a TIMESTAMP has no zone"),
        ("DATE('%Y')", "an event time is a timestamp, but `ts` is declared as DATE('%Y')"),
        ("VARCHAR('%Y')", "\"VARCHAR('%Y')\" is not a type"),
        ("TIMESTAMPTZ('%Y')[]", "is not a type"),
    ],
)
def test_a_form_that_cannot_be_read_is_refused(kind: str, said: str) -> None:
    with pytest.raises(SpecRefused) as refused:
        made(kind)
    assert said in str(refused.value)
