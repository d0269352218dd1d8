"""Work is measured by CPU time, and helping threads are shared by those who work."""

import threading
import time
import zlib

import pytest

from streamops_nb.engine.meter import Meter


class Clocks:
    """CPU clocks that the test moves."""

    def __init__(self) -> None:
        self.own = 0.0
        self.helping = 0.0
        self.meter = Meter(lambda: self.own, lambda: self.helping)


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


def test_a_piece_costs_what_its_thread_and_its_help_work(clocks):
    clocks.own, clocks.helping = 5.0, 7.0
    with clocks.meter.measure() as work:
        clocks.own += 2.0
        clocks.helping += 0.5
        assert work.seconds == 0.0
    assert work.seconds == 2.5


def test_help_is_shared_by_those_who_work_at_the_time(clocks):
    with clocks.meter.measure() as first:
        clocks.helping += 1.0
        with clocks.meter.measure() as second:
            clocks.helping += 4.0
        clocks.helping += 10.0
    assert (first.seconds, second.seconds) == (13.0, 2.0)


def test_help_while_nobody_works_costs_nobody(clocks):
    clocks.helping += 8.0
    with clocks.meter.measure() as work:
        pass
    assert work.seconds == 0.0


def test_help_never_counts_backwards(clocks):
    clocks.helping = 3.0
    with clocks.meter.measure() as work:
        clocks.helping = 1.0
    assert work.seconds == 0.0


def test_a_piece_that_fails_is_measured(clocks):
    measured = []

    def fail() -> None:
        with clocks.meter.measure() as work:
            measured.append(work)
            clocks.own += 1.0
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert [work.seconds for work in measured] == [1.0]


def test_a_real_meter_counts_work_and_no_waiting():
    meter = Meter()
    with meter.measure() as waited:
        threading.Event().wait(0.05)
    with meter.measure() as worked:
        begun = time.thread_time()
        while (lasted := time.thread_time() - begun) < 0.02:
            zlib.crc32(bytes(1000))
    assert waited.seconds < 0.02
    assert worked.seconds >= lasted
