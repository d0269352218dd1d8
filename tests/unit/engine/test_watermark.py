"""The watermark is the smallest over the active partitions, and never goes back."""

import json

from hypothesis import given
from hypothesis import strategies as st

from streamops_nb.engine.watermark import FOREVER, NEVER, StreamClock
from streamops_nb.model.flow import Holder

SECOND = 1_000_000


def clock(delay: int = 0, idle: int | None = None, apart: bool = True) -> StreamClock:
    return StreamClock(delay_us=delay, idle_us=idle, apart=apart)


def fed(one: StreamClock, at: int = 0, **largest: int) -> StreamClock:
    for partition, event in largest.items():
        one.observe(partition, event, at)
    return one


def test_the_watermark_trails_the_slowest_partition_by_the_delay():
    assert fed(clock(delay=5), a=100, b=70).advance(0) == 65


def test_nothing_is_known_before_the_first_row():
    assert clock().advance(0) == NEVER
    assert clock().reach == NEVER


def test_a_partition_that_was_met_holds_the_watermark_back_until_it_has_a_row():
    one = clock()
    one.meet(["a", "b"], 0)
    assert fed(one, a=100).advance(1) == NEVER
    assert fed(one, b=40).advance(2) == 40


def test_meeting_a_partition_again_forgets_nothing():
    one = fed(clock(idle=10), at=5, a=100)
    one.meet(["a"], 14)
    assert one.advance(16) == NEVER
    assert fed(clock(), a=100).advance(16) == 100


def test_a_partition_is_idle_only_after_longer_than_the_idle_time():
    one = fed(clock(idle=10), at=0, slow=50)
    fed(one, at=10, fast=90)
    assert one.advance(10) == 50
    assert one.advance(11) == 90


def test_a_partition_without_any_row_becomes_idle_from_when_it_was_met():
    one = clock(idle=10)
    one.meet(["silent"], 0)
    fed(one, at=10, a=90)
    assert (one.advance(10), one.advance(11)) == (NEVER, 90)


def test_a_partition_with_backlog_is_never_idle():
    one = fed(clock(idle=10), at=0, slow=50)
    fed(one, at=1000, fast=90)
    assert one.advance(1000, behind={"slow"}) == 50
    assert one.advance(1000) == 90


def test_a_partition_with_backlog_that_nobody_met_holds_the_watermark_back():
    one = fed(clock(idle=10), a=90)
    assert one.advance(0, behind={"new"}) == NEVER
    assert one.advance(1, behind=()) == NEVER


def test_when_all_are_idle_the_watermark_stays():
    one = fed(clock(idle=10), at=0, a=90, b=50)
    assert one.advance(0) == 50
    assert one.advance(1000) == 50


def test_a_partition_that_wakes_with_older_rows_does_not_pull_the_watermark_back():
    one = fed(clock(idle=10), at=0, a=90, b=50)
    fed(one, at=100, a=200)
    assert one.advance(100) == 200
    fed(one, at=101, b=120, a=300)
    assert one.advance(101) == 200
    fed(one, at=102, b=260)
    assert one.advance(102) == 260


def test_partitions_of_one_log_have_one_watermark():
    one = fed(clock(delay=5, apart=False), monday=10, tuesday=100)
    one.meet(["wednesday"], 0)
    assert one.advance(0, behind={"wednesday"}) == 95


def test_after_the_end_everything_is_closed():
    one = fed(clock(), a=5)
    assert (one.end(), one.advance(9), one.watermark) == (FOREVER, FOREVER, FOREVER)
    assert StreamClock.from_json(one.to_json()).watermark == FOREVER


def test_without_idle_time_a_silent_partition_holds_the_watermark_for_ever():
    one = fed(clock(idle=None), a=10**15)
    one.meet(["silent"], 0)
    assert one.advance(10**15) == NEVER


def test_what_was_kept_can_go_on_under_new_settings():
    one = fed(clock(delay=50), a=100)
    assert one.advance(0) == 50
    slower = StreamClock.from_json(one.to_json() | {"delay_us": 80})
    assert fed(slower, a=120).advance(0) == 50
    assert fed(slower, a=140).advance(0) == 60


