"""Start points in files: the latest records, and the first one at or after a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from streamops_nb.sources._logs import Log, Logs

__all__ = ["first_at", "latest"]

_BLOCK_ROWS, _BLOCK_BYTES = 100_000, 32 * 1024 * 1024


def latest(logs: Logs, count: int, *, apart: bool) -> dict[str, int]:
    """Give the position of the latest `count` records.

    Files that are one log give their last ones from behind; files that are read side by side as
    many each, as far as they have them.
    """
    known = logs.refresh()
    shares = _shares(logs, known, count) if apart else {}
    position: dict[str, int] = {}
    left = count
    for name in reversed(list(known)):
        log = known[name]
        with logs.opened(log) as file:
            share = shares.get(name, left)
            found, offset = file.last(share, log.found.size) if share else (0, log.end())
            position[name] = offset if found else log.end()
        left -= found
    return position


def _shares(logs: Logs, known: Mapping[str, Log], count: int) -> dict[str, int]:
    """Divide a number of records among files evenly, as far as they have them."""
    room: dict[str, int] = {}
    for name, log in known.items():
        with logs.opened(log) as file:
            room[name] = file.last(count, log.found.size)[0] if count else 0
    shares: dict[str, int] = {}
    left = count
    for i, name in enumerate(sorted(room, key=lambda name: room[name])):
        shares[name] = min(room[name], left // (len(room) - i))
        left -= shares[name]
    return shares


def first_at(
    logs: Logs, moment: datetime, times: Callable[[pa.Table], pa.Table] | None, *, apart: bool
) -> dict[str, int]:
    """Give the position of the first record at or after `moment`.

    Parameters
    ----------
    times
        Gives ``_row`` and ``time`` (UTC, without zone) of records; None if there is no event
        time, then the time at which a file was last changed decides for all of it.
    """
    position: dict[str, int] = {}
    begun = False
    for name, log in logs.refresh().items():
        if begun and not apart:
            position[name] = 0
            continue
        if times is None:
            late = log.found.changed < moment.timestamp() * 1e9
            offset = None if late else 0
        else:
            offset = _first_in(logs, log, moment, times)
        position[name] = log.end() if offset is None else offset
        begun = begun or offset is not None
    return position


def _first_in(
    logs: Logs, log: Log, moment: datetime, times: Callable[[pa.Table], pa.Table]
) -> int | None:
    """Read a file through until a record is at or after `moment`; its order tells nothing."""
    target = moment.replace(tzinfo=None)
    offset = 0
    with logs.opened(log) as file:
        while (piece := file.take(offset, _BLOCK_ROWS, _BLOCK_BYTES)) is not None:
            found = times(piece.table)
            rows = found.filter(pc.greater_equal(found["time"], pa.scalar(target)))
            if rows.num_rows:
                return int(piece.table["_offset"][rows["_row"][0].as_py()].as_py())
            offset = piece.stop
    return None
