"""Real threads: tasks get their turns, alone in their step, and leave when they should."""

import logging
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from streamops_nb.engine.clock import SystemClock
from streamops_nb.engine.meter import Meter
from streamops_nb.engine.scheduler import Scheduler
from streamops_nb.testing.clock import FakeClock


class Steps:
    """A task made of a function of the step's number."""

    def __init__(self, do: Callable[[int], float | None]) -> None:
        self.do = do
        self.aside = 0.0
        self.n = 0
        self.inside = 0
        self.overlaps = 0
        self.changed = threading.Condition()

    def step(self) -> float | None:
        with self.changed:
            self.n += 1
            self.inside += 1
            self.overlaps += self.inside > 1
            self.changed.notify_all()
        try:
            return self.do(self.n)
        finally:
            with self.changed:
                self.inside -= 1

    def until(self, n: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.n >= n, 10), f"step {self.n} of {n}"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def errors() -> list[tuple[str, BaseException]]:
    return []


@pytest.fixture
def scheduler(clock, errors) -> Iterator[Scheduler]:
    lasting = Meter(clock.monotonic, lambda: 0.0)  # nobody waits for a core on this clock
    with Scheduler(2, clock, meter=lasting, on_error=lambda *what: errors.append(what)) as one:
        yield one


def test_two_saturated_tasks_on_two_threads_progress_by_the_weight_of_their_work():
    worked = threading.local()

    def work(_: int) -> float:
        # as long as the machine makes it, but always the same work
        time.sleep(0.001)
        worked.seconds = getattr(worked, "seconds", 0.0) + 0.001
        return 0.0

    meter = Meter(lambda: getattr(worked, "seconds", 0.0), lambda: 0.0)
    small, large = Steps(work), Steps(work)
    with Scheduler(2, SystemClock(), meter=meter) as scheduler:
        scheduler.add("small", small, weight=1.0)
        scheduler.add("large", large, weight=3.0)
        large.until(900)
        ratio = large.n / small.n
    assert ratio == pytest.approx(3.0, rel=0.15)
    assert small.overlaps == large.overlaps == 0


def test_work_that_is_done_aside_counts_too(clock):
    go, steps = threading.Event(), []

    def read(n: int) -> float | None:
        clock.advance(0.1)
        reader.aside += 0.3
        steps.append("reader")
        return 0.0 if n < 20 else None

    def work_only(_: int) -> float:
        clock.advance(0.1)
        steps.append("other")
        return 0.0

    reader, other = Steps(read), Steps(work_only)
    with Scheduler(1, clock, meter=Meter(clock.monotonic, lambda: 0.0)) as scheduler:
        scheduler.add("before both are there", Steps(lambda _: go.wait(10) and None))
        scheduler.add("reader", reader)
        scheduler.add("other", other)
        go.set()
        reader.until(20)
    until_the_last = steps[: [n for n, who in enumerate(steps) if who == "reader"][-1]]
    assert until_the_last.count("other") == pytest.approx(4 * 19, abs=4)


def test_a_task_comes_again_after_as_long_as_it_asked_for(clock, scheduler):
    task = Steps(lambda n: 10.0 if n < 3 else None)
    scheduler.add("a", task)
    task.until(1)
    clock.until_waiting(1)
    clock.advance(9.0)
    clock.until_waiting(1)
    assert task.n == 1
    clock.advance(1.0)
    task.until(2)


def test_while_one_thread_is_in_a_long_step_the_other_looks_after_what_falls_due(clock, scheduler):
    early, late = threading.Event(), threading.Event()
    first = Steps(lambda n: 10.0 if n == 1 else late.wait(10) and None)
    second = Steps(lambda n: 20.0 if n == 1 else early.set())
    scheduler.add("first", first)
    scheduler.add("second", second)
    clock.until_waiting(2)
    clock.advance(10.0)
    first.until(2)
    clock.until_waiting(1)
    clock.advance(10.0)
    second.until(2)
    late.set()
    assert early.wait(10)


def test_a_thread_that_becomes_idle_watches_if_its_task_is_due_before_all_others(clock, scheduler):
    go = threading.Event()
    far, near = Steps(lambda _: 3600.0), Steps(lambda n: 10.0 if go.wait(10) and n == 1 else None)
    scheduler.add("near", near)
    near.until(1)
    scheduler.add("far", far)
    clock.until_waiting(1)
    go.set()
    clock.until_waiting(2)
    clock.advance(10.0)
    near.until(2)


def test_tasks_that_waited_for_a_slower_one_all_go_on_when_it_leaves(clock, scheduler):
    go, together = threading.Event(), threading.Barrier(2)

    def use_a_second_then_meet(n: int) -> float | None:
        if n == 1:
            clock.advance(1.0)
            return 0.0
        together.wait(10)
        return None

    slow = Steps(lambda _: go.wait(10) and None)
    quick = [Steps(use_a_second_then_meet) for _ in range(2)]
    scheduler.add("slow", slow, weight=100.0)
    slow.until(1)
    for n, task in enumerate(quick):
        scheduler.add(f"quick{n}", task)
        task.until(1)
    clock.until_waiting(1)
    assert [task.n for task in quick] == [1, 1]
    go.set()
    for task in quick:
        task.until(2)
    assert not together.broken


def test_a_backlog_is_worked_off_at_once_and_a_finished_task_leaves(scheduler):
    task = Steps(lambda n: 0.0 if n < 50 else None)
    scheduler.add("a", task)
    task.until(50)
    scheduler.remove("a")
    scheduler.add("a", Steps(lambda _: None))
    assert task.n == 50


