"""Whose turn it is, without threads: simulated threads on a simulated clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamops_nb.engine.turns import Turn, Turns


def turns(now: float = 0.0, **weights: float) -> Turns:
    order = Turns()
    for name, weight in weights.items():
        order.add(name, weight, now)
    return order


def picked(order: Turns, now: float) -> Turn:
    turn = order.pick(now)
    assert turn is not None
    return turn


def saturate(order: Turns, threads: int, lasts: dict[str, float], until: float) -> dict[str, float]:
    """Run steps of given lengths on simulated threads; return thread time by task."""
    now, used = 0.0, dict.fromkeys(lasts, 0.0)
    going: list[tuple[float, Turn]] = []
    while now < until:
        while len(going) < threads and (turn := order.pick(now)):
            going.append((now + lasts[turn.name], turn))
        ends = min((end for end, _ in going), default=now)
        wait = order.wait(now) if len(going) < threads else None
        if wait is not None and now + wait < ends:
            now += wait
            continue
        now = ends
        for end, turn in [one for one in going if one[0] <= now]:
            going.remove((end, turn))
            used[turn.name] += lasts[turn.name]
            order.done(turn, now, 0.0)
    return used


@pytest.mark.parametrize("threads", [1, 2])
def test_two_saturated_tasks_progress_by_weight_also_with_a_thread_for_each(threads):
    used = saturate(turns(small=1.0, large=3.0), threads, {"small": 0.01, "large": 0.01}, 20.0)
    assert used["large"] / used["small"] == pytest.approx(3.0, rel=0.02)
    assert used["large"] == pytest.approx(20.0 * (0.75 if threads == 1 else 1.0), rel=0.02)


@given(
    st.lists(
        st.tuples(st.sampled_from([0.1, 0.25, 1.0, 4.0]), st.floats(0.002, 0.2)),
        min_size=2,
        max_size=5,
    ),
    st.integers(1, 5),
)
def test_saturated_tasks_get_thread_time_in_proportion_to_their_weights(tasks, threads):
    weights = {f"t{n}": weight for n, (weight, _) in enumerate(tasks)}
    lasts = {f"t{n}": length for n, (_, length) in enumerate(tasks)}
    used = saturate(turns(**weights), threads, lasts, 60.0)
    share = {name: used[name] / weights[name] for name in used}
    # nobody is ahead by more than a quantum and the step that was begun within it
    slack = max((0.02 + lasts[n]) / weights[n] for n in used)
    assert max(share.values()) - min(share.values()) <= 2 * slack + 1e-6


def test_nobody_waits_for_a_task_that_sleeps():
    order = turns(busy=0.1, lazy=10.0)
    first, second = picked(order, 0.0), picked(order, 0.0)
    busy, lazy = sorted((first, second), key=lambda turn: turn.name)
    order.done(lazy, 0.0, 3600.0)
    for second_ in range(1, 50):
        order.done(busy, float(second_), 0.0)
        assert picked(order, float(second_)) is busy


def test_a_task_that_slept_has_saved_up_no_credit():
    order = turns(busy=1.0, lazy=1.0)
    lazy = picked(order, 0.0)
    busy = picked(order, 0.0)
    if lazy.name == "busy":
        lazy, busy = busy, lazy
    order.done(lazy, 0.0, 100.0)
    now = 0.0
    while now < 100.0:
        now += 1.0
        order.done(busy, now, 0.0)
        busy = picked(order, now)
    order.done(busy, now, 0.0)
    begun, runs = now, []
    while now < begun + 20.0:
        turn = picked(order, now)
        runs.append(turn.name)
        now += 1.0
        order.done(turn, now, 0.0)
    assert abs(runs.count("lazy") - runs.count("busy")) <= 1


def test_debts_are_forgiven_when_nothing_is_runnable():
    order = turns(a=0.1, b=10.0)
    a, b = sorted((picked(order, 0.0), picked(order, 0.0)), key=lambda turn: turn.name)
    order.done(a, 10.0, 5.0)
    order.done(b, 10.0, 5.0)
    assert a.used > b.used
    assert {picked(order, 20.0).name, picked(order, 20.0).name} == {"a", "b"}
    assert a.used == b.used


def test_a_task_that_is_too_far_ahead_waits_even_if_a_thread_is_free():
    order = turns(slow=1.0, quick=1.0)
    quick = picked(order, 0.0)
    slow = picked(order, 0.0)
    order.done(quick, 0.025, 0.0)
    assert picked(order, 0.025) is quick  # not a quantum ahead of what the other costs at least
    order.set_weight(slow.name, 100.0)
    order.done(quick, 0.151, 0.0)
    assert order.pick(0.151) is None
    # what it has used, less a quantum, against a quarter of what the other's step has lasted
    behind = (0.151 - 0.02) - 0.151 * 0.25 / 100
    assert order.wait(0.151) == pytest.approx(behind * 100 / 0.25, rel=0.001)


def test_what_a_step_works_counts_and_not_how_long_it_takes():
    order = turns(small=1.0, large=3.0)
    done = dict.fromkeys(("small", "large"), 0)
    now, going = 0.0, []
    while now < 60.0:
        while len(going) < 2 and (turn := order.pick(now)):
            # beside another step all takes twice as long
            going.append((now + (0.02 if going else 0.01), turn))
        now, turn = going.pop(going.index(min(going, key=lambda one: one[0])))
        order.done(turn, now, 0.0, worked=0.01)
        done[turn.name] += 1
    assert done["large"] / done["small"] == pytest.approx(3.0, rel=0.02)


def test_a_task_that_waits_instead_of_working_does_not_hold_the_others_back_for_long():
    order = turns(waits=1.0, works=1.0)
    used = dict.fromkeys(("waits", "works"), 0.0)
    going = []
    now = 0.0
    while now < 60.0:
        while len(going) < 2 and (turn := order.pick(now)):
            lasts = {"waits": 0.5, "works": 0.01}[turn.name]
            going.append((now + lasts, turn))
        now, turn = going.pop(going.index(min(going, key=lambda one: one[0])))
        worked = {"waits": 0.001, "works": 0.01}[turn.name]
        order.done(turn, now, 0.0, worked=worked)
        used[turn.name] += worked
    assert 0.2 < used["works"] / 60.0 <= 0.25


def test_a_step_that_hung_leaves_no_debt_to_the_others():
    order = turns(hangs=1.0, works=1.0)
    hangs, works = sorted((picked(order, 0.0), picked(order, 0.0)), key=lambda turn: turn.name)
    now = 0.0
    while now < 60.0:
        now += 0.01
        order.done(works, now, 0.0, worked=0.01)
        while order.pick(now) is None:
            now += order.wait(now) or 0.0
    order.done(hangs, now, 0.0, worked=0.0)
    order.done(works, now, 0.0, worked=0.0)
    assert abs(hangs.used - works.used) <= 0.02 + 0.01 + 1e-6


def test_a_waiting_task_may_go_on_as_soon_as_the_other_ends():
    order = turns(slow=100.0, quick=1.0)
    one, two = picked(order, 0.0), picked(order, 0.0)
    quick, slow = (one, two) if one.name == "quick" else (two, one)
    order.done(quick, 1.0, 0.0)
    assert order.pick(1.0) is None
    order.done(slow, 1.0, None)
    assert picked(order, 1.0) is quick


def test_a_sleep_ends_near_its_time_and_sleeps_end_together():
    order = turns(**{f"t{n}": 1.0 for n in range(100)})
    for n in range(100):
        now = n / 100
        turn = picked(order, now)
        order.done(turn, now, 1.0)
    wakes, now = [], 1.0
    while len(wakes) < 100:
        now += order.wait(now) or 0.0
        while turn := order.pick(now):
            wakes.append((turn.name, now))
            order.done(turn, now, 3600.0)
    late = [now - (int(name[1:]) / 100 + 1.0) for name, now in wakes]
    assert max(map(abs, late)) <= 1 / 32 + 0.001
    assert len({now for _, now in wakes}) <= 18


def test_a_task_at_one_hertz_stays_at_one_hertz():
    order, now, begun = turns(a=1.0), 0.0, []
    while now < 100.0:
        if (turn := order.pick(now)) is not None:
            begun.append(now)
            now += 0.004
            order.done(turn, now, 1.0)
        now += order.wait(now) or 0.0
    assert len(begun) == 100


def test_a_task_without_a_next_time_sleeps_until_it_is_woken():
    order = turns(a=1.0)
    order.done(picked(order, 0.0), 0.0, float("inf"))
    assert order.pick(1e9) is None
    order.wake("a", 1e9)
    assert picked(order, 1e9).name == "a"


def test_a_task_woken_during_its_step_runs_again_right_after_it():
    order = turns(a=1.0)
    turn = picked(order, 0.0)
    order.wake("a", 0.0)
    order.done(turn, 0.1, 60.0)
    assert picked(order, 0.1) is turn
    order.done(turn, 0.2, 60.0)
    assert order.pick(0.2) is None


def test_a_task_is_never_picked_twice_at_once():
    order = turns(a=1.0)
    turn = picked(order, 0.0)
    order.wake("a", 0.0)
    assert order.pick(5.0) is None
    assert order.wait(5.0) is None
    order.done(turn, 5.0, 0.0)
    assert picked(order, 5.0) is turn


def test_a_removed_task_is_not_picked_again():
    order = turns(asleep=1.0, ready=1.0)
    running = picked(order, 0.0)
    other = ({"asleep", "ready"} - {running.name}).pop()
    assert order.remove(other) is None
    assert order.remove(running.name) is running
    assert running.name in order
    order.done(running, 1.0, 0.0)
    assert running.name not in order
    assert (order.pick(9.0), order.wait(9.0)) == (None, None)
    assert order.remove("never there") is None


def test_waking_a_sleeper_over_and_over_needs_no_memory():
    order = turns(a=1.0, b=1.0)
    b = picked(order, 0.0)
    order.done(picked(order, 0.0), 0.0, 1e6)
    for n in range(10_000):
        order.wake("a", n / 1e6)
        order.wake("b", n / 1e6)
    order.done(b, 1.0, 0.0)
    assert len(order._asleep) + len(order._ready) < 200
    assert picked(order, 1.0).name in {"a", "b"}
