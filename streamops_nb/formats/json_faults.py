"""The forgiving way to decode JSON: missing fields are NULL, what does not fit has a reason.

``from_json_strict`` is three times as fast, but it fails on a missing field and then says nothing
about the other records; ``from_json`` turns what does not fit into NULL without a word. So here
each field that came out NULL is compared with the JSON value it came from.

No expression raises: an exception inside ``TRY`` costs DuckDB 8 µs and makes it go through the
2,048 records around it one by one (measured: 0.1 % bad records, 133 ms per 100 k instead of 15;
this way it is 40 ms however many are bad).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from streamops_nb.db import ident, literal, struct_type
from streamops_nb.formats.reasons import shown, wrong
from streamops_nb.formats.types import EPOCHS, Fixed, ListOf, MapOf, Scalar, Struct, Tree, tree_of
from streamops_nb.model.time_forms import time_form

if TYPE_CHECKING:
    from streamops_nb.db import Session

__all__ = ["epoch", "forgiving_query", "formed", "json_types"]


_TRIMMED = r"trim(raw, E' \t\r\n')"


def json_types(schema: Mapping[str, str]) -> str:
    """Write the structure literal that ``from_json`` takes.

    Epochs are integers there, and times with a form are text.
    """
    return struct_type({name: _before(kind) for name, kind in schema.items()})


def _before(kind: str) -> str:
    if kind in EPOCHS:
        return "BIGINT"
    return "VARCHAR" if time_form(kind) else kind


def epoch(column: str, kind: str) -> str:
    """Write the timestamp of an integer column that counts units of `kind`."""
    return f"make_timestamptz({column} * {EPOCHS[kind]}::BIGINT)"


def formed(column: str, kind: str, *, strictly: bool = False) -> str:
    """Write the time of a text in a form; one that is not in it is NULL, or `strictly` an error."""
    found = time_form(kind)
    assert found is not None
    read, cast = ("strptime", "CAST") if strictly else ("try_strptime", "TRY_CAST")
    time = f"{read}({column}, {literal(found.form)})"
    if found.zone is not None:
        return f"timezone({literal(found.zone)}, {time})"
    return f"{cast}({time} AS {found.kind})"


def forgiving_query(schema: Mapping[str, str], session: Session) -> str:
    """Write the query over the registered table ``_records`` (``_row``, ``raw``).

    It gives one row per record, in order: the fields, ``_row``, and ``_fault``, which is NULL if
    the record decoded.
    """
    fields, faults = [], [_repeated("_keys", "_values", schema)]
    for i, (name, kind) in enumerate(schema.items(), start=1):
        value = f"_values[{i}]"
        field, fault = _top(name, kind, value, session)
        fields.append(f"{field} AS {ident(name)}")
        faults.append(fault)
    paths = ", ".join(_path(name) for name in schema)
    return f"""
        SELECT {", ".join(fields)}, _row, CASE
            WHEN raw IS NULL THEN 'the record has no value'
            WHEN NOT _valid THEN 'not JSON: ' || {shown(_TRIMMED)}
            WHEN _document IS NULL THEN 'not a JSON object: ' || {shown(_TRIMMED)}
            ELSE coalesce({", ".join(faults)}) END AS _fault
        FROM (
            SELECT _row, raw, _valid, _document,
                from_json(_document, {json_types(schema)}) AS _fields,
                json_extract(_document, [{paths}]) AS _values,
                json_keys(_document) AS _keys
            FROM (
                SELECT _row, raw, _valid, CASE
                    WHEN _valid AND starts_with(ltrim(raw, E' \\t\\r\\n'), '{{') THEN raw
                    END AS _document
                FROM (SELECT _row, raw, json_valid(raw) AS _valid FROM _records)))"""


def _top(name: str, kind: str, value: str, session: Session) -> tuple[str, str]:
    """Write a field of the record and its fault; its value has been cast already."""
    column, said = f"_fields.{ident(name)}", wrong(value, name, kind)
    if kind in EPOCHS or time_form(kind):
        field = f"TRY({epoch(column, kind)})" if kind in EPOCHS else formed(column, kind)
        return field, _unless(f"{field} IS NULL AND {value} <> 'null'", said)
    tree = tree_of(kind, session)
    if isinstance(tree, Scalar):
        return column, _unless(f"{column} IS NULL AND {value} <> 'null'", said)
    return column, _fault(value, tree, name, 1)


def _fault(value: str, tree: Tree, place: str, depth: int) -> str:
    """Write why the JSON value does not fit the type: an expression that is NULL if it does."""
    whole = f"from_json({value}, {_structure(tree)})"
    if isinstance(tree, Scalar):
        return _unless(f"{value} <> 'null' AND {whole} IS NULL", wrong(value, place, tree.text))
    member = f"_member{depth}"
    if isinstance(tree, Struct):
        shape = f"json_type({value}) <> 'OBJECT'"
        names = [name for name, _ in tree.fields]
        found = f"json_extract({value}, [{', '.join(map(_path, names))}])"
        parts = [_repeated(f"json_keys({value})", found, names)]
        for name, child in tree.fields:
            inner = f"json_extract({value}, {_path(name)})"
            parts.append(_fault(inner, child, f"{place}.{name}", depth + 1))
        inside = f"coalesce({', '.join(parts)})"
    elif isinstance(tree, MapOf):
        keys = f"from_json({value}, {_structure(Scalar(f'MAP({tree.key.text}, JSON)'))})"
        shape = f"json_type({value}) <> 'OBJECT' OR {keys} IS NULL"
        members = f"json_extract({value}, '$.*')"
        inside = _first(members, member, _fault(member, tree.value, f"{place}[]", depth + 1))
    else:
        shape = f"json_type({value}) <> 'ARRAY'" + _length(value, tree)
        members = f"from_json({value}, '[\"JSON\"]')"
        inside = _first(members, member, _fault(member, tree.child, f"{place}[]", depth + 1))
    return f"""CASE WHEN {value} IS NULL OR {value} = 'null' THEN NULL
        WHEN {shape} THEN {wrong(value, place, tree.text)} ELSE {inside} END"""


def _length(value: str, tree: ListOf | Fixed) -> str:
    return f" OR json_array_length({value}) <> {tree.length}" if isinstance(tree, Fixed) else ""


def _first(members: str, member: str, fault: str) -> str:
    """Write the first fault of the members of a list."""
    every = f"list_transform({members}, lambda {member}: {fault})"
    return f"list_filter({every}, lambda _found: _found IS NOT NULL)[1]"


def _repeated(keys: str, values: str, names: Iterable[str]) -> str:
    """Write the fault of a declared field that appears twice; which one counts is anyone's guess.

    Fields that are not declared may repeat: the strict way does not look at them either. Where
    there are as many keys as declared fields that were found, none repeats: this first look
    saves 15 of 20 ms per 100 k records.
    """
    declared = ", ".join(literal(name) for name in names)
    known = f"list_filter({keys}, lambda _key: _key IN ({declared}))"
    return f"""CASE WHEN len({keys}) <> list_count({values}) THEN
        CASE WHEN len({keys}) <> list_unique({keys}) THEN
            'field ' || list_filter({known}, lambda _one, _at:
                list_position({known}, _one) <> _at)[1] || ' appears twice'
        END END"""


def _unless(condition: str, said: str) -> str:
    return f"CASE WHEN {condition} THEN {said} END"


def _path(name: str) -> str:
    """Write the JSON pointer of a field."""
    return literal("/" + name.replace("~", "~0").replace("/", "~1"))


def _structure(tree: Tree) -> str:
    """Write the structure literal of a single type."""
    return literal(json.dumps(tree.text))
