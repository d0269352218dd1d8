"""Inputs for the parameters of a job."""

from __future__ import annotations

from typing import Any

import panel_material_ui as pmui

from streamops_nb.model.spec import JobSpec
from streamops_nb.ui.panel.look import PLAIN_NUMBER

__all__ = ["Values"]

_NUMBERS = ("INT", "DOUBLE", "FLOAT", "DECIMAL", "REAL", "UINTEGER", "UBIGINT", "HUGEINT")


class Values:
    """One input per parameter, filled with its default.

    Attributes
    ----------
    parts
        The inputs, in the order of the specification.
    """

    def __init__(self, spec: JobSpec) -> None:
        self._params = dict(spec.params)
        self._inputs = {name: _input(name, one) for name, one in self._params.items()}
        self.parts = list(self._inputs.values())

    def all(self) -> dict[str, Any]:
        """Give every value."""
        return {name: _value(part, self._params[name]) for name, part in self._inputs.items()}

    def changed(self) -> dict[str, Any]:
        """Give the values that differ from their defaults."""
        return {k: v for k, v in self.all().items() if v != self._params[k].default}


def _input(name: str, one: Any) -> Any:
    how = {"label": f"${name}", "size": "small", "margin": (4, 4), "width": 120}
    if one.description:
        how["description"] = one.description
    if one.choices:
        return pmui.Select(options=list(one.choices), value=one.default, **how)
    if one.type == "BOOLEAN":
        return pmui.Select(options=[True, False], value=bool(one.default), **how)
    if one.type.startswith(_NUMBERS) or "INT" in one.type:
        return pmui.FloatInput(
            value=one.default, start=one.min, end=one.max, sx=PLAIN_NUMBER, **how
        )
    return pmui.TextInput(value="" if one.default is None else str(one.default), **how)


def _value(part: Any, one: Any) -> Any:
    value = part.value
    if isinstance(value, float) and "INT" in one.type and value == int(value):
        return int(value)
    return one.default if value == str(one.default) else value
