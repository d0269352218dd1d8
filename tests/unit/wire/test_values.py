"""Values on their way: what goes in comes out, and rubbish is refused."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from streamops_nb.model import errors
from streamops_nb.model.batch import Slice, Span
from streamops_nb.model.errors import Fault, Refused, SourceError, StreamopsError
from streamops_nb.model.events import BatchCommitted, Event, StatusChanged
from streamops_nb.model.lifecycle import JobState, Status
from streamops_nb.model.views import JobView, fold_all
from streamops_nb.ops.decision import Outcome
from streamops_nb.ops.forecasting import Point
from streamops_nb.wire.faults import from_plain, to_plain
from streamops_nb.wire.frames import from_stream, pieces, to_stream
from streamops_nb.wire.values import JSON, PARTS, load, pack, unpack

BATCH = BatchCommitted(
    job="a", run=1, seq=3, at=12.5, n=1, rows_in=5, spans={"r": Span((Slice("0", 0, 5),))},
    watermarks={"r": 7}, seconds={"read": 0.5},
)  # fmt: skip
CHANGED = StatusChanged(job="a", at=1.0, before=Status.STARTING, after=Status.RUNNING)

NEW_YEAR = datetime(2024, 1, 1, tzinfo=UTC)


def there_and_back(hint: Any, value: Any) -> Any:
    _, content = pack(value)
    plain, tables = unpack(content)
    return load(hint, plain, tables)


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (str, "a\x00\U0001f600"),
        (list[str], []),
        (float, math.inf),
        (str | bytes, b"\x00\xff"),
        (dict[str, Status], {"a": Status.RUNNING}),
        (JobState, JobState(since=1.5, reason="why")),
        (list[Outcome], [Outcome(job="a", action="start", done=True, status=Status.RUNNING)]),
        (list[Event], [BATCH, CHANGED]),
        (JobView, fold_all(JobView(job="a"), [CHANGED, BATCH])),
        (Point, Point(start="latest", positions={"r": {"0": 1}}, cut=NEW_YEAR)),
    ],
)  # fmt: skip
def test_what_goes_in_comes_out(hint: Any, value: Any) -> None:
    assert there_and_back(hint, value) == value


def test_not_a_number_stays_one() -> None:
    assert math.isnan(there_and_back(float, math.nan))


def test_tables_and_arrays_travel_beside_the_json() -> None:
    table, numbers = pa.table({"x": [1, 2]}), np.array([3, 4])
    media_type, content = pack({"t": table, "n": numbers, "c": table["x"]})
    assert (media_type, pack({"t": 1})[0]) == (PARTS, JSON)
    found = load(dict[str, Any], *unpack(content))
    assert found["t"].equals(table)
    assert found["n"].tolist() == [3, 4]
    assert found["c"].to_pylist() == [1, 2]


def test_the_pieces_of_a_frame_are_one_stream() -> None:
    table = pa.table({"x": range(200_000), "y": ["text"] * 200_000})
    assert from_stream(b"".join(pieces(table))).equals(table)
    assert from_stream(b"".join(pieces(table.slice(0, 0)))).equals(table.slice(0, 0))


@pytest.mark.parametrize(
    ("hint", "plain"),
    [
        (JobState, []),
        (JobState, {"since": 1, "sins": 2}),
        (JobState, {}),
        (Status, "SLEEPING"),
        (list[str], "text"),
        (str, 1),
        (pa.Table, {"$table": 0}),
        (bytes, {"$bytes": "!"}),
        (Event, {"event": "Nothing"}),
    ],
)
def test_what_is_none_is_refused(hint: Any, plain: Any) -> None:
    with pytest.raises(StreamopsError):
        load(hint, plain)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[" * 100_000, b"SOPARTS1", b"SOPARTS1" + b"\xff" * 8, b"\xff"]
)
def test_damaged_content_is_refused(content: bytes) -> None:
    with pytest.raises(Refused):
        unpack(content)


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_a_stream_that_would_grow_is_refused(codec: str) -> None:
    table = pa.table({"x": pa.array([0] * 100_000)})
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=codec)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    with pytest.raises(Refused, match="compressed"):
        from_stream(sink.getvalue())


def test_rows_without_bytes_are_counted() -> None:
    with pytest.raises(Refused, match="too many"):
        from_stream(to_stream(pa.table({"x": pa.nulls(10**9)})))


def test_columns_with_a_dictionary_are_taken() -> None:
    table = pa.table({"x": pa.array(["a", "b", "a"]).dictionary_encode()})
    assert from_stream(to_stream(table)).equals(table)


@pytest.mark.parametrize("cut", [1, 8, 40, 100, 200])
def test_a_stream_that_is_cut_is_refused(cut: int) -> None:
    content = to_stream(pa.table({"x": [1, 2, 3]})).to_pybytes()
    with pytest.raises(Refused):
        from_stream(content[:cut])


@pytest.mark.parametrize("name", [n for n in errors.__all__ if n != "Fault"])
def test_every_error_comes_back_as_its_own_class(name: str) -> None:
    kind = getattr(errors, name)
    faults = [Fault(what="a", where="b", remedy="c"), Fault(what="d")]
    error = kind(faults) if issubclass(kind, Refused) else kind("what happened")
    back = from_plain(to_plain(error))
    assert (type(back), str(back), back.retryable) == (kind, str(error), error.retryable)
    assert getattr(back, "faults", None) == getattr(error, "faults", None)


def test_retryable_travels_where_it_stands_on_the_error() -> None:
    assert from_plain(to_plain(SourceError("x", retryable=False))).retryable is False
    assert type(from_plain({"error": "Exception", "message": "x"})) is StreamopsError
    assert type(from_plain({"error": "Fault"})) is StreamopsError
