"""A preview ends: when it is cancelled, when its time is up, when its memory is full."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

import streamops_nb as so
from streamops_nb.db import open_instance
from streamops_nb.engine.assembly import Surroundings
from streamops_nb.engine.preview.given import Given
from streamops_nb.engine.preview.previewer import Bounds
from streamops_nb.engine.preview.sample import Limits, Sample
from streamops_nb.engine.preview.work import Work
from streamops_nb.model.spec import JobSpec
from streamops_nb.ops.preview.previews import Previews
from streamops_nb.plan.planner import Planner
from tests.ops.operated import until

GREEDY = """
import pandas as pd
import streamops_nb as so
from streamops_nb.ops.machine import bound_memory
bound_memory(2 * 2**30)
frame = pd.DataFrame({"n": range(2_000)})
try:
    so.preview("SELECT n, list_sum(range(n * 500)) AS s FROM data", data=frame)
except so.QueryError as error:
    print(error)
print(f"{len(so.preview('SELECT n FROM data', data=frame).df):,} rows")
"""
FRAME = pd.DataFrame({"k": range(2_000), "v": [float(n % 7) for n in range(2_000)]})
# none of these can be told before it runs; DuckDB looks up between two vectors of 2,048 rows
LONG = {
    "rows made of rows": """
        WITH many AS (SELECT k, unnest(range(k, k + 100000)) AS n FROM r)
        SELECT k, sin(n) + cos(n) AS s FROM many WHERE sin(n) + cos(n) > 5""",
    "a cross product": "SELECT k, n FROM r, range(100000000) many(n) WHERE sin(k * n) > 2",
    "a stage after a stage": """
        WITH a AS (SELECT k, v FROM r), b AS (SELECT k, v + 1 AS w FROM a)
        SELECT k, n FROM b, range(100000000) many(n) WHERE cos(w * n) > 2""",
}
HUGE = "SELECT sin(k * n) AS s FROM r, range(100000) many(n)"


@pytest.fixture(scope="module")
def previews() -> Iterator[Previews]:
    instance, planner = open_instance(None, threads=1), Planner()
    around = Surroundings(instance=instance, folder=Path(), now=time.time, planner=planner)
    found = Previews(around)
    yield found
    found.close()
    planner.close()
    instance.close()


def spec(query: str) -> JobSpec:
    fields = {"k": "BIGINT", "v": "DOUBLE"}
    stream = {"source": "given", "schema": fields}
    return JobSpec.model_validate({"name": "p", "streams": {"r": stream}, "query": query})


@pytest.fixture(scope="module")
def sample(previews: Previews) -> Sample:
    return previews.draw(spec("FROM r"), Given({"r": FRAME}), Limits(rows=10_000))


def usable(previews: Previews, sample: Sample) -> bool:
    preview = previews.run(spec("SELECT k + 1 AS n FROM r WHERE k < 3"), sample)
    return list(preview.df["n"]) == [1, 2, 3]


@pytest.mark.parametrize("query", LONG.values(), ids=LONG)
def test_a_preview_is_cancelled_from_another_thread(
    previews: Previews, sample: Sample, query: str
) -> None:
    work = Work()
    with ThreadPoolExecutor(1) as other:
        running = other.submit(previews.run, spec(query), sample, work=work)
        while work._session is None:
            time.sleep(0.01)
        time.sleep(0.3)
        assert not running.done()
        work.cancel()
        with pytest.raises(so.Interrupted, match="the preview was cancelled"):
            running.result(timeout=20)
    assert usable(previews, sample)


def test_a_preview_that_was_cancelled_before_it_began_does_not_begin(
    previews: Previews, sample: Sample
) -> None:
    work = Work()
    work.cancel()
    with pytest.raises(so.Interrupted, match="the preview was cancelled"):
        previews.run(spec("FROM r"), sample, work=work)


@pytest.fixture
def interruptible() -> Iterator[None]:
    # what runs in the background of a shell ignores the signal from the beginning
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("query", LONG.values(), ids=LONG)
def test_interrupting_the_cell_stops_the_query(
    previews: Previews, sample: Sample, query: str
) -> None:
    # as a kernel is interrupted; `_thread.interrupt_main` is heard only when the call is over
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(0.4, signal.pthread_kill, [main, signal.SIGINT])
    begun = time.monotonic()
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        previews.run(spec(query), sample)
    assert time.monotonic() - begun < Bounds().seconds  # it was not the time limit
    timer.join()
    until(lambda: not watching())
    assert usable(previews, sample)


def watching() -> list[threading.Thread]:
    """The threads that watch the time of a query: one that is left goes on for ever."""
    return [thread for thread in threading.enumerate() if thread.name == "patience"]


def test_interrupting_while_the_time_limit_begins_leaves_no_thread(
    previews: Previews, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        if thread.name == "patience":
            raise KeyboardInterrupt

    with monkeypatch.context() as during:
        during.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            previews.run(spec("SELECT k + 2 AS n FROM r"), sample)
    until(lambda: not watching())
    assert usable(previews, sample)


@pytest.mark.parametrize("query", LONG.values(), ids=LONG)
def test_the_time_limit_stops_the_query_and_says_what_to_do(
    previews: Previews, sample: Sample, query: str
) -> None:
    run = previews.previewer
    with pytest.raises(so.Interrupted, match=r"took longer than 0\.3 s - take fewer rows"):
        run.within(
            lambda session: run._evaluated(spec(query), sample, None, None, session), seconds=0.3
        )
    assert usable(previews, sample)


def test_a_result_beyond_the_memory_is_an_error_and_not_the_end_of_the_process(
    previews: Previews, sample: Sample
) -> None:
    small = Previews(previews.around, bounds=Bounds(seconds=60.0, memory="40MB"))
    with pytest.raises(so.QueryError, match="needs more memory than its 40MB - take fewer rows"):
        small.run(spec(HUGE), sample)
    assert usable(small, sample)
    small.close()


def test_a_stage_that_spills_is_an_error_not_a_file(
    previews: Previews, sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    query = """
        WITH many AS (SELECT k, unnest(range(200000)) AS n FROM r)
        SELECT n, list(k) OVER (PARTITION BY n) AS l FROM many"""
    with pytest.raises(so.StreamopsError):
        previews.run(spec(query), sample)
    assert list(tmp_path.iterdir()) == []
    assert usable(previews, sample)


def test_four_previews_at_once_do_not_see_each_other(previews: Previews, sample: Sample) -> None:
    def one(number: int) -> list[float]:
        query = f"WITH a AS (SELECT k, v * {number} AS w FROM r) SELECT w FROM a WHERE k < 5"
        return [list(previews.run(spec(query), sample).df["w"]) for _ in range(5)][-1]

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(one, range(12)))
    assert found == [[float(k * number) for k in range(5)] for number in range(12)]


def test_what_one_call_takes_beside_duckdbs_account_fails_alone(tmp_path: Path) -> None:
    script = tmp_path / "greedy.py"
    script.write_text(GREEDY)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    said = (
        "the preview needs more memory than its 1GB - take fewer rows, or preview up to an earlier"
        " stage"
    )
    assert done.stdout.splitlines() == [said, "2,000 rows"], done.stderr
