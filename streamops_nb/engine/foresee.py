"""Finding the rows on which a query without windows fails, all at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from streamops_nb.db import Session
from streamops_nb.model.errors import Interrupted, StreamopsError
from streamops_nb.model.fingerprint import VALUES
from streamops_nb.plan.failing import Failing
from streamops_nb.plan.statement import Statement

__all__ = ["foreseen"]


def foreseen(
    write: Callable[[], Failing | None],
    fill: Callable[[Statement], str],
    session: Session,
    fault: Callable[[str, int], str | None],
    keep: int,
) -> tuple[str, Mapping[int, str]]:
    """Find rows on which a query fails, with their messages.

    Parameters
    ----------
    write, fill
        Writes the query that finds them, if there is one, and puts the batch's values into it.
    fault
        Gives the message with which a row of a stream fails, None if it does not.
    keep
        So many of the last rows are asked for their message, as many as are kept of a batch. Of
        the others, which are only counted by what went wrong, it has no values in it.

    Returns
    -------
    tuple
        The stream, and row number to message; none if it cannot be told so.
    """
    try:
        found = write()
        rows = [] if found is None else session.rows(fill(found.query))
    except Interrupted:
        raise
    except StreamopsError:  # an expression that TRY does not take
        return "", {}
    if found is None:
        return "", {}
    asked = _asked(rows, keep)
    told = {place: fault(found.stream, place) for place in asked}
    # as rejects are counted, so that all of an expression are counted together
    shapes = {number: re.sub(VALUES, "…", told[place] or "") for place, number in asked.items()}
    messages = {place: told.get(place, shapes[number]) for place, number in rows}
    sure = {place: message for place, message in messages.items() if message is not None}
    return (found.stream, sure) if len(sure) == len(messages) else ("", {})


def _asked(rows: Sequence[tuple[int, int]], keep: int) -> dict[int, int]:
    """The last rows, and the last one of each expression."""
    last = {number: place for place, number in rows}
    return {
        place: number
        for at, (place, number) in enumerate(rows)
        if at >= len(rows) - keep or last[number] == place
    }
