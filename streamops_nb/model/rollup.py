"""Rolling events up: many facts of one kind become one that folds to the same.

Nothing is lost but resolution: counts are summed, first and last times kept, and of equal errors
the first stays as it was told. So a view, a total or an error log is the same before and after. Of
errors of very many sorts some are counted together, so that no flood of them fills the disk.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

from streamops_nb.model.events import (
    BatchCommitted,
    Batches,
    BatchesRolled,
    ErrorRaised,
    Event,
    LateFound,
    RejectsFound,
)
from streamops_nb.model.fingerprint import fingerprint
from streamops_nb.model.flow import StageRows

__all__ = ["ROLLED", "TIERS", "Tier", "rolled", "spanned"]

ROLLED: tuple[type[Event], ...] = (
    BatchCommitted,
    BatchesRolled,
    ErrorRaised,
    RejectsFound,
    LateFound,
)
"""What is rolled up; every other event is kept as it is."""


class Tier(NamedTuple):
    """Events older than `age` are rolled up into slots of `width`, both in seconds.

    A slot with up to `few` batches of a run is left as it is.
    """

    age: float
    width: float
    few: int = 1


_DAY = 86_400.0

TIERS = (
    Tier(300, 1, few=2),  # a batch a second does not keep to the second
    Tier(3_600, 60),
    Tier(_DAY, 600),
    Tier(14 * _DAY, 3_600),
    Tier(90 * _DAY, 30 * _DAY),
    Tier(730 * _DAY, 365_250 * _DAY),
)
"""From fine to coarse: full resolution for an hour up to a batch a second, and of faster jobs a
second after five minutes; the last slot is all of a run. A job that runs for ever has about 10,000
events for 90 days, and few beyond."""

_SORTS = 100
"""So many sorts of errors, and of rejects of a stage and kind, are told apart in one slot."""

_MANY = f"of more than {_SORTS} sorts at once: this counts those beyond"

_SUMS = (
    "rows_in", "rows_out", "rejects", "bytes_in", "late", "partly_late", "cut_off", "looked_rows",
    "unordered",
)  # fmt: skip
_LAST = ("watermarks", "frontiers", "lag", "state_rows", "holders")


def rolled(events: Iterable[Event]) -> list[list[Event]]:
    """Group events of one run, and roll each group up.

    Parameters
    ----------
    events
        In order; each of a kind in `ROLLED`.

    Returns
    -------
    list of list
        Per group its one event, followed by those that it stands for, in the order of their last.
    """
    groups: dict[Hashable, list[Event]] = {}
    for event in events:
        groups.setdefault(_like(event), []).append(event)
    crowded = _crowd(groups)
    last = sorted(groups.items(), key=lambda one: (one[1][-1].at, one[1][-1].seq))
    return [[_one(group, many=like in crowded), *group] for like, group in last]


def _crowd(groups: dict[Hashable, list[Event]]) -> Collection[Hashable]:
    """Put the youngest sorts of errors and rejects together where there are too many of them."""
    families: dict[Hashable, list[Hashable]] = defaultdict(list)
    for like, (event, *_) in groups.items():
        if isinstance(event, ErrorRaised | RejectsFound):
            families[event.run, type(event), *_where(event)].append(like)
    crowded = {family: likes for family, likes in families.items() if len(likes) > _SORTS}
    for family, likes in crowded.items():
        surplus = sorted(likes, key=lambda like: _first_at(groups[like]))[_SORTS:]
        groups[family] = [event for like in surplus for event in groups.pop(like)]
        groups[family].sort(key=lambda event: (event.at, event.seq))
    return crowded.keys()


def _first_at(group: Sequence[Any]) -> float:
    return min(float(e.at if e.first_at is None else e.first_at) for e in group)


def spanned(event: Batches) -> Mapping[str, int]:
    """Per stream, how much was read, in the unit of the source."""
    if isinstance(event, BatchesRolled):
        return event.spanned
    if isinstance(event, BatchCommitted):
        return {name: sum(s.stop - s.start for s in span) for name, span in event.spans.items()}
    return {}


def _like(event: Event) -> Hashable:
    """What events have in common that are rolled up together."""
    if isinstance(event, Batches):
        return (event.job, event.run)
    if isinstance(event, LateFound):
        return (event.job, event.run, event.stage)
    return (event.run, type(event), fingerprint(event))


def _where(event: ErrorRaised | RejectsFound) -> tuple[str, ...]:
    """What is still told of errors, or rejects, of too many sorts: of rejects that one has many."""
    return (event.stage, event.kind) if isinstance(event, RejectsFound) else ()


def _one(group: Sequence[Event], *, many: bool) -> Event:
    if len(group) == 1:
        return group[0]
    how = _HOW[type(group[-1])]
    one: Event = how(group)
    if many and isinstance(one, ErrorRaised):
        return replace(one, stage="", kind="ManyKinds", message=_MANY, trace="")
    return replace(one, example=_MANY) if many and isinstance(one, RejectsFound) else one


def _batches(group: Sequence[Batches]) -> BatchesRolled:
    last = group[-1]
    stages: dict[str, StageRows] = {}
    closes: dict[str, int] = {}
    for event in group:
        for name, rows in event.stages.items():
            stages[name] = stages.get(name, StageRows()).plus(rows)
        closes.update(event.closes)
    sums = {name: sum(getattr(event, name) for event in group) for name in _SUMS}
    lasts = {name: getattr(last, name) for name in _LAST}
    return BatchesRolled(
        job=last.job,
        run=last.run,
        seq=last.seq,
        at=last.at,
        n=last.n,
        batches=sum(_batches_of(event) for event in group),
        since=_since(group[0]),
        longest=max(_longest(event) for event in group),
        spanned=_added(spanned(event) for event in group),
        seconds=_added(event.seconds for event in group),
        stages=stages,
        closes=closes,
        **sums,
        **lasts,
    )


def _batches_of(event: Batches) -> int:
    return event.batches if isinstance(event, BatchesRolled) else 1


def _since(event: Batches) -> float:
    return event.since if isinstance(event, BatchesRolled) else event.at


def _longest(event: Batches) -> float:
    if isinstance(event, BatchesRolled):
        return event.longest
    return sum(event.seconds.values())


def _added(maps: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    total: Counter[str] = Counter()
    for one in maps:
        total.update(one)
    return dict(total)


def _counted(group: Sequence[ErrorRaised | RejectsFound]) -> Event:
    """The first, with the number of all and the time of the last."""
    first, last = group[0], group[-1]
    return replace(
        first,
        at=last.at,
        seq=last.seq,
        count=sum(event.count for event in group),
        first_at=_first_at(group),
    )


def _late(group: Sequence[LateFound]) -> LateFound:
    return replace(
        group[-1],
        late=sum(event.late for event in group),
        partly_late=sum(event.partly_late for event in group),
    )


_HOW: Mapping[type[Event], Callable[[Any], Event]] = MappingProxyType(
    {
        BatchCommitted: _batches,
        BatchesRolled: _batches,
        ErrorRaised: _counted,
        RejectsFound: _counted,
        LateFound: _late,
    }
)
