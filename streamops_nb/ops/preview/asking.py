"""What users say of the rows they want, as one way to draw them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import pyarrow as pa
from pydantic_core import PydanticCustomError

from streamops_nb.engine.preview.draw import How
from streamops_nb.engine.preview.given import Given, Seeded
from streamops_nb.engine.preview.sample import Limits
from streamops_nb.engine.preview.ways import Between, Last, Latest, Next, Places, Point, Spans
from streamops_nb.model.duration import parse_duration
from streamops_nb.model.errors import Fault, SpecRefused
from streamops_nb.model.events import BatchCommitted, ErrorRaised, Event
from streamops_nb.model.size import parse_size
from streamops_nb.model.spec import JobSpec
from streamops_nb.model.start import parse_start
from streamops_nb.model.wording import number_of, shown

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Asked", "Known", "asked_limits", "asked_way"]

_ROWS = 1_000
_GIVEN_ROWS = 1_000_000
"""Rows that users give are taken whole, up to so many."""


class Asked(TypedDict, total=False):
    """Which rows are wanted; at most one of all but `rows` and `strata`, default the latest.

    Parameters
    ----------
    rows
        At most so many records of each stream, default 1,000; of `data` a million.
    last
        Those of the last ``"10m"``, by event time where there is one.
    live
        Wait for the next ones, for as long as `seconds` says.
    since, until
        Those between two points: times with a zone, or positions ``{stream: {partition: offset}}``.
    batch
        What batch number n of the job read, or tried to.
    error
        What the batch read that this `ErrorRaised` tells of.
    rejects
        True for all rejects that the job keeps, or some rows of `Job.rejects`.
    data
        Per stream a pandas DataFrame, an Arrow table, or the path of a CSV, JSONL or Parquet file;
        without the name if there is but one stream.
    seed
        Rows made up from the schema, the same for the same seed.
    strata
        A column of which as many values as possible are to be among the latest rows.
    """

    rows: int
    last: str | timedelta
    live: bool
    since: str | datetime | Mapping[str, Mapping[str, int]]
    until: str | datetime | Mapping[str, Mapping[str, int]]
    batch: int
    error: ErrorRaised
    rejects: bool | pd.DataFrame
    data: Any
    seed: int
    strata: str


class Known:
    """What is known of a job that is previewed: its facts and its rejects.

    Parameters
    ----------
    events, rejects
        Give them when they are asked for.
    """

    def __init__(self, events: Callable[[], list[Event]], rejects: Callable[[], pa.Table]) -> None:
        self.events = events
        self.rejects = rejects


_ALONE = ("last", "live", "since", "batch", "error", "rejects", "data", "seed")


def asked_way(spec: JobSpec, asked: Asked, known: Known | None) -> How:
    """Give the way to draw that was asked for.

    Parameters
    ----------
    known
        What is known of the job; None if it is not saved.

    Raises
    ------
    SpecRefused
        If what was asked for does not fit together, or is not there.
    """
    ways = [name for name in _ALONE if _wanted(asked, name)]
    if len(ways) > 1:
        what = f"`{ways[0]}` and `{ways[1]}` are two ways to choose rows"
        raise _refused(ways[1], what, f"give one of {', '.join(_ALONE)}, or none for the latest")
    way = ways[0] if ways else "since" if _wanted(asked, "until") else ""
    strata = asked.get("strata", "")
    if strata and way not in ("", "last"):
        what = f"the latest rows can be chosen by `{strata}`, not those of `{way}`"
        raise _refused("strata", what, "leave one of the two out, or give `last`")
    rows = asked.get("rows", _ROWS)
    simple: dict[str, Callable[[], How]] = {
        "": lambda: Latest(rows, strata),
        "last": lambda: Last(_length(asked["last"]), strata),
        "live": lambda: Next(rows),
        "since": lambda: Between(
            _point("since", asked.get("since"), spec), _point("until", asked.get("until"), spec)
        ),
        "error": lambda: _of_error(asked["error"]),
        "data": lambda: Given(_by_stream(asked["data"], spec)),
        "seed": lambda: Seeded(asked["seed"], rows),
    }
    if way in simple:
        return simple[way]()
    if known is None:
        what = f"`{spec.name}` is not saved as a job: it has no {way}"
        raise _refused(way, what, "save and start it, or leave this out for the latest rows")
    return _of_batch(asked["batch"], known) if way == "batch" else _of_rejects(asked, known)


def asked_limits(asked: Asked, nbytes: str | int, seconds: float) -> Limits:
    """Give the limits of what is drawn.

    Raises
    ------
    SpecRefused
        If one is not a number above 0: nothing is drawn without limits.
    """
    rows = asked.get("rows", _GIVEN_ROWS if _wanted(asked, "data") else _ROWS)
    limits: dict[str, Any] = {"rows": rows, "seconds": seconds}
    for name, value in limits.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
            raise _refused(name, f"{shown(value)} is no limit", "give a number above 0")
    if isinstance(rows, float):
        raise _refused("rows", f"{shown(rows)} is no number of rows", "give a whole number")
    try:
        size = parse_size(nbytes)
    except PydanticCustomError as error:
        raise _refused("nbytes", error.message(), "") from None
    if not size:
        raise _refused("nbytes", "0 bytes hold no row", 'give for example "32MB"')
    return Limits(rows=int(rows), nbytes=size, seconds=float(seconds))


def _wanted(asked: Asked, name: str) -> bool:
    value = asked.get(name)
    return value is not None and value is not False


def _refused(where: str, what: str, remedy: str) -> SpecRefused:
    return SpecRefused([Fault(where=where, what=what, remedy=remedy)])


def _length(value: Any) -> timedelta:
    try:
        length = parse_duration(value)
    except PydanticCustomError as error:
        remedy = str((error.context or {}).get("remedy", ""))
        raise _refused("last", error.message(), remedy) from None
    if not length:
        raise _refused("last", "no time is no length", 'give for example "10m"')
    return length


def _point(where: str, value: Any, spec: JobSpec) -> Point:
    if isinstance(value, Mapping):
        unknown = [name for name in value if name not in spec.streams]
        if unknown:
            names = ", ".join(spec.streams)
            raise _refused(where, f"there is no stream `{unknown[0]}`", f"streams: {names}")
        return {
            stream: {str(p): int(at) for p, at in places.items()}
            for stream, places in value.items()
        }
    try:
        point = parse_start(value)
    except PydanticCustomError as error:
        exact = str((error.context or {}).get("remedy", ""))  # of a time that lacks its zone
        remedy = 'a time such as "2024-01-31T08:30:00Z", or {stream: {partition: offset}}'
        remedy = exact if exact.startswith("write") else remedy
        raise _refused(where, error.message(), remedy) from None
    if point is None or isinstance(point, datetime):
        return point
    if point in ("earliest", "latest"):
        return datetime(1, 1, 1, tzinfo=UTC) if point == "earliest" else None
    raise _refused(where, f"{shown(value)} is no point", "give a time with its zone, or positions")


def _of_error(error: Any) -> How:
    if not isinstance(error, ErrorRaised) or not error.spans:
        what = f"{shown(error)} tells of no batch"
        raise _refused("error", what, "give an ErrorRaised of `Workspace.events` with spans")
    return Spans(error.spans, f"batch {error.batch}, which failed")


def _of_batch(number: int, known: Known) -> How:
    batches: dict[int, How] = {}
    for event in known.events():
        if isinstance(event, BatchCommitted):
            batches[event.n] = Spans(event.spans, f"batch {event.n}")
        elif isinstance(event, ErrorRaised) and event.batch is not None and event.spans:
            batches.setdefault(event.batch, _of_error(event))
    if number not in batches:
        there = f"{min(batches)} to {max(batches)}" if batches else "none yet"
        raise _refused("batch", f"nothing is known of a batch {shown(number)}", f"known: {there}")
    return batches[number]


def _of_rejects(asked: Asked, known: Known) -> How:
    wanted = asked["rejects"]
    table = (
        known.rejects() if wanted is True else pa.Table.from_pandas(wanted, preserve_index=False)
    )
    columns = ["stream", "partition", "offset", "raw"]
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        what = f"these are no rejects: they have no column `{missing[0]}`"
        raise _refused("rejects", what, "give rows of `Job.rejects()`, or True for all")
    places = table.select(columns).filter(pa.compute.field("offset").is_valid())
    if not places.num_rows:
        raise _refused("rejects", "the job keeps no rejects of its streams", "leave this out")
    names = places["stream"].to_pylist()
    mask = {name: pa.array([each == name for each in names]) for name in dict.fromkeys(names)}
    records = {name: places.filter(chosen) for name, chosen in mask.items()}
    return Places(records, number_of(places.num_rows, "reject"))


def _by_stream(data: Any, spec: JobSpec) -> Mapping[str, Any]:
    if isinstance(data, Mapping):
        return data
    if len(spec.streams) == 1:
        return {next(iter(spec.streams)): data}
    names = ", ".join(f"{name!r}: …" for name in spec.streams)
    kind = "a path" if isinstance(data, (str, Path)) else shown(data)
    raise _refused("data", f"{kind} does not say of which stream it is", f"data={{{names}}}")
