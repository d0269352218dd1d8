"""What is left of a specification that was refused, so that its query can be checked too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streamops_nb.model.errors import SpecRefused
from streamops_nb.model.spec import JobSpec
from streamops_nb.plan.specfile import load
from streamops_nb.plan.yaml_text import read_yaml

__all__ = ["leftover"]

_READ_BY_QUERY = re.compile(
    r"|(query|params|references)\b.*|streams(\.[^.]+(\.(source|format|schema|event_time)\b.*)?)?"
)
"""Settings without which a query's faults would be those of something else."""


def leftover(path: Path) -> JobSpec | None:
    """Read a specification without the settings that are wrong.

    Returns
    -------
    JobSpec or None
        None if what the query reads is wrong, or more than single settings.
    """
    data = read_yaml(path.read_text(encoding="utf-8-sig")).data
    if not isinstance(data, Mapping):
        return None
    try:
        return load(data)
    except SpecRefused as refusal:
        wrong = [fault.where for fault in refusal.faults]
    if any(_READ_BY_QUERY.fullmatch(where) for where in wrong):
        return None
    rest: dict[str, Any] = {"name": "unnamed", **data}
    for where in wrong:
        rest = _without(rest, where.split("."))
    try:
        return load({"name": "unnamed", **rest})
    except SpecRefused:
        return None


def _without(data: Any, keys: list[str]) -> Any:
    if not isinstance(data, Mapping) or keys[0] not in data:
        return data
    if len(keys) == 1:
        return {key: value for key, value in data.items() if key != keys[0]}
    return {**data, keys[0]: _without(data[keys[0]], keys[1:])}
