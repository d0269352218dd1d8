"""Where in its file a fault lies."""

from __future__ import annotations

import re

from streamops_nb.model.errors import Fault
from streamops_nb.model.spec import JobSpec
from streamops_nb.plan.yaml_text import read_yaml

__all__ = ["placed"]

_IN_QUERY = re.compile(r"query (\d+):(\d+)")


def placed(fault: Fault, spec: JobSpec, text: str) -> Fault:
    """Add the line and column of the file to a fault."""
    place = _in_query(fault.where, spec, text)
    if place is None:
        places = read_yaml(text).places
        where = fault.where.partition(" ")[0].partition(",")[0]
        while (
            where not in places and "." in where
        ):  # what is not written belongs to a group that is
            where = where.rpartition(".")[0]
        place = places.get(where)
    if place is None or "(line" in fault.where:
        return fault
    where = f"{fault.where} (line {place[0]}:{place[1]})"
    return Fault(what=fault.what, where=where, remedy=fault.remedy)


def _in_query(where: str, spec: JobSpec, text: str) -> tuple[int, int] | None:
    """Find a place of the query in the file, if the query stands there as it was written."""
    found = _IN_QUERY.match(where)
    begin = read_yaml(text).places.get("query")
    if found is None or begin is None:
        return None
    line, column = int(found[1]), int(found[2])
    asked = spec.query.split("\n")[line - 1]
    lines = text.splitlines()
    beside = lines[begin[0] - 1].find(asked) if "\n" not in spec.query else -1
    if beside > 0:
        return begin[0], beside + column
    at = begin[0] + line
    if at > len(lines) or lines[at - 1].lstrip() != asked.lstrip():
        return None
    return at, column + len(lines[at - 1]) - len(asked)
