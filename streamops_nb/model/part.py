"""What all parts of a specification have in common."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, model_validator

from streamops_nb.model.duration import duration_text
from streamops_nb.model.wording import shown, wrong

__all__ = ["Part", "PlugIn", "plain"]

_DEEPEST = 30


class Part(BaseModel):
    """A frozen group of settings that knows no other settings than its own."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", serialize_by_alias=True, allow_inf_nan=False
    )


def plain(value: Any, depth: int = 0) -> Any:
    """Turn a value into what YAML and JSON hold alike: text, numbers, true, false, null, groups.

    Raises
    ------
    pydantic_core.PydanticCustomError
        If it cannot be written, is not a finite number, or is nested too deeply.
    """
    if depth > _DEEPEST:
        raise wrong(f"settings nested deeper than {_DEEPEST} levels", "write them flatter")
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise wrong(f"expected a finite number, got {shown(value)}")
        return value
    if isinstance(value, Mapping):
        return {_key(key): plain(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner, depth + 1) for inner in value]
    return _text(value)


def _key(key: Any) -> str:
    if isinstance(key, (str, int)) and not isinstance(key, bool):
        return _text(str(key))
    raise wrong(f"the name of a setting must be text, got {shown(key)}")


def _text(value: Any) -> str:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise wrong("this text is not valid Unicode") from error
        return str(value)
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (PurePath, Decimal, UUID)):
        return str(value)
    raise wrong(f"{shown(value)} cannot be written into a specification", "write it as text")


class PlugIn(BaseModel):
    """A source, format or sink by name, with the settings that are its own.

    The settings are kept as written, references to secrets included; the plug-in checks them when
    the specification is loaded and reads them, resolved, when the job starts.

    Parameters
    ----------
    type
        The name of the plug-in; ``format: csv`` is short for ``format: {type: csv}``.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    type: str

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"type": value}
        if not isinstance(value, Mapping):
            return value
        # a type that is no text, such as a date, is refused and not made one
        return {**plain(value), **{key: value[key] for key in ("type",) if key in value}}

    @property
    def settings(self) -> dict[str, Any]:
        """The plug-in's own settings, as written."""
        return dict(self.model_extra or {})
