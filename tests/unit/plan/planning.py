"""Queries over a few streams and one reference, for the planner's tests."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import pytest

from streamops_nb.model.errors import Fault, QueryRefused
from streamops_nb.plan.operator import Plan
from streamops_nb.plan.planner import Param, Planner, StreamShape

__all__ = ["STREAMS", "plan", "refusal", "refusals"]

STREAMS = {
    "readings": StreamShape(
        columns={
            "ts": "TIMESTAMPTZ",
            "device": "VARCHAR",
            "temp": "DOUBLE",
            "n": "BIGINT",
            "tags": "VARCHAR[]",
            "loc": "STRUCT(x DOUBLE, y DOUBLE)",
        },
        event_time="ts",
    ),
    "clicks": StreamShape(
        columns={"ts": "TIMESTAMPTZ", "device": "VARCHAR", "url": "VARCHAR"}, event_time="ts"
    ),
    "timeless": StreamShape(columns={"a": "BIGINT", "stamp": "TIMESTAMPTZ"}),
}
DEVICES = {"device": "VARCHAR", "site": "VARCHAR", "cap": "DOUBLE", "since": "TIMESTAMPTZ"}
PARAMS = {"threshold": Param(type="DOUBLE", value=3.5), "size": Param(type="INTEGER", value=10)}


@cache
def _planner() -> Planner:
    return Planner()


def plan(
    query: str,
    *,
    streams: Mapping[str, StreamShape] = STREAMS,
    references: Mapping[str, Mapping[str, str]] | None = None,
    params: Mapping[str, Param] = PARAMS,
    marks: bool = False,
) -> Plan:
    """Plan a query; the planner is made once, since making one takes 20 ms."""
    references = {"devices": DEVICES} if references is None else references
    return _planner().plan(query, streams, references=references, params=params, marks=marks)


def refusals(query: str) -> list[Fault]:
    """Give the faults for which a query is refused."""
    with pytest.raises(QueryRefused) as caught:
        plan(query)
    return list(caught.value.faults)


def refusal(query: str) -> Fault:
    """Give the one fault for which a query is refused."""
    (fault,) = refusals(query)
    return fault
