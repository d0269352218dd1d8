"""Both clocks keep the same promises; the fake one moves only when told to."""

import threading

import pytest

from streamops_nb.engine.clock import Clock, SystemClock
from streamops_nb.testing.clock import FakeClock


def started(clock: Clock, event: threading.Event, seconds: float | None) -> tuple:
    """A thread that waits, and the list its answer comes into."""
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append(clock.wait(event, seconds)))
    thread.start()
    return thread, answers


@pytest.mark.parametrize("clock", [SystemClock(), FakeClock()])
def test_a_wait_ends_when_its_event_is_set(clock):
    event = threading.Event()
    thread, answers = started(clock, event, None)
    event.set()
    thread.join(10)
    assert answers == [True]


@pytest.mark.parametrize("clock", [SystemClock(), FakeClock()])
@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_no_time_is_no_wait(clock, seconds):
    assert clock.wait(threading.Event(), seconds) is False


@pytest.mark.parametrize("clock", [SystemClock(), FakeClock()])
def test_a_set_event_is_no_wait_however_long(clock):
    event = threading.Event()
    event.set()
    assert clock.wait(event, 1e300) is True


def test_the_system_clock_waits_for_as_long_as_told():
    clock = SystemClock()
    begun = clock.monotonic()
    assert clock.wait(threading.Event(), 0.02) is False
    assert clock.monotonic() - begun >= 0.019


def test_the_fake_clock_stands_still_until_it_is_advanced():
    clock = FakeClock(start=1000.0)
    assert (clock.now(), clock.monotonic()) == (1000.0, 0.0)
    clock.advance(2.5)
    assert (clock.now(), clock.monotonic()) == (1002.5, 2.5)


def test_a_wait_on_the_fake_clock_ends_when_enough_time_has_passed():
    clock = FakeClock()
    thread, answers = started(clock, threading.Event(), 10.0)
    clock.until_waiting(1)
    clock.advance(9.0)
    thread.join(0.02)
    assert (thread.is_alive(), answers) == (True, [])
    clock.advance(1.0)
    thread.join(10)
    assert answers == [False]


def test_the_fake_clock_does_not_go_back():
    with pytest.raises(ValueError, match="time does not go back"):
        FakeClock().advance(-1.0)


def test_waiting_for_a_thread_that_never_comes_ends_with_an_error():
    with pytest.raises(TimeoutError, match="0 of 1 threads wait"):
        FakeClock().until_waiting(1, patience=0.01)
