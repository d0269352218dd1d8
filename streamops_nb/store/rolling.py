"""Rolling the catalog's events up, so that it does not grow with the length of the streams.

A slot of time is rolled up once per tier, in one transaction: its events are taken out and those
that stand for them put in at the places of their last. If the process dies in between, they are as
before. A fact that comes again from a job's file, after it was rolled up, is known by its time.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import pyarrow as pa

from streamops_nb.db import Session
from streamops_nb.model.events import Batches, Event, from_json, to_json
from streamops_nb.model.rollup import ROLLED, TIERS, Tier, rolled
from streamops_nb.store.records import FRESH
from streamops_nb.store.statements import statement

__all__ = ["Rolling"]

_AT_ONCE = 2_000
"""Events that are rolled up in one transaction (about 0.1 s), so that no one waits long for it."""

_SETTING = "rolled up to"
_KINDS = [kind.__name__ for kind in ROLLED]

Row = tuple[int, Event]


class Rolling:
    """How far events have been rolled up; whoever rolls holds the catalog's writing transaction."""

    def __init__(self, session: Session) -> None:
        self._upto = _kept(session)

    @property
    def finest(self) -> float:
        """All facts of batches up to this time, seconds since the epoch, were stored before."""
        # a coarse tier may have left nothing for the fine ones, which then stand still
        return max(self._upto.values())

    def step(self, session: Session, now: float) -> bool:
        """Roll up some events, coarse slots first; say whether there may be more."""
        # what a transaction before did may have been rolled back
        self._upto = _kept(session)
        # what is coarse already is not made of what is fine yet
        return any(self._roll(session, tier, now) for tier in reversed(TIERS))

    def _roll(self, session: Session, tier: Tier, now: float) -> bool:
        begin = max(upto for width, upto in self._upto.items() if width >= tier.width)
        until = _floor(now - tier.age, tier.width)
        if until <= begin:
            return False
        rows, until, more = self._rows(session, tier, begin, until)
        if not rows:
            return False
        _replace(session, rows, tier)
        self._upto[tier.width] = until
        text = json.dumps({str(width): upto for width, upto in self._upto.items()})
        session.run(statement("drop setting"), [_SETTING])
        session.run(statement("note setting"), [_SETTING, text])
        return more

    def _rows(
        self, session: Session, tier: Tier, begin: float, until: float
    ) -> tuple[list[Row], float, bool]:
        """Whole slots of events: their rows, up to when, and whether there are more."""
        asked: dict[str, Any] = {"begin": begin, "until": until, "kinds": _KINDS}
        found = session.rows(statement("events between"), {**asked, "limit": _AT_ONCE})
        more = len(found) == _AT_ONCE
        if more:
            first, last = (_floor(found[at][1], tier.width) for at in (0, -1))
            # a slot with more events than that is taken as a whole
            asked["until"] = until = min(until, last if last > first else first + tier.width)
            found = session.rows(statement("events between"), {**asked, "limit": None})
        return sorted((row[0], from_json(json.loads(row[2]))) for row in found), until, more


def _kept(session: Session) -> dict[float, float]:
    """Per tier, up to when events have been rolled up."""
    found = session.rows(statement("setting"), [_SETTING])
    kept = json.loads(found[0][0]) if found else {}
    return {tier.width: kept.get(str(tier.width), 0.0) for tier in TIERS}


def _floor(at: float, width: float) -> float:
    return at // width * width


def _replace(session: Session, rows: list[Row], tier: Tier) -> None:
    slots: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    kept = {job: (place, seq) for job, place, seq in session.rows(statement("in views"))}
    for place, event in rows:
        upto, seq = kept.get(event.job, (0, 0))
        folded = place <= upto or 0 < event.seq <= seq
        slots[event.job, event.run, event.at // tier.width, folded].append((place, event))
    gone: list[int] = []
    fresh: list[tuple[Any, ...]] = []
    for slot in slots.values():
        places = {id(event): place for place, event in slot}
        for one, *alike in rolled(event for _, event in slot):
            if len(alike) > (tier.few if isinstance(one, Batches) else 1):
                gone += [places[id(event)] for event in alike]
                last = max(places[id(event)] for event in alike)
                body = json.dumps(to_json(one))
                fresh.append((last, one.job, one.seq, one.at, type(one).__name__, body))
    if not fresh:
        return
    arrays = [pa.array(c, f.type) for c, f in zip(zip(*fresh, strict=True), FRESH, strict=True)]
    tables = {
        "gone": pa.table({"id": pa.array(gone, pa.int64())}),
        "fresh": pa.Table.from_arrays(arrays, schema=FRESH),
    }
    with session.registered(**tables):
        session.run(statement("drop events"))
        session.run(statement("add events"))
