"""What every source owes to previews: a sample is true, and drawing it leaves no trace."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from streamops_nb.db import open_instance
from streamops_nb.engine.assembly import Surroundings
from streamops_nb.engine.preview.draw import How, draw
from streamops_nb.engine.preview.sample import Limits, Sample
from streamops_nb.engine.preview.ways import Between, Latest, Next
from streamops_nb.model.spec import JobSpec
from streamops_nb.sources.base import Limit, Source
from streamops_nb.testing.source_world import World, by_partition, drain, present

__all__ = ["SamplingContract"]

_no_planner: Any = None  # drawing plans nothing
_EARLY = datetime(2020, 1, 1, tzinfo=UTC)
_WAYS: list[How] = [
    Latest(1),
    Latest(10),
    Latest(100_000),
    Next(5),
    Between(),
    Between(since=_EARLY),
    Between(since={"r": {}}, until={"r": {}}),
]


class SamplingContract:
    """A part of `streamops_nb.testing.source_contract.SourceContract`."""

    @pytest.mark.parametrize("way", _WAYS, ids=str)
    def test_drawing_a_sample_leaves_no_trace_and_changes_nothing_for_others(
        self, world: World, source: Source, way: How
    ) -> None:
        spans = drain(source, {}, Limit(rows=7))
        tables = [next(spans)[1]]
        ends, traces = source.ends(), world.traces()
        sample = _drawn(world, way)
        assert world.traces() == traces
        assert (source.ends().earliest, source.ends().closed) == (ends.earliest, ends.closed)
        known = world.known()
        raw = sample.streams["r"].raw
        found = by_partition(world, source, [raw]) if raw.num_rows else {}
        for partition, values in found.items():
            assert _lies_in(values, known[partition])
        tables += [table for _, table in spans]
        assert by_partition(world, source, tables) == present(known)

    def test_a_sample_of_everything_holds_everything_and_says_so(
        self, world: World, source: Source
    ) -> None:
        sample = _drawn(world, Latest(100_000)).streams["r"]
        assert by_partition(world, source, [sample.raw]) == present(world.known())
        assert (sample.truncated, sample.begins) == ("", True)
        assert sample.ends == source.traits.bounded

    def test_a_sample_of_some_records_holds_the_latest_and_says_that_there_are_more(
        self, world: World, source: Source
    ) -> None:
        sample = _drawn(world, Latest(10)).streams["r"]
        known = world.known()
        found = by_partition(world, source, [sample.raw])
        assert sample.raw.num_rows == 10
        assert all(known[name][-len(values) :] == values for name, values in found.items())
        assert (sample.truncated, sample.begins) == ("rows", False)


def _drawn(world: World, way: How) -> Sample:
    stream = {"source": "given", "schema": {"n": "BIGINT"}}
    spec = JobSpec.model_validate({"name": "p", "streams": {"r": stream}, "query": "FROM r"})
    instance = open_instance(None, threads=1)
    around = Surroundings(
        instance=instance,
        folder=Path(),
        now=time.time,
        planner=_no_planner,
        sources={"r": world.open()},
    )
    try:
        return draw(spec, way, around, Limits(rows=100_000, seconds=0.1))
    finally:
        instance.close()


def _lies_in(part: list[Any], whole: list[Any]) -> bool:
    """Whether values follow each other in others just so."""
    return any(whole[at : at + len(part)] == part for at in range(len(whole) - len(part) + 1))