def test_what_holds_the_watermark_back_is_known():
    one = clock(idle=60 * SECOND)
    assert one.holder(0) is None
    one.meet(["a", "b"], 7)
    fed(one, at=9, a=100 * SECOND)
    assert one.holder(9) == Holder("b", NEVER, 7)
    fed(one, at=20, b=30 * SECOND)
    assert one.holder(20) == Holder("b", 30 * SECOND, 20)
    # with all idle there is none that it waits for; one with a backlog is never idle
    assert one.holder(61 * SECOND) is None
    assert one.holder(61 * SECOND, {"a"}) is None
    assert one.holder(61 * SECOND, {"a", "b"}) == Holder("b", 30 * SECOND, 20)
    assert fed(one, at=20, b=100 * SECOND).holder(20) is None
    one.end()
    assert one.holder(20) is None


def test_a_stream_that_is_one_log_waits_for_no_partition():
    assert fed(StreamClock(0, None, apart=False), a=100, b=5).holder(0) is None


def test_looking_ahead_advances_nothing():
    one = fed(clock(delay=50), a=100)
    assert (one.ahead(0), one.watermark, one.advance(0)) == (50, NEVER, 50)


_names = st.sampled_from("abc")
_times = st.integers(-(10**9), 10**9)
_deeds = st.lists(
    st.one_of(
        st.tuples(st.just("meet"), st.tuples(st.sets(_names))),
        st.tuples(st.just("observe"), st.tuples(_names, _times)),
        st.tuples(st.just("advance"), st.tuples(st.sets(_names))),
        st.tuples(st.just("wait"), st.integers(0, 200)),
        st.tuples(st.just("reload"), st.none()),
    ),
    max_size=60,
)


class Definition:
    """The watermark straight from its definition, from all that has happened."""

    def __init__(self, delay: int, idle: int | None, apart: bool) -> None:
        self.delay, self.idle, self.apart = delay, idle, apart
        self.largest: dict[str, int] = {}
        self.active: dict[str, int] = {}
        self.watermark = NEVER

    def meet(self, names: set[str], at: int) -> None:
        for name in names:
            self.active.setdefault(name, at)

    def observe(self, name: str, event: int, at: int) -> None:
        self.largest[name] = max(self.largest.get(name, event), event)
        self.active[name] = at

    def advance(self, at: int, behind: set[str]) -> None:
        self.meet(behind, at)
        idle = {n for n in self.active if self.idle is not None and at - self.active[n] > self.idle}
        counting = self.active.keys() - (idle - behind)
        if not self.apart:
            reached = [max(self.largest.values())] if self.largest else []
        elif counting <= self.largest.keys():
            reached = [self.largest[name] for name in counting]
        else:
            reached = []
        if reached:
            self.watermark = max(self.watermark, min(reached) - self.delay)


@given(_deeds, st.integers(0, 10**6), st.none() | st.integers(0, 300), st.booleans())
def test_the_watermark_is_as_defined_after_any_history(deeds, delay, idle, apart):
    one, definition, at = clock(delay, idle, apart), Definition(delay, idle, apart), 0
    for deed, what in deeds:
        if deed == "wait":
            at += what
        elif deed == "reload":
            one = StreamClock.from_json(json.loads(json.dumps(one.to_json())))
        else:
            given_ = (at, *what) if deed == "advance" else (*what, at)
            getattr(one, deed)(*given_)
            getattr(definition, deed)(*given_)
        assert one.watermark == definition.watermark
        assert one.reach == max(definition.largest.values(), default=NEVER)


@given(st.lists(st.tuples(_names, _times, st.integers(0, 100)), max_size=60))
def test_the_watermark_never_goes_back(rows):
    one, at, before = clock(delay=10, idle=50), 0, NEVER
    for name, event, gap in rows:
        at += gap
        one.observe(name, event, at)
        after = one.advance(at)
        assert after >= before
        before = after
