"""Type texts of fields and parameters, checked without a database.

A type is written as DuckDB writes it: ``DOUBLE``, ``DECIMAL(10, 2)``, ``VARCHAR[]``,
``STRUCT(lat DOUBLE, lon DOUBLE)``, ``MAP(VARCHAR, INTEGER)``. Checking it here lets a specification
be refused with all its faults at once; DuckDB's binder still has the last word.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from streamops_nb.model.wording import cut, did_you_mean, wrong

__all__ = ["EPOCHS", "TEMPORAL", "base_type"]

EPOCHS = ("EPOCH_S", "EPOCH_MS", "EPOCH_US")
"""Types of fields only: a whole number in the data that becomes a TIMESTAMPTZ."""

_NAMES = {
    "BOOLEAN": ("BOOL", "LOGICAL"),
    "TINYINT": ("INT1",),
    "SMALLINT": ("INT2", "INT16", "SHORT"),
    "INTEGER": ("INT", "INT4", "INT32", "INTEGRAL", "SIGNED"),
    "BIGINT": ("INT8", "INT64", "LONG", "OID"),
    "HUGEINT": ("INT128",),
    "BIGNUM": ("VARINT",),
    "UTINYINT": ("UINT8",),
    "USMALLINT": ("UINT16",),
    "UINTEGER": ("UINT32",),
    "UBIGINT": ("UINT64",),
    "UHUGEINT": ("UINT128",),
    "FLOAT": ("FLOAT4", "REAL"),
    "DOUBLE": ("FLOAT8",),
    "DECIMAL": ("NUMERIC", "DEC"),
    "VARCHAR": ("TEXT", "STRING", "CHAR", "BPCHAR", "NVARCHAR"),
    "BLOB": ("BYTEA", "BINARY", "VARBINARY"),
    "BIT": ("BITSTRING",),
    "UUID": ("GUID",),
    "JSON": (),
    "DATE": (),
    "TIME": (),
    "TIMETZ": (),
    "TIMESTAMP": ("DATETIME", "TIMESTAMP_US"),
    "TIMESTAMP_S": (),
    "TIMESTAMP_MS": (),
    "TIMESTAMP_NS": (),
    "TIMESTAMPTZ": (),
    "INTERVAL": (),
}
_CANONICAL = {alias: name for name, also in _NAMES.items() for alias in (name, *also)}
_FOREIGN = {
    "STR": "VARCHAR", "OBJECT": "VARCHAR", "UNICODE": "VARCHAR", "VARCHAR2": "VARCHAR",
    "NUMBER": "DOUBLE", "FLOAT64": "DOUBLE", "FLOAT32": "FLOAT", "BYTES": "BLOB",
    "DATETIME64": "TIMESTAMPTZ", "DATETIME2": "TIMESTAMPTZ", "TIMESTAMP_LTZ": "TIMESTAMPTZ",
    "ARRAY": "VARCHAR[]", "LIST": "VARCHAR[]", "DICT": "STRUCT(…)", "RECORD": "STRUCT(…)",
}  # fmt: skip
"""Names of types elsewhere, and what they are here."""
_NESTED = ("STRUCT", "MAP", "UNION", "ENUM")
TEMPORAL = frozenset(
    ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMPTZ", *EPOCHS)
)
"""The types that an event-time field may have."""

_TOKEN = re.compile(
    r"""\s*(?:([A-Za-z_]\w*)|("(?:[^"]|"")+")|('(?:[^']|'')*')|(\d+)|([(),\[\]]))"""
)
_DEEPEST = 30
_LONGEST = 20_000


def base_type(text: str, *, more: tuple[str, ...] = ()) -> str:
    """Check a type text and give the name of its outermost type.

    Parameters
    ----------
    text
        The type as written.
    more
        Names that are accepted besides DuckDB's, as the outermost type only (`EPOCHS`).

    Returns
    -------
    str
        The outermost type, aliases resolved: ``DOUBLE``, ``STRUCT``, ``LIST`` for ``VARCHAR[]``.

    Raises
    ------
    pydantic_core.PydanticCustomError
        If it is not the text of a type.
    """
    if text.strip().upper() in more:
        return text.strip().upper()
    if len(text) > _LONGEST:
        raise wrong(f"a type of {len(text)} characters is too long", "declare fewer nested fields")
    parser = _Parser(text, more)
    found = parser.type()
    parser.end()
    return found


