"""The duties of `streamops_nb.sources.base.Source`, as tests that every source passes.

To put a source under this contract, write a world (the records and how they change) and one short
class in a file of your own::

    from streamops_nb.testing.source_contract import SourceContract, World, sample_records


    class ClicksWorld(World):
        def __init__(self, folder: Path) -> None:
            self.folder = folder
            self.records = {"0": sample_records(60), "1": sample_records(40, start=60)}
            ...  # write them

        def open(self) -> Source:
            return ClicksSource(ClicksSource.Settings(...), Context(...))

        def known(self) -> dict[str, list[Any]]:
            return self.records


    class TestClicksSource(SourceContract):
        @pytest.fixture
        def world(self, tmp_path: Path) -> ClicksWorld:
            return ClicksWorld(tmp_path)

Begin with at least 30 records; more than one partition if the source can have them. `known` gives
what was written, per partition, in the order in which it must come out; `values` turns a read
table into the same shape (override it if neither JSON in ``_raw`` nor plain columns fit).

What a source cannot do is said by not overriding `World.grow`, `World.lose` or `World.times`; the
suite then checks what must hold instead (a source that cannot grow is bounded, ...).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pyarrow as pa
import pytest

from streamops_nb.model.batch import Position, Slice, Span, advance
from streamops_nb.model.errors import SourceError
from streamops_nb.sources.base import Limit, Source
from streamops_nb.testing.sampling_contract import SamplingContract
from streamops_nb.testing.source_world import (
    EVERYTHING,
    World,
    by_partition,
    drain,
    everything,
    from_time,
    present,
    sample_records,
)

__all__ = ["SourceContract", "World", "drain", "sample_records"]

LIMITS = [
    pytest.param(Limit(rows=1, nbytes=1 << 20), id="one record"),
    pytest.param(Limit(rows=7, nbytes=1 << 20), id="7 records"),
    pytest.param(Limit(rows=1_000, nbytes=300), id="300 bytes"),
    pytest.param(Limit(rows=1_000, nbytes=1), id="less than a record"),
    pytest.param(EVERYTHING, id="everything"),
]


class SourceContract(SamplingContract):
    """Inherit, and give a fixture `world`."""

    @pytest.fixture
    def source(self, world: World) -> Iterator[Source]:
        source = world.open()
        yield source
        source.close()
        world.close()

    def test_the_ends_enclose_what_is_there(self, world: World, source: Source) -> None:
        ends = source.ends()
        assert set(ends.earliest) == set(ends.latest)
        assert all(ends.earliest[name] <= ends.latest[name] for name in ends.latest)
        assert set(present(world.known())) <= set(ends.latest)
        assert not ends.closed or source.traits.bounded

    def test_reading_to_the_end_arrives_at_latest(self, world: World, source: Source) -> None:
        position: Position = source.ends().earliest
        for span, _ in drain(source, position):
            position = advance(position, span)
        ends = source.ends()
        assert {name: position.get(name, 0) for name in ends.latest} == ends.latest
        assert ends.closed == source.traits.bounded

    @pytest.mark.parametrize("limit", LIMITS)
    def test_spans_cover_everything_exactly_once(
        self, world: World, source: Source, limit: Limit
    ) -> None:
        assert everything(world, source, {}, limit) == present(world.known())

    @pytest.mark.parametrize("limit", LIMITS)
    def test_a_span_keeps_its_limits_but_holds_at_least_one_record(
        self, world: World, source: Source, limit: Limit
    ) -> None:
        for span, table in drain(source, {}, limit):
            assert 1 <= table.num_rows <= max(limit.rows, world.records_per_offset)
            if limit.nbytes == 1:
                assert table.num_rows <= world.records_per_offset * len(span.slices)

    def test_spans_are_gapless_and_begin_where_the_one_before_stopped(
        self, world: World, source: Source
    ) -> None:
        position: dict[str, int] = dict(source.ends().earliest)
        for span, _ in drain(source, position, Limit(rows=7)):
            for piece in span:
                assert piece.start == position.get(piece.partition, piece.start)
                assert piece.stop > piece.start
                position[piece.partition] = piece.stop

    def test_offsets_lie_in_their_slice_and_increase(self, world: World, source: Source) -> None:
        for span, table in drain(source, {}, Limit(rows=7)):
            assert table.schema.field("_offset").type == pa.int64()
            names = table["_partition"].cast(pa.string()).to_pylist()
            offsets = table["_offset"].to_pylist()
            slices = {piece.partition: piece for piece in span}
            last: dict[str, int] = {}
            for name, offset in zip(names, offsets, strict=True):
                assert slices[name].start <= offset < slices[name].stop
                if name in last:
                    assert offset > last[name] or (
                        world.records_per_offset > 1 and offset == last[name]
                    )
                last[name] = offset

    def test_records_come_in_the_order_of_the_slices(self, world: World, source: Source) -> None:
        for span, table in drain(source, {}, Limit(rows=7)):
            names = table["_partition"].cast(pa.string()).to_pylist()
            seen = list(dict.fromkeys(names))
            assert seen == [piece.partition for piece in span if piece.partition in seen]
            assert names == [name for name in seen for _ in range(names.count(name))]

    def test_a_source_that_is_one_log_comes_in_the_order_of_its_partitions(
        self, world: World, source: Source
    ) -> None:
        tables = [table for _, table in drain(source, {}, Limit(rows=7))]
        values = [value for table in tables for value in world.values(source, table)]
        known = world.known()
        if source.traits.apart:
            assert len(values) == sum(len(part) for part in known.values())
        else:
            assert values == [value for part in known.values() for value in part]

    def test_every_partition_gets_its_turn(self, world: World, source: Source) -> None:
        parts = present(world.known())
        if not source.traits.apart:
            return  # one log: its partitions follow each other
        seen: set[str] = set()
        spans = drain(source, {}, Limit(rows=2 * len(parts)))
        for _, (span, _) in zip(parts, spans, strict=False):
            seen.update(piece.partition for piece in span)
        assert seen == set(parts)

    def test_the_columns_are_as_the_port_says(self, world: World, source: Source) -> None:
        table = source.read(source.cut({}, EVERYTHING))
        kind = table.schema.field("_partition").type
        assert pa.types.is_string(kind) or (
            pa.types.is_dictionary(kind) and pa.types.is_string(kind.value_type)
        )
        if source.traits.decoded:
            assert any(not name.startswith("_") for name in table.column_names)
        else:
            assert table.schema.field("_raw").type == pa.binary()

    def test_an_unknown_partition_starts_at_its_earliest_record(
        self, world: World, source: Source
    ) -> None:
        assert source.cut({}, Limit(rows=5)) == world.open().cut(
            source.ends().earliest, Limit(rows=5)
        )

    def test_the_same_span_read_again_gives_the_same_rows(
        self, world: World, source: Source
    ) -> None:
        spans = list(drain(source, {}, Limit(rows=7)))
        other = world.open()
        for span, table in reversed(spans):
            assert source.read(span).to_pylist() == table.to_pylist()
            assert other.read(span).to_pylist() == table.to_pylist()
        other.close()

    def test_a_span_survives_its_record_as_json(self, world: World, source: Source) -> None:
        span = source.cut({}, Limit(rows=7))
        again = Span.from_json(json.loads(json.dumps(span.to_json())))
        assert world.open().read(again).to_pylist() == source.read(span).to_pylist()

    def test_spans_that_were_never_cut_together_can_be_read_as_one(
        self, world: World, source: Source
    ) -> None:
        first = source.cut({}, Limit(rows=7))
        second = source.cut(advance({}, first), Limit(rows=7))
        stops = {piece.partition: piece.stop for piece in (*first, *second)}
        starts = {piece.partition: piece.start for piece in reversed((*first, *second))}
        whole = Span(tuple(Slice(name, starts[name], stops[name]) for name in stops))
        parts = [source.read(first), source.read(second)]
        assert by_partition(world, source, [source.read(whole)]) == by_partition(
            world, source, parts
        )

    def test_another_source_goes_on_where_the_first_one_stopped(
        self, world: World, source: Source
    ) -> None:
        spans = drain(source, {}, Limit(rows=7))
        taken = [next(spans) for _ in range(2)]
        position: Position = {}
        for span, _ in taken:
            position = advance(position, span)
        rest = [table for _, table in drain(world.open(), position, Limit(rows=11))]
        tables = [table for _, table in taken] + rest
        assert by_partition(world, source, tables) == present(world.known())

    def test_a_position_may_be_visited_again(self, world: World, source: Source) -> None:
        for _ in drain(source, {}, Limit(rows=11)):
            pass
        assert everything(world, source, {}, Limit(rows=7)) == present(world.known())

    def test_at_the_end_there_is_nothing_yet(self, world: World, source: Source) -> None:
        position: Position = {}
        for span, _ in drain(source, {}):
            position = advance(position, span)
        assert source.cut(position, EVERYTHING) == Span()
        assert source.cut(position, EVERYTHING) == Span()

    def test_new_records_are_seen(self, world: World, source: Source) -> None:
        position: Position = {}
        tables = []
        for span, table in drain(source, {}):
            position = advance(position, span)
            tables.append(table)
        before = source.ends().latest
        if not world.grow():
            assert source.traits.bounded, "a source that cannot grow must say that it is bounded"
            return
        tables += [table for _, table in drain(source, position)]
        assert by_partition(world, source, tables) == present(world.known())
        after = source.ends().latest
        assert sum(after.values()) > sum(before.values())

    @pytest.mark.parametrize("count", [0, 1, 10, 10_000])
    def test_seeking_a_number_finds_the_latest_records(
        self, world: World, source: Source, count: int
    ) -> None:
        found = everything(world, source, source.seek(count))
        known = world.known()
        total = sum(len(values) for values in known.values())
        number = sum(len(values) for values in found.values())
        assert min(count, total) <= number
        if count < total:
            assert number < count + world.records_per_offset * max(1, len(known) if count else 1)
        for partition, values in found.items():
            assert known[partition][-len(values) :] == values
        if not source.traits.apart:
            log = [value for values in known.values() for value in values]
            assert [value for values in found.values() for value in values] == log[total - number :]

    def test_the_latest_records_are_spread_evenly_over_partitions(
        self, world: World, source: Source
    ) -> None:
        known = present(world.known())
        each = min(5, *(len(values) for values in known.values()), 5)
        found = everything(world, source, source.seek(each * len(known)))
        if source.traits.apart:
            room = world.records_per_offset
            assert all(each <= len(found[name]) < each + room for name in known)
        else:
            assert sum(map(len, found.values())) >= each * len(known)

    def test_seeking_a_time_finds_the_first_record_at_or_after_it(
        self, world: World, source: Source
    ) -> None:
        times = world.times()
        if times is None:
            return
        known = world.known()
        moments = sorted({moment for part in times.values() for moment in part})
        for target in (moments[0], moments[len(moments) // 2], moments[-1]):
            found = everything(world, source, source.seek(target))
            assert found == present(from_time(known, times, target, source.traits.apart))
        assert everything(world, source, source.seek(moments[-1] + timedelta(days=1))) == {}

    def test_a_position_that_is_no_longer_retained_is_an_error_and_final(
        self, world: World, source: Source
    ) -> None:
        position = world.lose()
        if position is None:
            assert everything(world, source, source.ends().earliest) == present(world.known())
            return
        for reader in (source, world.open()):
            with pytest.raises(SourceError) as caught:
                for _ in drain(reader, position):
                    pass
            assert caught.value.retryable is False
            assert any(name in str(caught.value) for name in position)

    def test_reading_has_no_effect_on_others(self, world: World, source: Source) -> None:
        spans = drain(source, {}, Limit(rows=7))
        tables = [next(spans)[1]]
        other = world.open()
        sample = other.cut(other.seek(10), Limit(rows=10))
        assert other.read(sample).num_rows >= 1
        assert everything(world, other, {}) == present(world.known())
        other.close()
        tables += [table for _, table in spans]
        assert by_partition(world, source, tables) == present(world.known())

    def test_a_sample_of_the_latest_records_has_no_more_than_was_asked_for(
        self, world: World, source: Source
    ) -> None:
        before = source.ends()
        table = source.read(source.cut(source.seek(10), Limit(rows=10)))
        assert 1 <= table.num_rows <= max(10, world.records_per_offset)
        assert source.ends().earliest == before.earliest

    def test_closing_twice_is_harmless(self, world: World, source: Source) -> None:
        source.cut({}, Limit(rows=7))
        source.close()
        source.close()
