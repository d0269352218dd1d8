"""Type texts, checked without a database and compared with DuckDB."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from streamops_nb.model import types
from streamops_nb.model.types import EPOCHS, base_type

NAMES = sorted(types._CANONICAL)
SIMPLE = st.sampled_from(NAMES) | st.builds(
    lambda width, scale: f"decimal({width}, {min(width, scale)})",
    st.integers(1, 38),
    st.integers(0, 38),
)


def _nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    fields = st.lists(inner, min_size=1, max_size=3).map(
        lambda kinds: ", ".join(f'"f {n}" {kind}' for n, kind in enumerate(kinds))
    )
    return (
        inner.map(lambda kind: f"{kind}[]")
        | inner.map(lambda kind: f"{kind}[3]")
        | fields.map(lambda text: f"STRUCT({text})")
        | fields.map(lambda text: f"union( {text})")
        | inner.map(lambda kind: f"MAP(VARCHAR, {kind})")
    )


TYPES = st.recursive(SIMPLE, _nested, max_leaves=5)


@given(TYPES)
def test_duckdb_binds_every_type_that_is_accepted(text: str) -> None:
    base_type(text)
    assert duckdb.sql(f"SELECT typeof(NULL::{text})").fetchall()


def test_an_alias_means_what_it_means_to_duckdb() -> None:
    rows = duckdb.sql("SELECT upper(type_name), logical_type FROM duckdb_types()").fetchall()
    known = {name: kind.replace(" WITH TIME ZONE", "TZ") for name, kind in rows}
    known["JSON"] = "JSON"  # its logical type is VARCHAR, but the two are told apart
    assert {name: base_type(name) for name in NAMES} == {name: known[name] for name in NAMES}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("double", "DOUBLE"),
        ("varchar(20)", "VARCHAR"),
        ("timestamp with time zone", "TIMESTAMPTZ"),
        ("STRUCT(lat DOUBLE, lon DOUBLE)", "STRUCT"),
        ("STRUCT(a DOUBLE)[]", "LIST"),
        ("MAP(VARCHAR, INTEGER[])", "MAP"),
        ("ENUM('on', 'o''ff')", "ENUM"),
    ],
)
def test_the_outermost_type_is_told(text: str, expected: str) -> None:
    assert base_type(text) == expected


@pytest.mark.parametrize(
    ("text", "what", "remedy"),
    [
        ("VARCHR", 'there is no type "VARCHR"', "did you mean `VARCHAR`?"),
        ("float64", 'there is no type "float64"', "write `DOUBLE`"),
        ("EPOCH_S", 'there is no type "EPOCH_S"', "accepted: "),
        ("STRUCT(a EPOCH_S)", 'there is no type "EPOCH_S"', "accepted: "),
        ("STRUCT(lat DOUBLE", '"STRUCT(lat DOUBLE" is not a type', "put the type in quotes"),
        ("DECIMAL(40, 2)", '"DECIMAL(40, 2)": a DECIMAL has 1 to 38', "for example DECIMAL"),
        ("DECIMAL(4, 5)", '"DECIMAL(4, 5)": a DECIMAL has 1 to 38', "for example DECIMAL"),
        ("", '"" is not a type', "for example DOUBLE"),
        ("DOUBLE; DROP TABLE x", '"DOUBLE; DROP TABLE x" is not a type', "for example DOUBLE"),
        ("DOUBLE)", '"DOUBLE)" is not a type', "for example DOUBLE"),
        ("INTEGER[0]", '"INTEGER[0]" is not a type', "for example DOUBLE"),
        ("MAP(VARCHAR)", '"MAP(VARCHAR)" is not a type', "for example DOUBLE"),
        ("STRUCT()", '"STRUCT()" is not a type', "for example DOUBLE"),
        ("ENUM(a)", '"ENUM(a)" is not a type', "for example DOUBLE"),
        ("MAP(" * 100, "a type nested deeper than 30 levels", "declare it as JSON"),
        ("A" * 30_000, "a type of 30000 characters is too long", "declare fewer nested fields"),
    ],
)
def test_what_is_no_type_is_refused_with_a_remedy(text: str, what: str, remedy: str) -> None:
    with pytest.raises(PydanticCustomError) as refusal:
        base_type(text)
    assert refusal.value.context is not None
    assert refusal.value.context["what"].startswith(what)
    assert refusal.value.context["remedy"].startswith(remedy)


@given(st.text(max_size=30))
def test_any_text_is_a_type_or_refused(text: str) -> None:
    try:
        base_type(text)
    except PydanticCustomError:
        return
    assert duckdb.sql(f"SELECT typeof(NULL::{text})").fetchall()


def test_epochs_are_types_of_fields() -> None:
    assert [base_type(name.lower(), more=EPOCHS) for name in EPOCHS] == list(EPOCHS)
