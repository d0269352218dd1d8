"""What runs jobs, and what runs their queries as one batch, for a module of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.flow.running import Batch, Bench


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


@pytest.fixture(scope="module")
def batch() -> Iterator[Batch]:
    batch = Batch()
    yield batch
    batch.close()
