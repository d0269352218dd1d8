"""Whose turn it is: the choosing logic of the scheduler, without threads and without a clock.

Stride scheduling. Each task has a *used* time: the CPU time that its steps took, divided by its
weight. The ready task that has used least is next. So that weights also count when there are as
many threads as tasks, a task that is ahead of the slowest runnable one waits for it, even if a
thread is free. A task that was asleep resumes where the slowest runnable task is: it saves up no
credit; and when nothing is runnable, debts are forgiven too.

CPU time, because how long a step takes is no measure of what it does: of two equal tasks with
weights 1 and 3 the small one always runs beside the large one, which runs alone most of the time
(by the length of their steps they progressed 1 : 4 to 1 : 5 on 2 cores with other work to do). But
a task that waits, for a disk or a broker, is charged a part of that, or the others would wait until
it had worked as much as they have.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from enum import Enum
from itertools import count

__all__ = ["Turn", "Turns"]

_QUANTUM = 0.02
"""Seconds of work by which a task may be ahead. Steps take 5 to 100 ms."""

_LEAST = 0.25
"""What a second of a step costs at least, as part of what is worked in a step's second on average.

On a machine with much else to do that is little for all, and nobody is taken for one that waits.
"""

_MEMORY = 1.0
"""The average is over so many seconds of work, so that those who work count and not who waits."""

_SPARE = 0.1
"""Seconds of work beyond the least that a task can save up for steps that are kept from working."""

_SHORTEST_WAIT = 0.001
"""Below this a rounding error could make a waiting thread spin."""


_SLACK = 16
"""A sleep may change by half this part of it, and by 1/16 s at most, to end on a common beat.