def test_wake_brings_the_next_step_forward(clock, scheduler):
    task = Steps(lambda _: 3600.0)
    scheduler.add("a", task)
    task.until(1)
    clock.until_waiting(1)
    scheduler.wake("a")
    task.until(2)
    scheduler.wake("nobody")


def test_many_tasks_share_few_threads_and_none_is_in_two_at_once(scheduler):
    tasks = [Steps(lambda n: 0.0 if n < 20 else None) for _ in range(40)]
    for n, task in enumerate(tasks):
        scheduler.add(f"t{n}", task, weight=1.0 + n % 3)
    for n, task in enumerate(tasks):
        task.until(20)
        scheduler.remove(f"t{n}")
    assert [(task.n, task.overlaps) for task in tasks] == [(20, 0)] * 40


def test_a_task_that_raises_is_removed_and_reported_and_the_others_go_on(scheduler, errors):
    def fail(n: int) -> float:
        if n == 3:
            raise RuntimeError("boom")
        return 0.0

    bad, good = Steps(fail), Steps(lambda _: 0.0)
    scheduler.add("bad", bad)
    scheduler.add("good", good)
    bad.until(3)
    good.until(good.n + 50)
    assert [(name, repr(error)) for name, error in errors] == [("bad", "RuntimeError('boom')")]
    assert bad.n == 3


def test_whoever_hears_of_an_error_may_add_the_task_again(clock):
    task = Steps(lambda n: 1 / 0 if n == 1 else None)
    with Scheduler(1, clock, on_error=lambda name, _: scheduler.add(name, task)) as scheduler:
        scheduler.add("a", task)
        task.until(2)


def test_an_error_that_cannot_be_reported_is_logged_and_kills_no_thread(clock, caplog):
    def refuse(_: str, __: BaseException) -> None:
        raise ValueError("no ear")

    with caplog.at_level(logging.ERROR), Scheduler(1, clock, on_error=refuse) as scheduler:
        scheduler.add("bad", Steps(lambda _: 1 / 0))
        good = Steps(lambda n: 0.0 if n < 20 else None)
        scheduler.add("good", good)
        good.until(20)
    assert "the error of task bad could not be reported: division by zero" in caplog.text


def test_without_an_ear_errors_are_logged(clock, caplog):
    task = Steps(lambda _: 1 / 0)
    with caplog.at_level(logging.ERROR), Scheduler(1, clock) as scheduler:
        scheduler.add("bad", task)
        task.until(1)
    assert "task bad failed" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_remove_waits_for_the_step_that_is_going_on(scheduler):
    go = threading.Event()
    task = Steps(lambda _: 0.0 if go.wait(10) else None)
    scheduler.add("a", task)
    task.until(1)
    threading.Timer(0.05, go.set).start()
    scheduler.remove("a")
    assert (go.is_set(), task.inside, task.n) == (True, 0, 1)


def test_remove_may_also_not_wait_and_the_name_is_free_when_the_step_has_ended(scheduler):
    go = threading.Event()
    task = Steps(lambda _: 0.0 if go.wait(10) else None)
    scheduler.add("a", task)
    task.until(1)
    scheduler.remove("a", wait=False)
    with pytest.raises(ValueError, match="there is already a task a"):
        scheduler.add("a", task)
    go.set()
    scheduler.remove("a")
    scheduler.add("a", task)
    task.until(2)


def test_a_step_may_remove_its_own_task(scheduler):
    def leave(_: int) -> float:
        scheduler.remove("a")
        return 0.0

    task = Steps(leave)
    scheduler.add("a", task)
    task.until(1)
    scheduler.remove("a")
    assert task.n == 1


def test_close_lets_steps_end_and_leaves_no_thread_behind(clock):
    before = threading.active_count()
    task = Steps(lambda _: 0.0)
    scheduler = Scheduler(3, clock)
    assert threading.active_count() == before
    for n in range(5):
        scheduler.add(f"idle{n}", Steps(lambda _: 60.0))
    scheduler.add("busy", task)
    task.until(5)
    scheduler.close()
    scheduler.close()
    assert (threading.active_count(), task.inside) == (before, 0)
    with pytest.raises(RuntimeError, match="the scheduler is closed"):
        scheduler.add("late", task)


def test_threads_that_have_nothing_to_do_do_not_spin(clock):
    looks = []

    class Counting(FakeClock):
        def wait(self, event: threading.Event, seconds: float | None) -> bool:
            looks.append(seconds)
            return super().wait(event, seconds)

    counting = Counting()
    with Scheduler(2, counting) as scheduler:
        for n in range(10):
            scheduler.add(f"t{n}", Steps(lambda _: 60.0))
        counting.until_waiting(2)
        before = len(looks)
        time.sleep(0.1)
        assert len(looks) == before
        # one of them watches what falls due, the other waits to be called
        assert sorted(seconds is None for seconds in looks[-2:]) == [False, True]


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan")])
def test_a_weight_that_is_not_positive_is_refused(scheduler, weight):
    with pytest.raises(ValueError, match="a weight is a positive number"):
        scheduler.add("a", Steps(lambda _: None), weight=weight)
    with pytest.raises(ValueError, match="a weight is a positive number"):
        scheduler.set_weight("a", weight)


def test_a_weight_can_be_changed_while_the_task_runs(scheduler):
    task = Steps(lambda _: 0.0)
    scheduler.add("a", task)
    task.until(1)
    scheduler.set_weight("a", 4.0)
    task.until(task.n + 1)
    with pytest.raises(KeyError):
        scheduler.set_weight("b", 1.0)


def test_a_scheduler_without_threads_is_refused(clock):
    with pytest.raises(ValueError, match="at least one thread"):
        Scheduler(0, clock)
