"""From the parameters that a job declares to the controls by which they are changed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from streamops_nb.model.errors import Refused
from streamops_nb.model.params import Param
from streamops_nb.model.types import base_type

__all__ = ["Control", "Kind", "controls_of"]

Kind = Literal["slider", "whole slider", "choice", "switch", "text"]

_WHOLE = frozenset(
    (
        "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT",
        "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT", "BIGNUM",
    )
)  # fmt: skip
_BROKEN = frozenset(("FLOAT", "DOUBLE", "DECIMAL"))
_EXACT = 2**53
"""Beyond this a browser does not tell whole numbers apart."""
_STEPS = 100
_HINTS = {
    "INTERVAL": "such as 5 minutes",
    "DATE": "such as 2024-01-31",
    "TIME": "such as 08:30:00",
    "TIMESTAMP": "such as 2024-01-31T08:30:00",
    "TIMESTAMPTZ": "such as 2024-01-31T08:30:00Z",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Control:
    """How one parameter is changed.

    Parameters
    ----------
    param
        What the job declares of it.
    value
        Where it stands at the beginning.
    low, high, step
        For sliders.
    hint
        What may be given, in words.
    """

    name: str
    kind: Kind
    param: Param
    value: Any
    low: float = 0
    high: float = 0
    step: float = 1
    hint: str = ""

    @property
    def text(self) -> str:
        """The value as a text field shows it; nothing is NULL."""
        return "" if self.value is None else str(self.value)

    def read(self, given: Any) -> Any:
        """Give the parameter's value for what a control holds.

        Raises
        ------
        Refused
            If it may not be given.
        """
        value = self._typed(given)
        fault = self.param.fault(value)
        if fault:
            raise Refused(f"{self.name}: {fault}" + (f" - {self.hint}" if self.hint else ""))
        return value

    def _typed(self, given: Any) -> Any:
        kind = base_type(self.param.type)
        if self.kind == "slider":
            # a slider adds up its steps: 0.1 + 0.2 is not 0.3
            return float(f"{given:.12g}")
        if self.kind != "text" or not isinstance(given, str):
            return given
        if not given and kind != "VARCHAR":
            return None
        return _number(given) if kind in _WHOLE | _BROKEN else given


def controls_of(params: Mapping[str, Param], values: Mapping[str, Any]) -> tuple[Control, ...]:
    """Give a control for each parameter, in their order.

    Parameters
    ----------
    values
        Where they stand.
    """
    return tuple(_control(name, param, values[name]) for name, param in params.items())


def _control(name: str, param: Param, value: Any) -> Control:
    kind = base_type(param.type)
    if param.choices:
        return Control(name=name, kind="choice", param=param, value=value)
    if kind == "BOOLEAN" and value is not None:
        return Control(name=name, kind="switch", param=param, value=value)
    bounds = _bounds(param, value)
    if bounds is not None and kind in _WHOLE | _BROKEN:
        low, high = bounds
        whole = kind in _WHOLE
        step = _step(high - low, whole=whole)
        word: Kind = "whole slider" if whole else "slider"
        return Control(
            name=name, kind=word, param=param, value=value, low=low, high=high, step=step
        )
    return Control(name=name, kind="text", param=param, value=value, hint=_hint(param, kind))


def _bounds(param: Param, value: Any) -> tuple[float, float] | None:
    """The ends of a slider; None if it has none that a browser can count to."""
    if value is None or param.min is None or param.max is None:
        return None
    try:
        low, high = float(param.min), float(param.max)
    except (TypeError, ValueError):  # bounds of times
        return None
    return (low, high) if low < high and max(abs(low), abs(high)) <= _EXACT else None


def _step(width: float, *, whole: bool) -> float:
    """A hundredth of the width, rounded down to 1, 2 or 5 times a power of ten."""
    rough = width / _STEPS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(n for n in (5, 2, 1) if n * power <= rough * (1 + 1e-9)) * power
    return max(1.0, step) if whole else float(f"{step:.6g}")


def _hint(param: Param, kind: str) -> str:
    ends = (("from", param.min), ("to", param.max))
    bounds = " ".join(f"{word} {end}" for word, end in ends if end is not None)
    return ", ".join(part for part in (_HINTS.get(kind, ""), bounds) if part)


def _number(text: str) -> Any:
    """A number that is written; what is none is left to the parameter to refuse."""
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text
