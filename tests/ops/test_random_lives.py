"""Real jobs in a process of their own go through random actions, kills and restarts."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from streamops_nb.model.lifecycle import ACTIVE, Action, Status, allowed
from tests.nursery import NURSERY
from tests.ops.puppet import WIDTH, main

NAMES = ("a", "b", "c", "w")
FILED = ("b", "c")
"""They read the file, the others the log."""

WINDOWED = ("c", "w")
"""They add up the numbers of every five seconds, the others pass every record on."""

LIVES = 4
"""Of the process in one example."""

VERBS = {
    "start": Action.START,
    "pause": Action.PAUSE,
    "stop": Action.STOP,
    "reset": Action.RESET_POSITION,
}
# three are there from the beginning; `c` may be unknown
some_jobs = st.sampled_from([["a"], ["b"], ["w"], ["a", "b"], ["a", "w"], ["b", "c"]])
points = st.sampled_from(["earliest", "latest"])
sizes = st.sampled_from([0.2, 0.5, 1.0])


def spec(name: str, cu: float) -> dict[str, Any]:
    """A job over the log or the file, a few records in each batch."""
    table, file = {"type": "table", "stream": "log"}, {"type": "files", "path": "log.jsonl"}
    fields = {"id": "BIGINT", "ts": "TIMESTAMPTZ"}
    source = {"source": file, "format": "json"} if name in FILED else {"source": table}
    summed = """SELECT CAST(sum(id) AS BIGINT) AS id FROM tumble(r, ts, INTERVAL 5 SECONDS)
        GROUP BY window_start, window_end"""
    return {
        "name": name,
        "streams": {"r": {**source, "schema": fields, "event_time": "ts"}},
        "query": summed if name in WINDOWED else "SELECT id FROM r",
        "trigger": {"rows": 3, "interval": "20ms"},
        "start": {"at": "earliest"},
        "resources": {"cu": cu},
    }


@dataclass
class Known:
    """What must be true of a job: where it stands, what it has written and what comes next.

    `first` is the record from which it has read on since it last began without state, `before` is
    how much it had written by then.
    """

    name: str
    cu: float
    status: Status = Status.PUBLISHED
    out: list[int] = field(default_factory=list)
    first: int = 0
    before: int = 0
    read: int = 0
    kept: int = 0
    chosen: str | None = None
    held: float = 0.0

    def wanted(self, read: int) -> list[int]:
        """What it has written since it last began, once it has read all records before `read`.

        As a batch gives it over them, less what a start point has cut off and what is still open.
        """
        if self.name not in WINDOWED:
            return list(range(self.first, read))
        whole = range(-(-self.first // 5), (read - 1) // 5)
        return [sum(range(5 * window, 5 * window + 5)) for window in whole]


class Lives(RuleBasedStateMachine):
    """The workspace in its process, and a model of it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="lives-"))
        self.jobs: dict[str, Known] = {}
        self.appended = [0]
        self.allocated = 0.0
        self.told: dict[str, Any] = {}
        self.lives = 0

    # the process

    def live(self) -> None:
        self.line, theirs = NURSERY.Pipe()
        self.process = NURSERY.Process(target=main, args=(self.folder / "w", theirs))
        self.process.start()
        theirs.close()
        self.hear()
        self.lives += 1

    def end(self, *, kill: bool) -> None:
        self.line.close()
        if kill:
            self.process.kill()
        self.process.join()

    def say(self, verb: str, *args: Any, **how: Any) -> None:
        self.line.send((verb, args, how))

    def hear(self) -> str:
        """Take an answer in; return the kind of refusal."""
        self.told = self.line.recv()
        return str(self.told["refusal"])

    def ask(self, verb: str, *args: Any, **how: Any) -> str:
        self.say(verb, *args, **how)
        return self.hear()

    @initialize()
    def begin(self) -> None:
        self.live()
        for name in ("a", "b", "w"):
            self.save(name=name, cu=0.2)
        self.request(cu=1.0)
        self.append(count=5)
        self.start(names=["a", "b", "w"], at=None)

    def teardown(self) -> None:
        if self.told:
            self.take_in()
            self.settle()
            self.end(kill=True)
        shutil.rmtree(self.folder)

    # what people do

    @rule(name=st.sampled_from(NAMES), cu=sizes)
    def save(self, name: str, cu: float) -> None:
        assert self.ask("save", spec(name, cu)) == ""
        if name in self.jobs:
            self.jobs[name].cu = cu
        else:
            self.jobs[name] = Known(name=name, cu=cu)

    @rule(cu=st.sampled_from([0.5, 1.0, 2.0]))
    def request(self, cu: float) -> None:
        fits = sum(job.held for job in self.jobs.values()) <= cu
        assert self.ask("request", cu) == ("" if fits else "ResourcesRefused")
        if fits:
            self.allocated = cu

    @rule(count=st.integers(1, 10))
    def append(self, count: int) -> None:
        until = self.end_of_log + count
        assert self.ask("append", *range(self.end_of_log, until)) == ""
        self.appended.append(until)

    @rule(names=some_jobs, at=st.none() | points)
    def start(self, names: list[str], at: str | None) -> None:
        how = {} if at is None else {"at": at}
        self.act("start", names, **how)

    @rule(names=some_jobs)
    def pause(self, names: list[str]) -> None:
        self.act("pause", names)

    @rule(names=some_jobs)
    def stop(self, names: list[str]) -> None:
        self.act("stop", names)

    @rule(names=some_jobs, at=points, drop_state=st.booleans())
    def reset(self, names: list[str], at: str, drop_state: bool) -> None:
        self.act("reset", names, at=at, drop_state=drop_state)

    # what happens to the process

    @precondition(lambda self: self.lives < LIVES)
    @rule(kill=st.booleans())
    def end_and_live_again(self, kill: bool) -> None:
        self.end(kill=kill)
        self.live()

    @precondition(lambda self: self.lives < LIVES)
    @rule(
        verb=st.sampled_from(["start", "pause", "stop"]),
        name=st.sampled_from(NAMES),
        after=st.floats(0, 0.05),
    )
    def die_while_something_is_done(self, verb: str, name: str, after: float) -> None:
        known = self.jobs.get(name)
        self.say(verb, name)
        time.sleep(after)
        self.end(kill=True)
        self.live()
        if known is not None:  # it was done or it was not, and nothing between
            stands = Status(self.told["jobs"][name]["observed"])
            done = {"start": Status.RUNNING, "pause": Status.PAUSED, "stop": Status.STOPPED}[verb]
            may = VERBS[verb] in allowed(known.status)
            assert stands in ({known.status, done} if may else {known.status})
            event(f"killed during {verb}: {'done' if stands is done else 'not done'}")
            self.stand(name, stands)

    @rule()
    def settle(self) -> None:
        """Whoever runs gets everything there is, each row once."""
        for name, job in self.jobs.items():
            if job.status is Status.RUNNING:
                wanted = job.out[: job.before] + job.wanted(self.end_of_log)
                end = self.end_of_log * WIDTH if name in FILED else len(self.appended)
                assert self.ask("settle", name, len(wanted), end) == ""
                self.take_in()
                assert (job.out, job.read) == (wanted, self.end_of_log)

    # what must hold

    def act(self, verb: str, names: list[str], **how: Any) -> None:
        wanted = self.refusal(verb, names, drop_state=how.get("drop_state", True))
        assert self.ask(verb, names, **how) == wanted
        event(f"{verb}: {wanted or 'done'}")
        if wanted:
            return  # all or none: `true_at_all_times` sees that nothing has changed
        to = {"start": Status.RUNNING, "pause": Status.PAUSED, "stop": Status.STOPPED}
        for name in names:
            if "at" in how:
                self.jobs[name].chosen = how["at"]
            if verb in to:
                self.stand(name, to[verb])

    def refusal(self, verb: str, names: Iterable[str], *, drop_state: bool) -> str:
        """Which refusal an action meets, by the table of moves and the CU that are free."""
        if any(name not in self.jobs for name in names):
            return "Refused"
        jobs = [self.jobs[name] for name in names]
        if any(VERBS[verb] not in allowed(job.status) for job in jobs):
            return "MoveRefused"
        if not drop_state and any(j.kept and j.status is Status.PAUSED for j in jobs):
            return "MoveRefused"
        held = sum(job.held for job in self.jobs.values())
        if verb == "start" and held + sum(job.cu for job in jobs) > self.allocated + 1e-9:
            return "ResourcesRefused"
        return ""

    def stand(self, name: str, status: Status) -> None:
        job = self.jobs[name]
        if status is Status.RUNNING and job.status is not Status.RUNNING:
            job.held = job.cu
            if job.chosen is not None:
                job.read = 0 if job.chosen == "earliest" else self.end_of_log
            if job.chosen is not None or job.status is Status.STOPPED:
                job.first, job.before, job.chosen = job.read, len(job.out), None
        if status is not Status.RUNNING:
            job.held = 0.0
        job.status = status

    @property
    def end_of_log(self) -> int:
        return self.appended[-1]

    def take_in(self) -> None:
        """Nothing that was written has gone or changed, and what is new is what comes next."""
        for name, job in self.jobs.items():
            told = self.told["jobs"][name]
            assert told["ids"][: len(job.out)] == job.out
            job.out, job.kept, before = told["ids"], told["kept"], job.read
            if told["at"]:  # in the log offsets are numbers of appends, from 1
                job.read = told["at"] // WIDTH if name in FILED else self.appended[told["at"] - 1]
            assert job.read >= before  # unless it was begun anew
            new = job.out[job.before :]
            assert new == job.wanted(self.end_of_log)[: len(new)]
            # what has closed is emitted by the batch after: `settle` waits for that
            assert name in WINDOWED or len(new) >= job.read - job.first

    @invariant()
    def true_at_all_times(self) -> None:
        if not self.told:
            return
        assert self.told["jobs"].keys() == self.jobs.keys()
        for name, job in self.jobs.items():
            told = self.told["jobs"][name]
            # what is observed has become what was desired, and both are what was asked for
            assert (told["observed"], told["desired"]) == (job.status, job.status)
        active = {n: job.held for n, job in self.jobs.items() if job.status in ACTIVE}
        assert self.told["held"] == active
        assert self.told["allocated"] == self.allocated
        assert sum(active.values()) <= self.allocated + 1e-9
        self.take_in()


@pytest.mark.timeout(900)
class TestLives(Lives.TestCase):
    settings = settings(max_examples=6, stateful_step_count=20)


@pytest.mark.soak
class TestManyLives(Lives.TestCase):
    settings = settings(max_examples=200, stateful_step_count=50)
