"""Placeholders: as text, and as parameters of a statement that is planned once."""

from __future__ import annotations

from streamops_nb.db import sealed
from streamops_nb.plan.statement import FROM, NOW, TO, Statement

_STATEMENT = Statement(f"SELECT {FROM}, {TO}, {FROM} + 1, epoch_us(make_timestamptz({NOW}))")
_NUMBERS = {"begin": -(2**62), "end": 7, "now": 1_704_067_200_000_000}


def test_parameters_give_what_filling_in_gives() -> None:
    session = sealed().session()
    sql, values = _STATEMENT.parameters(**_NUMBERS)
    filled = session.rows(_STATEMENT.fill(**_NUMBERS))
    assert filled == [(-(2**62), 7, -(2**62) + 1, 1_704_067_200_000_000)]
    assert [session.rows(sql, often=values) for _ in range(3)] == [filled] * 3


def test_every_place_is_a_parameter_of_its_own_because_duckdb_plans_doubled_ones_anew() -> None:
    sql, values = _STATEMENT.parameters(**_NUMBERS)
    assert [sql.count(f"${name} ") for name in values] == [1, 1, 1, 1]
    assert list(values.values()) == [-(2**62), 7, -(2**62), 1_704_067_200_000_000]
