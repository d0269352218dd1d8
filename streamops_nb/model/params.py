"""The parameters of a job: ``$name`` in its query."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from streamops_nb.model.duration import duration_text
from streamops_nb.model.part import Part, plain
from streamops_nb.model.types import base_type
from streamops_nb.model.wording import shown, wrong

__all__ = ["Param", "param_faults", "value_fault"]

_BITS = {
    "TINYINT": 8, "SMALLINT": 16, "INTEGER": 32, "BIGINT": 64, "HUGEINT": 128,
    "UTINYINT": 8, "USMALLINT": 16, "UINTEGER": 32, "UBIGINT": 64, "UHUGEINT": 128,
}  # fmt: skip
_NUMBERS = frozenset(("FLOAT", "DOUBLE", "DECIMAL", "BIGNUM", *_BITS))
_ORDERED = _NUMBERS | {"DATE", "TIME", "TIMESTAMP", "TIMESTAMPTZ"}


def _inferred(value: Any) -> str:
    """Give the type that a bare default stands for."""
    for kind, name in _INFERRED:
        if isinstance(value, kind):
            return name
    raise wrong(
        f"the type of a parameter cannot be told from {shown(value)}",
        "write it out, for example `{type: DOUBLE, default: 30}`",
    )


_INFERRED: tuple[tuple[type, str], ...] = (
    (bool, "BOOLEAN"),
    (int, "BIGINT"),
    (float, "DOUBLE"),
    (str, "VARCHAR"),
    (Decimal, "DECIMAL(38, 9)"),
    (datetime, "TIMESTAMPTZ"),
    (date, "DATE"),
    (time, "TIME"),
    (timedelta, "INTERVAL"),
    (UUID, "UUID"),
)


def written(value: Any) -> Any:
    """Turn a parameter's value into what YAML can hold: times and decimals become text."""
    if isinstance(value, timedelta):
        return duration_text(value)
    return plain(value)


def expanded(value: Any) -> Any:
    """Write a parameter out: a bare default, or settings without a type, get their type."""
    if not isinstance(value, Mapping):
        return {"type": _inferred(value), "default": written(value)}
    if "type" not in value and value.get("default") is not None:
        return {"type": _inferred(value["default"]), **value}
    return value


def _all_written(param: Mapping[str, Any]) -> dict[str, Any]:
    choices = param.get("choices")
    parts = {part: written(param.get(part)) for part in ("default", "min", "max")}
    if isinstance(choices, (list, tuple)):
        parts["choices"] = [written(choice) for choice in choices]
    return {**parts, "type": param["type"]}


def _type_text(value: Any) -> Any:
    if isinstance(value, str):
        base_type(value)
    return value


class Param(Part):
    """One parameter: its type, the value it has unless another is given, and what may be given.

    Parameters
    ----------
    type
        A DuckDB type; without it the type of the default.
    default
        The value; null is SQL's NULL.
    min, max
        Bounds, included, for numbers and times.
    choices
        The only values accepted.
    description
        What the parameter does, for the screens.
    """

    type: Annotated[str, BeforeValidator(_type_text)] = Field(examples=["DOUBLE"])
    default: Annotated[Any, BeforeValidator(written)] = Field(examples=["30"])
    min: Annotated[Any, BeforeValidator(written)] = None
    max: Annotated[Any, BeforeValidator(written)] = None
    choices: tuple[Annotated[Any, BeforeValidator(written)], ...] | None = None
    description: str = ""

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: Any) -> Any:
        return expanded(value)

    def fault(self, value: Any) -> str:
        """Say what is wrong with a value for this parameter; empty if it may be given."""
        try:
            return value_fault(written(value), self.model_dump())
        except PydanticCustomError as error:  # what no YAML could hold, such as NaN
            return error.message()


def param_faults(raw: Any) -> list[tuple[str, str]]:
    """Compare a parameter's parts with each other.

    Parameters
    ----------
    raw
        The parameter as written, perhaps wrong in other ways, which are not told here.

    Returns
    -------
    list of (str, str)
        The part (``default``, ``min``, ``max``, ``choices``) and what is wrong with it.
    """
    try:
        param = _all_written(expanded(raw))
        kind = base_type(param["type"])
    except (PydanticCustomError, KeyError, TypeError, AttributeError):
        return []
    faults = [
        (bound, f"{kind} has no order that a bound could use")
        for bound in ("min", "max")
        if param.get(bound) is not None and kind not in _ORDERED
    ]
    if faults:
        return faults
    faults = [
        (bound, why)
        for bound in ("min", "max")
        if (why := _unsuitable(param.get(bound), param["type"]))
    ]
    bounds = {**param, **{part: None for part, _ in faults}}
    low, high = (_comparable(bounds.get(bound), kind) for bound in ("min", "max"))
    if low is not None and high is not None and low > high:
        return [*faults, ("min", "the smallest accepted value is larger than `max`")]
    faults += _choice_faults(bounds)
    why = value_fault(param.get("default"), bounds)
    return [*faults, ("default", why)] if why else faults


