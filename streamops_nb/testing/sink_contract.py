"""The duties of `streamops_nb.sinks.base`, as tests that every sink passes.

To put a sink under this contract, write a world (where the rows go, how to look at them, and how
the process dies) and one short class in a file of your own::

    from streamops_nb.testing.sink_contract import SinkContract, SinkWorld


    class PagesWorld(SinkWorld):
        def open(self, schema: dict[str, str]) -> None:
            self.sink = PagesSink(PagesSink.Settings(...), Context(..., schema=schema))
            self.sink.open()

        def write(self, n: int, rows: pa.Table) -> None:
            self.sink.write(n, rows)

        def seen(self) -> list[dict[str, Any]]:
            ...  # as a reader sees them


    class TestPagesSink(SinkContract):
        @pytest.fixture
        def world(self, tmp_path: Path) -> Iterator[PagesWorld]:
            yield PagesWorld(tmp_path)

A sink that is at least once sets ``exactly_once = False``; a reader that does not see rows as they
were written (JSON, say) overrides `expected`. What a sink cannot suffer is said by not overriding
`die_halfway` or `break_it`.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from streamops_nb.db import sealed
from streamops_nb.model.errors import SinkError

__all__ = ["SinkContract", "SinkWorld", "batch"]

SCHEMA = {"n": "BIGINT", "device": "VARCHAR"}

EVERY_TYPE = """
SELECT * FROM (VALUES
    (1::BIGINT, 'é ü 漢字 🦆 "quoted" \\ back', true, 1.5::DOUBLE,
     170141183460469231731687303715884105::HUGEINT, 12345678901234.5678::DECIMAL(18, 4),
     TIMESTAMPTZ '2013-03-10 06:59:59.123456+00', TIMESTAMP '1969-12-31 23:59:59.5',
     DATE '2024-02-29', ['a', NULL, ''], {'lat': 40.5::DOUBLE, 'tags': ['x', 'y']},
     MAP {'a': 1, 'b': NULL}),
    (9223372036854775807, '', false, -0.0, -1, -0.0001,
     TIMESTAMPTZ '9999-01-01 00:00:00+00', TIMESTAMP '2026-01-01', DATE '0001-01-01', [],
     {'lat': NULL, 'tags': NULL}, MAP {}),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
) AS t(n, text, flag, x, big, price, ts, local, day, tags, place, counts)
"""


def batch(start: int, stop: int) -> pa.Table:
    """Make the rows `start` to `stop`, each with a unique `n`."""
    numbers = range(start, stop)
    return pa.table({"n": list(numbers), "device": [f"d{n % 3}é" for n in numbers]})


class SinkWorld:
    """Where a sink's rows go, and what may happen there."""

    exactly_once: bool = True

    def open(self, schema: dict[str, str]) -> None:
        """Open a sink; called again, the process died and this is the next one."""
        raise NotImplementedError

    def write(self, n: int, rows: pa.Table) -> None:
        """Write a batch and let it be committed."""
        raise NotImplementedError

    def die_before_commit(self, n: int, rows: pa.Table) -> None:
        """Write a batch completely and die before it is committed; `open` follows."""
        self.write(n, rows)

    def die_halfway(self, n: int, rows: pa.Table) -> bool:
        """Die in the middle of writing; `open` follows. False if there is no middle."""
        return False

    def break_it(self) -> str | None:
        """Make writing (or opening) fail; give a text that the message must name."""
        return None

    def tidy(self) -> None:
        """Let the sink tidy."""

    def seen(self) -> list[dict[str, Any]]:
        """Give the rows that a reader sees, in the order of the batches."""
        raise NotImplementedError

    def expected(self, rows: pa.Table) -> list[dict[str, Any]]:
        """Give rows as a reader should see them."""
        return list(rows.to_pylist())

    def close(self) -> None:
        """Close the sink."""


