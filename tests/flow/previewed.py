"""Previews over rows that a test gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from streamops_nb.db import open_instance
from streamops_nb.engine.assembly import Surroundings
from streamops_nb.engine.preview.sample import Drawn, Sample
from streamops_nb.ops.preview.preview import Preview
from streamops_nb.ops.preview.previews import Previews
from streamops_nb.plan.planner import Planner
from streamops_nb.plan.specfile import load

T0 = pd.Timestamp("2025-01-01", tz="UTC")
SCHEMA = {"ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "DOUBLE"}


def readings(*rows: tuple[int, str, float | None]) -> list[dict[str, Any]]:
    """Rows of (seconds, device, temp)."""
    return [{"ts": T0 + pd.Timedelta(seconds=s), "device": d, "temp": t} for s, d, t in rows]


def spec(query: str, **others: Any) -> dict[str, Any]:
    """A job over the stream `readings`."""
    stream = {"source": "simulator", "format": "json", "schema": SCHEMA, "event_time": "ts"}
    return {"name": "hot", "streams": {"readings": stream}, "query": query, **others}


def drawn(rows: list[dict[str, Any]], schema: Mapping[str, str] = SCHEMA) -> Drawn:
    """What a source would have given, from the beginning to the end of the stream."""
    types = {"ts": pa.timestamp("us", tz="UTC"), "device": pa.string(), "temp": pa.float64()}
    columns = {n: pa.array([row[n] for row in rows], types[n]) for n in schema}
    raw = pa.table(
        {
            **columns,
            "_partition": pa.array(["0"] * len(rows), pa.string()),
            "_offset": pa.array(range(len(rows)), pa.int64()),
        }
    )
    return Drawn(raw=raw, decoded=True, schema=dict(schema), begins=True, ends=True)


def sample(rows: list[dict[str, Any]], **changes: Any) -> Sample:
    """A sample of the stream `readings`."""
    one = replace(drawn(rows), **changes)
    return Sample(streams={"readings": one}, how="given", at=T0.timestamp())


def only(of: Sample, keep: list[bool]) -> Sample:
    """The same sample with some of its records."""
    (one,) = of.streams.values()
    return replace(of, streams={"readings": replace(one, raw=one.raw.filter(pa.array(keep)))})


@contextmanager
def previews(folder: Path) -> Iterator[Previews]:
    """What runs previews."""
    instance, planner = open_instance(None), Planner()
    around = Surroundings(instance=instance, folder=folder, now=T0.timestamp, planner=planner)
    made = Previews(around)
    try:
        yield made
    finally:
        made.close()
        planner.close()
        instance.close()


def preview(made: Previews, what: dict[str, Any], of: Sample, **how: Any) -> Preview:
    """Run a specification over a sample."""
    return made.run(load(what), of, **how)
