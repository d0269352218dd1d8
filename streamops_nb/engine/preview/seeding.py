"""Rows that are made up from a schema, the same ones for the same seed."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from streamops_nb.db import Session, ident, literal
from streamops_nb.engine.assembly import timing_of
from streamops_nb.formats.types import Fixed, ListOf, MapOf, Scalar, Struct, Tree, tree_of
from streamops_nb.model.spec import Stream
from streamops_nb.model.time_forms import column_type

__all__ = ["seeded_rows"]

_BEGIN = "TIMESTAMPTZ '2024-01-01 00:00:00+00'"
_KEYS = 8
"""Different values of a text: few, so that groups and joins find partners."""
_NULLS = 33
"""One value in so many is NULL."""


def seeded_rows(
    schema: Mapping[str, str], declared: Stream, rows: int, seed: str, session: Session
) -> pa.Table:
    """Make up rows: one a second, out of order within the stream's watermark delay.

    Parameters
    ----------
    seed
        The same text gives the same rows.
    """
    columns = []
    for name, kind in schema.items():
        if name == declared.event_time:
            timing = timing_of(declared)
            assert timing is not None
            back = f"{_number(seed, name)} % {min(timing.delay, 30_000_000) + 1}"
            value = f"{_BEGIN} + to_seconds(i) - to_microseconds({back})"
        else:
            tree = tree_of(column_type(kind), session)
            missing = f"{_number(seed, name, 'null')} % {_NULLS} = 0"
            value = f"CASE WHEN {missing} THEN NULL ELSE {_value(tree, seed, name)} END"
        columns.append(f"CAST({value} AS {column_type(kind)}) AS {ident(name)}")
    return session.table(f"SELECT {', '.join(columns)} FROM range({int(rows)}) made(i) ORDER BY i")


def _number(*path: str) -> str:
    """SQL for a whole number that looks like chance; MD5 is the same in every version."""
    return f"(md5_number_lower({literal('/'.join(path) + '/')} || i) % 1000000007)::BIGINT"


def _value(tree: Tree, *path: str) -> str:
    if isinstance(tree, Struct):
        parts = (f"{ident(n)} := {_value(below, *path, n)}" for n, below in tree.fields)
        return f"struct_pack({', '.join(parts)})"
    if isinstance(tree, ListOf):
        parts = (_value(tree.child, *path, str(n)) for n in range(3))
        return f"[{', '.join(parts)}][:{_number(*path)} % 4]"
    if isinstance(tree, Fixed):
        return f"[{', '.join(_value(tree.child, *path, str(n)) for n in range(tree.length))}]"
    if isinstance(tree, MapOf):
        return f"MAP([{_value(tree.key, *path, 'k')}], [{_value(tree.value, *path, 'v')}])"
    return _scalar(tree, path)


def _scalar(tree: Scalar, path: tuple[str, ...]) -> str:
    number = _number(*path)
    kind = tree.text.partition("(")[0]
    if kind == "ENUM":
        words = f"enum_range(NULL::{tree.text})"
        return f"{words}[1 + {number} % len({words})]"
    name = literal(f"{path[1]}-")
    known = {
        "VARCHAR": f"{name} || ({number} % {_KEYS})",
        "BOOLEAN": f"{number} % 2 = 0",
        "FLOAT": f"({number} % 4000) / 40",
        "DOUBLE": f"({number} % 4000) / 40",
        "DECIMAL": f"({number} % 4000) / 40",
        "DATE": f"DATE '2024-01-01' + ({number} % 366)::INTEGER",
        "TIME": f"TIME '00:00:00' + to_seconds({number} % 86400)",
        "INTERVAL": f"to_seconds({number} % 3600)",
        "UUID": f"md5({literal('/'.join(path))} || i)",
        "BLOB": f"encode({name} || ({number} % {_KEYS}))",
        "JSON": f"json_object({literal(path[1])}, {number} % 100)",
    }
    if kind.startswith("TIMESTAMP"):
        return f"{_BEGIN} + to_seconds({number} % 86400)"
    return f"TRY_CAST({known.get(kind, f'{number} % 100')} AS {tree.text})"