class _Parser:
    """Recursive descent over the tokens of one type text."""

    def __init__(self, text: str, more: tuple[str, ...]) -> None:
        self._text = text
        self._more = more
        self._tokens = self._split(text)
        self._at = 0
        self._depth = 0

    def _split(self, text: str) -> list[str]:
        tokens, at = [], 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None:
                raise self._not_a_type()
            tokens.append(found[0].strip())
            at = found.end()
        return tokens

    def _not_a_type(self) -> Exception:
        opened = self._text.count("(") > self._text.count(")")
        hint = "put the type in quotes: a comma ends an unquoted value inside {…}"
        example = (
            'for example DOUBLE, DECIMAL(10, 2), VARCHAR[] or "STRUCT(lat DOUBLE, lon DOUBLE)"'
        )
        return wrong(f'"{cut(self._text)}" is not a type', hint if opened else example)

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, *accepted: str) -> str:
        token = self._peek()
        if not token or (accepted and token not in accepted):
            raise self._not_a_type()
        self._at += 1
        return token

    def end(self) -> None:
        """Refuse what is left over."""
        if self._peek():
            raise self._not_a_type()

    def type(self) -> str:
        """Read one type with its list brackets."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise wrong(f"a type nested deeper than {_DEEPEST} levels", "declare it as JSON")
        found = self._named()
        while self._peek() == "[":
            self._take("[")
            if self._peek().isdigit() and int(self._take()[:9]) == 0:
                raise self._not_a_type()
            self._take("]")
            found = "LIST"
        self._depth -= 1
        return found

    def _named(self) -> str:
        word = self._take()
        name = word.upper()
        if name in ("TIMESTAMP", "TIME") and self._peek().upper() == "WITH":
            for expected in ("WITH", "TIME", "ZONE"):
                if self._take().upper() != expected:
                    raise self._not_a_type()
            return f"{name}TZ"
        if name in ("STRUCT", "ROW", "UNION"):
            self._group(self._field)
            return "UNION" if name == "UNION" else "STRUCT"
        if name == "MAP":
            self._between(self.type, self.type)
            return "MAP"
        if name == "ENUM":
            self._group(self._member)
            return "ENUM"
        return self._simple(word)

    def _simple(self, word: str) -> str:
        found = _CANONICAL.get(word.upper())
        if found is None:
            if not re.fullmatch(r"\w+", word):
                raise self._not_a_type()
            near = did_you_mean(word, (*_NAMES, *_NESTED, *self._more))
            here = _FOREIGN.get(word.upper())
            raise wrong(f'there is no type "{cut(word)}"', f"write `{here}`" if here else near)
        if found == "DECIMAL" and self._peek() == "(":
            self._decimal()
        elif found == "VARCHAR" and self._peek() == "(":
            self._between(self._number)
        return found

    def _decimal(self) -> None:
        self._take("(")
        width = self._number()
        scale = 0
        if self._peek() == ",":
            self._take(",")
            scale = self._number()
        self._take(")")
        if not (1 <= width <= 38 and scale <= width):
            raise wrong(
                f'"{cut(self._text)}": a DECIMAL has 1 to 38 digits, and no more behind the point '
                "than in all",
                "for example DECIMAL(18, 3)",
            )

    def _number(self) -> int:
        token = self._take()
        if not token.isdigit() or len(token) > 9:
            raise self._not_a_type()
        return int(token)

    def _field(self) -> None:
        if not re.match(r'[A-Za-z_"]', self._take()):
            raise self._not_a_type()
        self.type()

    def _member(self) -> None:
        if not self._take().startswith("'"):
            raise self._not_a_type()

    def _group(self, item: Callable[[], object]) -> None:
        self._take("(")
        item()
        while self._take(",", ")") == ",":
            item()

    def _between(self, *items: Callable[[], object]) -> None:
        self._take("(")
        for number, item in enumerate(items):
            if number:
                self._take(",")
            item()
        self._take(")")
