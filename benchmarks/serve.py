"""What it costs that another process owns the workspace."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import streamops_nb as so
from benchmarks.options import Options
from benchmarks.table import Table
from streamops_nb.model.events import JobSaved
from streamops_nb.ops.workspace import Workspace

__all__ = ["run"]

_ROWS = 1_000_000
_CALLS = 1_000
_EVENTS = 50
_CLIENTS = 50
_SECONDS = 20
_QUERY = "SELECT * EXCLUDE (_batch) FROM job_big.output"


class _Owner:
    """The child that owns."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child

    def cpu(self) -> float:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write("\n")
        self._child.stdin.flush()
        return float(self._child.stdout.readline())


def run(options: Options) -> Table:
    """Measure calls, a large frame, events, and many clients with live views."""
    rows, calls = options.scaled(_ROWS, 10_000), options.scaled(_CALLS, 50)
    events, clients = options.scaled(_EVENTS, 5), options.scaled(_CLIENTS, 5)
    seconds = options.scaled(_SECONDS, 3)
    raw: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, _owning(Path(folder) / "w", rows) as owner:
        with so.connect(Path(folder) / "w") as ws:
            ws.output("big")
            raw["call ms"] = [1e3 * s for s in _times(lambda: ws.state("big"), calls)]
            raw["frame MB/s"] = _frame_rates(ws)
            raw["event ms"] = [1e3 * s for s in _event_times(ws, events)]
        raw["owner alone, cores"] = _share(owner, seconds)
        raw["with clients, cores"] = _share(owner, seconds, Path(folder) / "w", clients)
    live = raw["with clients, cores"] - raw["owner alone, cores"]
    call, event = _p95(raw["call ms"]), _p95(raw["event ms"])
    return Table(
        name="serve",
        title="Clients",
        text=(
            "An owner in another process, on the loopback, that runs five jobs. A call: `ws.state` "
            f"{calls} times. A frame: {rows:,} rows of four numbers to pandas, the size of its "
            f"columns by the time. An event: from `ws.save` of one client until `ws.follow` of "
            f"another gives it, {events} times. Clients: {clients} that follow all events and look "
            f"at all views once a second for {seconds} s, what the owner's process needs more."
        ),
        columns=("what", "measured", "target"),
        rows=[
            ["a call, p95", f"{call:.1f} ms", "under 5 ms"],
            ["a frame", f"{statistics.median(raw['frame MB/s']):.0f} MB/s", "over 200 MB/s"],
            ["an event, p95", f"{event:.0f} ms", "under 500 ms"],
            [f"{clients} clients", f"{live:.2f} cores", "under 0.5 cores"],
        ],
        raw=raw,
    )


@contextmanager
def _owning(folder: Path, rows: int) -> Iterator[_Owner]:
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.serve_owner", str(folder), str(rows)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        if child.stdout.readline() != "ready\n":
            raise RuntimeError("the owner did not begin")
        yield _Owner(child)
    finally:
        child.kill()
        child.wait()


def _times(do: Callable[[], object], times: int) -> list[float]:
    do()
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        do()
        found.append(time.perf_counter() - begun)
    return found


def _frame_rates(ws: Workspace) -> list[float]:
    size = sum(ws.sql(_QUERY).memory_usage(index=False, deep=True))
    return [size / 1e6 / seconds for seconds in _times(lambda: ws.sql(_QUERY), 5)]


def _event_times(ws: Workspace, times: int) -> list[float]:
    arrived: dict[str, float] = {}
    listening, all_there = threading.Event(), threading.Event()

    def listen() -> None:
        listening.set()
        for page in ws.follow():
            for event in page.events:
                if isinstance(event, JobSaved):
                    arrived[event.comment] = time.perf_counter()
            if len(arrived) >= times:
                break
        all_there.set()

    threading.Thread(target=listen, daemon=True).start()
    listening.wait()
    time.sleep(1.0)
    saved: dict[str, float] = {}
    spec = ws.spec("live_0")
    for number in range(times):
        saved[str(number)] = time.perf_counter()
        ws.save(spec, comment=str(number))
        time.sleep(0.05)
    all_there.wait(30)
    return [arrived[comment] - begun for comment, begun in saved.items()]


def _share(owner: _Owner, seconds: float, folder: Path | None = None, clients: int = 0) -> float:
    """Cores that the owner's process needs while so many clients look."""
    over = threading.Event()
    doors = [so.connect(folder) for _ in range(clients)] if folder else []
    for door in doors:
        for look in (_follow, _look):
            threading.Thread(target=look, args=(door, over), daemon=True).start()
    time.sleep(2.0)
    before, begun = owner.cpu(), time.perf_counter()
    time.sleep(seconds)
    share = (owner.cpu() - before) / (time.perf_counter() - begun)
    over.set()
    for door in doors:
        door.close()
    return share


def _follow(door: Workspace, over: threading.Event) -> None:
    with suppress(Exception):  # it is closed under the reader in the end
        for _ in door.follow():
            if over.is_set():
                return


def _look(door: Workspace, over: threading.Event) -> None:
    with suppress(Exception):
        while not over.wait(1.0):
            door.views()


def _p95(values: list[float]) -> float:
    return sorted(values)[int(0.95 * (len(values) - 1))]