def _choice_faults(param: Mapping[str, Any]) -> list[tuple[str, str]]:
    choices = param.get("choices")
    if choices is None:
        return []
    if not choices:
        return [("choices", "no value at all could be chosen")]
    bounds = {**param, "choices": None}
    whys = (value_fault(choice, bounds) for choice in choices)
    return [("choices", why) for why in dict.fromkeys(whys) if why]


def value_fault(value: Any, param: Mapping[str, Any]) -> str:
    """Say what is wrong with a value for a parameter that is written out; empty if nothing is."""
    value = written(value)
    if value is None:
        return ""
    why = _unsuitable(value, param["type"])
    if why:
        return why
    choices = param.get("choices")
    if choices and not any(_same(value, written(choice)) for choice in choices):
        return f"{shown(value)} is not among the choices"
    return _out_of_bounds(value, param)


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _out_of_bounds(value: Any, param: Mapping[str, Any]) -> str:
    kind = base_type(param["type"])
    given = _comparable(value, kind)
    low, high = (_comparable(param.get(bound), kind) for bound in ("min", "max"))
    if low is not None and given < low:
        return f"{shown(value)} is below `min`, {written(param['min'])}"
    if high is not None and given > high:
        return f"{shown(value)} is above `max`, {written(param['max'])}"
    return ""


def _unsuitable(value: Any, type_text: str) -> str:
    """Say why a value does not fit a type; nested and rarer types are left to DuckDB."""
    value, kind = written(value), base_type(type_text)
    if value is None or kind not in _EXPECTED:
        return ""
    expected, read = _EXPECTED[kind]
    try:
        read(value, kind)
    except (ValueError, TypeError, InvalidOperation):
        return f"{shown(value)} is not {expected}, as {kind} asks"
    return ""


def _comparable(value: Any, kind: str) -> Any:
    return (
        None if value is None or kind not in _ORDERED else _EXPECTED[kind][1](written(value), kind)
    )


def _boolean(value: Any, _: str) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _whole(value: Any, kind: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    bits = _BITS.get(kind)
    if bits and kind.startswith("U") and not 0 <= value < 2**bits:
        raise ValueError
    if bits and not kind.startswith("U") and not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
        raise ValueError
    return value


def _number(value: Any, kind: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError
    if isinstance(value, str) and kind != "DECIMAL":
        raise TypeError
    number = Decimal(str(value))
    if not math.isfinite(number):
        raise ValueError
    return number


def _text(value: Any, _: str) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _time(value: Any, kind: str) -> Any:
    text = _text(value, kind)
    if kind == "DATE":
        return date.fromisoformat(text)
    if kind == "TIME":
        return time.fromisoformat(text).replace(tzinfo=None)
    found = datetime.fromisoformat(text)
    if kind == "TIMESTAMP":
        return found.replace(tzinfo=None)
    if found.tzinfo is None:
        raise ValueError
    return found


def _uuid(value: Any, kind: str) -> UUID:
    if not re.fullmatch(r"[0-9a-fA-F-]{32,36}", _text(value, kind)):
        raise ValueError
    return UUID(value)


_EXPECTED: dict[str, tuple[str, Callable[[Any, str], Any]]] = {
    "BOOLEAN": ("true or false", _boolean),
    **{kind: (f"a whole number of {bits} bits", _whole) for kind, bits in _BITS.items()},
    "BIGNUM": ("a whole number", _whole),
    **dict.fromkeys(("FLOAT", "DOUBLE", "DECIMAL"), ("a finite number", _number)),
    "VARCHAR": ("text", _text),
    "INTERVAL": ("text such as `5 minutes`", _text),
    "DATE": ("a date such as 2024-01-31", _time),
    "TIME": ("a time of day such as 08:30:00", _time),
    "TIMESTAMP": ("a time such as 2024-01-31T08:30:00", _time),
    "TIMESTAMPTZ": ("a time with its zone such as 2024-01-31T08:30:00Z", _time),
    "UUID": ("a UUID", _uuid),
}
