"""Samples of several streams: over the same event times, so that their windows meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from streamops_nb.engine.preview.choosing import from_time, newest
from streamops_nb.engine.preview.draw import Draw, Draws, Found
from streamops_nb.engine.preview.sample import Drawn
from streamops_nb.engine.preview.strata import latest_of_strata
from streamops_nb.model.errors import SourceError

__all__ = ["latest_since", "met"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MOST = 0.05


def met(draws: Draws, found: Mapping[str, Found]) -> Mapping[str, Drawn]:
    """Let the latest records of all streams begin at the same event time.

    That is where the one that reaches back least begins. One whose records all lie after those of
    another is read again from further back.
    """
    found = dict(found)
    timed = {name for name, each in found.items() if len(each.known)}
    if len(timed) > 1:
        for name in sorted(timed):
            found[name] = _overlapping(draws[name], found, timed)
        lows = [_first(found[name]) for name in timed if not found[name].drawn.begins]
        if lows:
            low = max(lows)
            found |= {name: _since(found[name], low) for name in timed}
            draws.notes.append(f"all streams from event time {_text(low)} on")
    return {name: each.told for name, each in found.items()}


def latest_since(draws: Draws, length: timedelta, strata: str) -> Mapping[str, Drawn]:
    """Read the latest records that are not older than a length of time.

    Event time is counted from where the slowest of the streams has got to.
    """
    rows = draws.limits.rows
    # one more of each partition, to know whether more was there
    looked = (
        dict(latest_of_strata(draws, strata, rows))
        if strata
        else {name: d.latest(rows + len(d.source.ends().latest)) for name, d in draws.items()}
    )
    timed = {name for name, each in looked.items() if len(each.known)}
    reached = min((_last(looked[name]) for name in timed), default=None)
    now = int(draws.around.now() * 1_000_000)
    low = (now if reached is None else reached) - length // _MICROSECOND
    found = {}
    for name, each in looked.items():
        draw = draws[name]
        if name not in timed:
            start = _back(draw, now - length // _MICROSECOND, each)
            found[name] = start if start.drawn.raw.num_rows <= rows else draw.latest(rows)
        elif np.quantile(each.known, _MOST) > (reached or 0) and not each.drawn.begins:
            found[name] = _back(draw, low, each)
        else:
            found[name] = _within(each, low, rows, strata)
    if len(timed) > 1:
        draws.notes.append(f"all streams from event time {_text(low)} on")
    return {name: each.told for name, each in found.items()}


def _overlapping(draw: Draw, found: Mapping[str, Found], timed: set[str]) -> Found:
    mine = found[draw.name]
    slowest = min((found[name] for name in timed), key=_last)
    # a straggler does not make a sample reach back
    if np.quantile(mine.known, _MOST) <= _last(slowest) or mine.drawn.begins:
        return mine
    back = _back(draw, _first(slowest), mine)
    return back if len(back.known) else mine


def _back(draw: Draw, us: int, found: Found) -> Found:
    """Read on from a time, by the source's own; `found` is all there is if that knows none."""
    try:
        start = draw.source.seek(_EPOCH + us * _MICROSECOND)
    except SourceError as error:
        if error.retryable:
            raise
        return found
    return draw.read(start, draw.source.ends().latest)


def _since(found: Found, low: int) -> Found:
    """Leave out what came before the first record that is not before a time."""
    keep = from_time(found.drawn, found.times, low)
    return found if keep.all() or not keep.any() else found.kept(keep)


def _within(found: Found, low: int, rows: int, strata: str) -> Found:
    """Leave out what is older, and know whether more was there."""
    trimmed = _since(found, low)
    drawn = trimmed.drawn
    if strata:
        return trimmed
    left_out = found.drawn.raw.num_rows - drawn.raw.num_rows
    if drawn.raw.num_rows <= rows:
        more = "" if left_out and drawn.truncated == "rows" else drawn.truncated
        return replace(trimmed, drawn=replace(drawn, truncated=more))
    return trimmed.kept(newest(drawn, rows), truncated="rows")


def _first(found: Found) -> int:
    return int(found.known.min())


def _last(found: Found) -> int:
    return int(found.known.max())


def _text(us: int) -> str:
    return (_EPOCH + us * _MICROSECOND).strftime("%Y-%m-%d %H:%M:%S")