class SinkContract:
    """Inherit, and give a fixture `world`."""

    def check(self, world: SinkWorld, *batches: pa.Table, repeated: pa.Table | None = None) -> None:
        """Compare what is seen with what was written, one batch perhaps twice."""
        seen = world.seen()
        wanted = [row for rows in batches for row in world.expected(rows)]
        if world.exactly_once or repeated is None:
            assert seen == wanted
            return
        again = world.expected(repeated)
        assert [row for row in seen if row not in again] == [
            row for row in wanted if row not in again
        ]
        for row in again:
            assert row in seen

    def test_batches_are_seen_once_and_in_order(self, world: SinkWorld) -> None:
        world.open(SCHEMA)
        batches = [batch(0, 5), batch(5, 6), batch(6, 2_000)]
        for n, rows in enumerate(batches, start=1):
            world.write(n, rows)
            self.check(world, *batches[:n])
        world.close()

    def test_an_empty_batch_adds_nothing(self, world: SinkWorld) -> None:
        world.open(SCHEMA)
        world.write(1, batch(0, 0))
        self.check(world)
        world.write(2, batch(0, 5))
        world.write(3, batch(0, 0))
        world.write(4, batch(5, 9))
        self.check(world, batch(0, 5), batch(5, 9))
        world.close()

    def test_a_sink_that_is_opened_again_goes_on(self, world: SinkWorld) -> None:
        world.open(SCHEMA)
        world.write(1, batch(0, 5))
        world.close()
        world.open(SCHEMA)
        world.write(2, batch(5, 9))
        self.check(world, batch(0, 5), batch(5, 9))
        world.close()

    def test_a_batch_that_comes_again_after_a_crash_is_not_doubled(self, world: SinkWorld) -> None:
        world.open(SCHEMA)
        world.write(1, batch(0, 5))
        world.die_before_commit(2, batch(5, 9))
        world.open(SCHEMA)
        world.write(2, batch(5, 9))
        world.write(3, batch(9, 12))
        self.check(world, batch(0, 5), batch(5, 9), batch(9, 12), repeated=batch(5, 9))
        world.close()

    def test_a_batch_may_come_again_more_than_once(self, world: SinkWorld) -> None:
        world.open(SCHEMA)
        for _ in range(3):
            world.die_before_commit(1, batch(0, 5))
            world.open(SCHEMA)
        world.write(1, batch(0, 5))
        self.check(world, batch(0, 5), repeated=batch(0, 5))
        world.close()

    def test_half_a_batch_is_never_seen_and_is_cleaned_away(self, world: SinkWorld) -> None:
        world.open(SCHEMA)
        world.write(1, batch(0, 5))
        if not world.die_halfway(2, batch(5, 2_000)):
            return
        world.open(SCHEMA)
        self.check(world, batch(0, 5))
        world.write(2, batch(5, 2_000))
        self.check(world, batch(0, 5), batch(5, 2_000))
        world.close()

    def test_numbers_may_be_left_out(self, world: SinkWorld) -> None:
        world.open(SCHEMA)
        world.write(7, batch(0, 5))
        world.write(4_000_000_000, batch(5, 9))
        self.check(world, batch(0, 5), batch(5, 9))
        world.close()

    def test_every_type_arrives_as_it_was(self, world: SinkWorld) -> None:
        instance = sealed()
        session = instance.session()
        rows = session.table(EVERY_TYPE)
        world.open(session.describe(EVERY_TYPE))
        instance.close()
        world.write(1, rows)
        self.check(world, rows)
        world.close()

    def test_tidying_without_retention_changes_nothing(self, world: SinkWorld) -> None:
        world.open(SCHEMA)
        world.tidy()
        batches = [batch(10 * n, 10 * n + 10) for n in range(50)]
        for n, rows in enumerate(batches, start=1):
            world.write(n, rows)
            world.tidy()
        self.check(world, *batches)
        world.close()

    def test_what_the_outside_world_refuses_is_an_error_that_names_it(
        self, world: SinkWorld
    ) -> None:
        named = world.break_it()
        if named is None:
            return

        def open_and_write() -> None:
            world.open(SCHEMA)
            world.write(1, batch(0, 5))

        with pytest.raises(SinkError) as caught:
            open_and_write()
        assert named in str(caught.value)

    def test_closing_twice_is_harmless(self, world: SinkWorld) -> None:
        world.open(SCHEMA)
        world.write(1, batch(0, 5))
        world.close()
        world.close()
