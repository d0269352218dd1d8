"""The tree of a nested type."""

from __future__ import annotations

import pytest

from streamops_nb.db import sealed
from streamops_nb.formats.types import Fixed, ListOf, MapOf, Scalar, Struct, parse, tree_of


def test_a_nested_type_is_parsed_down_to_its_leaves() -> None:
    place = Struct(
        'STRUCT("a, b" DECIMAL(10,2), "c""d" INTEGER[3][])',
        (
            ("a, b", Scalar("DECIMAL(10,2)")),
            ('c"d', ListOf("INTEGER[3][]", Fixed("INTEGER[3]", Scalar("INTEGER"), 3))),
        ),
    )
    text = f"MAP(VARCHAR, {place.text})"
    assert parse(text) == MapOf(text, Scalar("VARCHAR"), place)


@pytest.mark.parametrize("text", ["ENUM('a(b', 'c, ''d')", "TIMESTAMP WITH TIME ZONE", "JSON"])
def test_a_type_without_parts_is_a_leaf(text: str) -> None:
    assert parse(text) == Scalar(text)


def test_another_spelling_gives_the_same_tree() -> None:
    instance = sealed()
    session = instance.session()
    assert tree_of("struct(x int, y text[])", session) == tree_of(
        "STRUCT(x INTEGER, y VARCHAR[])", session
    )
    assert tree_of("timestamptz", session) == Scalar("TIMESTAMP WITH TIME ZONE")
    instance.close()