300 tasks at 1 Hz, spread evenly, cost 2 % of a core in wake-ups of their own and 0.3 % on a beat.
"""


class _Phase(Enum):
    ASLEEP = "asleep"
    READY = "ready"
    RUNNING = "running"
    GONE = "gone"


@dataclass(eq=False, slots=True)
class Turn:
    """A task's place in the order; only `Turns` changes it.

    Parameters
    ----------
    name, weight
        Of the task.
    used
        Work by weight.
    spare
        Work beyond the least that steps have cost.
    began
        When the present step began.
    """

    name: str
    weight: float
    used: float = 0.0
    spare: float = 0.0
    began: float = 0.0
    phase: _Phase = _Phase.ASLEEP
    ticket: int = 0  # of its valid place in a heap
    again: bool = False  # woken while running
    leaving: bool = False  # removed while running

    @property
    def running(self) -> bool:
        """Whether a step is going on."""
        return self.phase is _Phase.RUNNING


_Heap = list[tuple[float, int, Turn]]


def _beat(now: float, after: float) -> float:
    """The beat nearest to `after` seconds from now; short sleeps have short beats."""
    if math.isinf(after):
        return after
    _, exponent = math.frexp(after / _SLACK)
    beat = min(0.125, math.ldexp(0.5, exponent))
    return round((now + after) / beat) * beat


class Turns:
    """The order of turns. Not thread-safe; `now` is monotonic seconds."""

    def __init__(self) -> None:
        self._turns: dict[str, Turn] = {}
        self._running: set[Turn] = set()
        self._asleep: _Heap = []
        self._ready: _Heap = []
        self._tickets = count(1)
        self._most = 0.0
        self._speed = 1.0  # seconds of work in a second of a step

    def __contains__(self, name: str) -> bool:
        return name in self._turns

    def add(self, name: str, weight: float, now: float) -> None:
        """Add a task; its first step is due at once."""
        turn = Turn(name, weight)
        self._turns[name] = turn
        self._sleep(turn, now)

    def remove(self, name: str) -> Turn | None:
        """Take a task out; the turn is given back if its step is still going on."""
        turn = self._turns.get(name)
        if turn is None:
            return None
        if turn.running:
            turn.leaving = True
            return turn
        self._drop(turn)
        return None

    def set_weight(self, name: str, weight: float) -> None:
        """Change a weight; a step that is going on counts by the new one."""
        self._turns[name].weight = weight

    def wake(self, name: str, now: float) -> None:
        """Make a task's next step due at once; one that runs is due again when it is done."""
        turn = self._turns.get(name)
        if turn is None:
            return
        if turn.running:
            turn.again = True
        elif turn.phase is _Phase.ASLEEP:
            self._sleep(turn, now)

    def pick(self, now: float) -> Turn | None:
        """Choose the task whose step is to run now; None if all have to wait."""
        self._rouse(now)
        if self._ahead(now) != 0.0:
            return None
        turn = heapq.heappop(self._ready)[2]
        turn.phase, turn.began = _Phase.RUNNING, now
        self._running.add(turn)
        return turn

    def done(
        self,
        turn: Turn,
        now: float,
        after: float | None,
        worked: float | None = None,
        aside: float = 0.0,
    ) -> None:
        """Charge a step that has ended.

        Parameters
        ----------
        after
            In how many seconds the next one is due; None if the task ends.
        worked
            Seconds of work that it did; None if it never waited.
        aside
            Seconds of work that was done for it elsewhere.
        """
        lasted = now - turn.began
        work = aside + (lasted if worked is None else worked)
        least = lasted * self._least
        turn.used += max(work, least - turn.spare) / turn.weight
        turn.spare = min(max(0.0, turn.spare + work - least), _SPARE)
        self._most = max(self._most, turn.used)
        self._learn(work, lasted + aside)
        self._running.discard(turn)
        if after is None or turn.leaving:
            self._drop(turn)
        elif turn.again or not after > 0:
            # still runnable: it stays where it is in the order, ahead or not
            turn.again = False
            self._queue(turn)
        else:
            self._sleep(turn, _beat(now, after))

    def pickable(self, now: float) -> bool:
        """Whether `pick` would find a task."""
        self._rouse(now)
        return self._ahead(now) == 0.0

    def wait(self, now: float) -> float | None:
        """Say after how many seconds `pick` may find a task; None if nothing is to be waited for.

        A step that ends earlier, or a task that is added or woken, may change the answer.
        """
        ahead = self._ahead(now)
        asleep = self._valid(self._asleep)
        waits = [asleep[0][0] - now] if asleep else []
        if ahead is not None:
            waits.append(ahead)
        return max(_SHORTEST_WAIT, min(waits)) if waits else None

    def _ahead(self, now: float) -> float | None:
        """Seconds until the first ready task is no longer too far ahead; None without one."""
        ready = self._valid(self._ready)
        if not ready:
            return None
        first = ready[0][2]
        line = first.used - _QUANTUM / first.weight
        return max((self._wait(r, line, now) for r in self._running), default=0.0)

    def _wait(self, turn: Turn, line: float, now: float) -> float:
        """Seconds until a step that is going on has reached a used time, at the latest."""
        behind = (line - turn.used) * turn.weight
        if behind <= 0:
            return 0.0
        return max(0.0, turn.began + (behind + turn.spare) / self._least - now)

    def _learn(self, work: float, lasted: float) -> None:
        if lasted > 0:
            self._speed += (work / lasted - self._speed) * min(1.0, work / _MEMORY)

    @property
    def _least(self) -> float:
        """What a second of a step costs at least."""
        return max(_LEAST * self._speed, _SHORTEST_WAIT)

    def _reached(self, turn: Turn, now: float) -> float:
        """Used time, with what the step that is going on costs at least."""
        if not turn.running:
            return turn.used
        least = (now - turn.began) * self._least
        return turn.used + max(0.0, least - turn.spare) / turn.weight

    def _rouse(self, now: float) -> None:
        """Make ready all tasks that are due."""
        asleep = self._valid(self._asleep)
        if not asleep or asleep[0][0] > now:
            return
        level = self._level(now)
        while (asleep := self._valid(self._asleep)) and asleep[0][0] <= now:
            turn = heapq.heappop(asleep)[2]
            turn.used = max(turn.used, level)
            self._queue(turn)

    def _level(self, now: float) -> float:
        """Used time of the slowest runnable task; if none is, all that sleep begin anew."""
        reached = [self._reached(turn, now) for turn in self._running]
        ready = self._valid(self._ready)
        if ready:
            reached.append(ready[0][2].used)
        return min(reached, default=self._most)

    def _sleep(self, turn: Turn, due: float) -> None:
        turn.phase = _Phase.ASLEEP
        self._push(self._asleep, due, turn)

    def _queue(self, turn: Turn) -> None:
        turn.phase = _Phase.READY
        self._push(self._ready, turn.used, turn)

    def _push(self, heap: _Heap, key: float, turn: Turn) -> None:
        turn.ticket = next(self._tickets)
        if len(heap) > 2 * len(self._turns) + 64:
            # places given up by wake and remove are usually popped in time, but need not be
            heap[:] = [entry for entry in heap if entry[1] == entry[2].ticket]
            heapq.heapify(heap)
        heapq.heappush(heap, (key, turn.ticket, turn))

    def _valid(self, heap: _Heap) -> _Heap:
        """The heap, with a valid place on top."""
        while heap and heap[0][1] != heap[0][2].ticket:
            heapq.heappop(heap)
        return heap

    def _drop(self, turn: Turn) -> None:
        turn.phase, turn.ticket = _Phase.GONE, 0
        del self._turns[turn.name]
