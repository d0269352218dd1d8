"""The events in the catalog: appended once, read in the order of their arrival."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from streamops_nb.db import Session
from streamops_nb.model.errors import StorageError
from streamops_nb.model.events import Event, from_json, to_json
from streamops_nb.store.records import FRESH, Page
from streamops_nb.store.rolling import Rolling
from streamops_nb.store.statements import statement

__all__ = ["History"]

_ASKED = pa.schema([("job", pa.string()), ("seq", pa.int64())])
_VIEWS = pa.schema([("job", pa.string()), ("seq", pa.int64()), ("body", pa.string())])
_PAGE = 10_000


class History:
    """The catalog's events; whoever appends holds the catalog's writing transaction."""

    def __init__(self, session: Session) -> None:
        self._last = int(session.rows(statement("last id"))[0][0])
        self.rolling = Rolling(session)

    @property
    def last(self) -> int:
        """The place of the last event that was stored."""
        return self._last

    def append(self, session: Session, events: Iterable[Event]) -> int:
        """Store the events that are new; return their number."""
        fresh = self._new(session, list(events))
        if not fresh:
            return 0
        rows = []
        for event in fresh:
            self._last += 1
            body = json.dumps(to_json(event))
            rows.append((self._last, event.job, event.seq, event.at, type(event).__name__, body))
        arrays = [pa.array(c, f.type) for c, f in zip(zip(*rows, strict=True), FRESH, strict=True)]
        with session.registered(fresh=pa.Table.from_arrays(arrays, schema=FRESH)):
            session.run(statement("add events"))
            session.run(statement("raise copied"))
        return len(fresh)

    def _new(self, session: Session, events: list[Event]) -> list[Event]:
        """Leave out the numbered events that are stored already, or come twice."""
        copied = self._copied(session, {event.job for event in events})
        # an outbox is copied in order, so only a copy after a crash looks into the table
        doubtful = [(e.job, e.seq) for e in events if 0 < e.seq <= copied[e.job]]
        seen = self._stored(session, doubtful) if doubtful else set()
        fresh = []
        for event in events:
            key = (event.job, event.seq)
            copied_before = 0 < event.seq <= copied[event.job]
            if event.seq and (key in seen or (copied_before and event.at < self.rolling.finest)):
                continue
            seen.add(key)
            fresh.append(event)
        return fresh

    def _copied(self, session: Session, jobs: set[str]) -> dict[str, int]:
        copied = dict(session.rows(statement("copied"), [sorted(jobs)])) if jobs else {}
        copied[""] = 0  # events of the workspace itself
        missing = jobs - copied.keys()
        if missing:
            raise StorageError(
                f"events of {', '.join(sorted(missing))} cannot be stored: no such job in the"
                " catalog - save the job first"
            )
        return copied

    def _stored(self, session: Session, doubtful: list[tuple[str, int]]) -> set[tuple[str, int]]:
        jobs, numbers = zip(*doubtful, strict=True)
        asked = pa.table({"job": list(jobs), "seq": list(numbers)}, schema=_ASKED)
        with session.registered(asked=asked):
            return {(job, seq) for job, seq in session.rows(statement("known"))}

    def keep_views(
        self, session: Session, place: int, views: Iterable[tuple[str, int, str]]
    ) -> None:
        """Keep views; parameters as of `Catalog.keep_views`."""
        rows = [dict(zip(_VIEWS.names, view, strict=True)) for view in views]
        with session.registered(fresh=pa.Table.from_pylist(rows, schema=_VIEWS)):
            session.run(statement("drop views"))
            session.run(statement("add views"), {"place": place})

    def page(
        self,
        session: Session,
        job: str | None,
        since: int,
        limit: int,
        kinds: Iterable[type[Event]] | None,
        *,
        newest: bool,
    ) -> Page:
        """Read events; parameters as of `Catalog.events`."""
        asked: dict[str, Any] = {
            "job": job,
            "since": since,
            "limit": limit,
            "kinds": None if kinds is None else [kind.__name__ for kind in kinds],
        }
        rows = session.rows(statement("newest events" if newest else "next events"), asked)
        rows.sort()
        found = tuple(from_json(json.loads(body)) for _, body in rows)
        return Page(events=found, next=rows[-1][0] if rows else since)

    def recalled(self, session: Session, places: Mapping[str, int | None]) -> Iterator[Event]:
        """Read what views are recalled from; parameters as of `Catalog.recalled`."""
        asked: dict[str, Any] = {
            "jobs": list(places),
            "places": list(places.values()),
            # a bound for all of them: blocks of older events are passed over
            "least": min((place or 0 for place in places.values()), default=0),
        }
        ids = session.table(statement("recalled"), asked)
        for first in range(0, ids.num_rows, _PAGE):
            with session.registered(asked=ids.slice(first, _PAGE)):
                rows = session.rows(statement("recalled events"))
            yield from (from_json(json.loads(body)) for (body,) in rows)
