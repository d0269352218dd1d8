"""A view as plain values and back, so that it need not be folded from the beginning again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

from streamops_nb.model.events import Event, from_json, to_json
from streamops_nb.model.flow import Done, Holder, StageRows
from streamops_nb.model.lifecycle import Status
from streamops_nb.model.rings import Rings, Slot
from streamops_nb.model.views import JobView

__all__ = ["view_from_json", "view_to_json"]


def view_to_json(view: JobView) -> dict[str, Any]:
    """Give a view as plain values, by the names of its fields."""
    values = {field.name: getattr(view, field.name) for field in fields(view)}
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Event):
        return to_json(value)
    if isinstance(value, Status):
        return value.value
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def view_from_json(values: Mapping[str, Any]) -> JobView | None:
    """Give back what `view_to_json` was given.

    None if another version wrote it, whose views have other fields: it is folded anew then.
    """
    if values.keys() != {field.name for field in fields(JobView)}:
        return None
    return JobView(**{k: _READ[k](v) if k in _READ else v for k, v in values.items()})


def _event(value: Mapping[str, Any] | None) -> Any:
    return None if value is None else from_json(value)


_READ: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "status": Status,
        "earlier": lambda value: Done(*value),
        "holders": lambda value: {name: Holder(*held) for name, held in value.items()},
        "stages": lambda value: {name: StageRows(*rows) for name, rows in value.items()},
        "last_error": _event,
        "last_reject": _event,
        "rings": lambda value: Rings(*(tuple(Slot(*slot) for slot in ring) for ring in value)),
        "took": tuple,
    }
)
