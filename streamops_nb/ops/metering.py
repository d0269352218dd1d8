"""Metrics and runs of jobs as frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamops_nb.db import literal
from streamops_nb.model.errors import Refused
from streamops_nb.model.events import RunEnded, RunStarted
from streamops_nb.model.lifecycle import standing
from streamops_nb.ops.core import Core, Names
from streamops_nb.ops.times import When, seconds_of
from streamops_nb.store.tables import METRICS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Metering"]

_SUMS = (
    "batches", "rows_in", "rows_out", "rejects", "late", "partly_late", "cut_off", "bytes_in",
    "seconds",
)  # fmt: skip
_COMPARED = (*_SUMS, "uptime", "rows_in_per_second", "longest")


class Metering:
    """The metrics of a `streamops_nb.ops.workspace.Workspace`."""

    _core: Core

    def metrics(
        self, names: Names = None, *, since: When = None, until: When = None
    ) -> pd.DataFrame:
        """Give what batches did, a row per batch, the oldest first.

        Batches older than five minutes are rolled up by seconds, older than an hour by minutes,
        older than a day by ten minutes, and so on: `batches` says how many a row stands for.

        Parameters
        ----------
        names
            Of these jobs; default of all.
        since, until
            Only what was committed in between: a time, or how long ago (``"1h"``).
        """
        core = self._core
        core.courier.deliver()
        where = ["true"]
        if names is not None:
            jobs = ", ".join(literal(name) for name in core.select(names))
            where.append(f"job IN ({jobs or 'NULL'})")
        for sign, when in ((">=", since), ("<=", until)):
            at = seconds_of(when, core.now())
            if at is not None:
                where.append(f'"at" {sign} to_timestamp({at!r})')
        query = f'FROM ({METRICS}) WHERE {" AND ".join(where)} ORDER BY "at", job'
        frame: pd.DataFrame = core.read(query).to_pandas()
        return frame

    def runs(self, name: str) -> pd.DataFrame:
        """Give the runs of a job, the newest first: where from, how they ended, what they did."""
        import pandas as pd

        core = self._core
        core.courier.deliver()
        sums = ", ".join(f"CAST(sum({c}) AS {_type(c)}) AS {c}" for c in _SUMS)
        found = core.read(
            f'SELECT run, {sums}, max(longest) AS longest, max("at") AS last_commit_at '
            f"FROM ({METRICS}) WHERE job = {literal(core.known(name))} GROUP BY run"
        )
        did = {row["run"]: row for row in found.to_pylist()}
        told = self._began_and_ended(name)
        for one in told[:-1]:
            one.setdefault("reason", "the process that ran it ended")
            last = did.get(one["run"], {}).get("last_commit_at")
            one.setdefault("ended_at", one["started_at"] if last is None else last.timestamp())
        rows = [_run(one, did.get(one["run"], {}), core.now()) for one in told]
        frame = pd.DataFrame(rows[::-1], columns=_COLUMNS)
        for column in ("started_at", "ended_at"):
            frame[column] = pd.to_datetime(frame[column].astype("float64"), unit="s", utc=True)
        return frame

    def _began_and_ended(self, name: str) -> list[dict[str, Any]]:
        """What was said when runs began and ended, oldest first."""
        runs: dict[int, dict[str, Any]] = {}
        since = 0
        while True:
            page = self._core.catalog.events(name, since=since, kinds=[RunStarted, RunEnded])
            for event in page.events:
                if isinstance(event, RunStarted):
                    runs[event.run] = {
                        "run": event.run, "version": event.version, "start": event.start,
                        "cu": event.cu, "started_at": event.at,
                    }  # fmt: skip
                elif isinstance(event, RunEnded) and event.run in runs:
                    runs[event.run] |= {
                        "ended_at": event.at, "reason": event.reason,
                        "status": standing(event.status, event.reason),
                    }  # fmt: skip
            if not page.events:
                return list(runs.values())
            since = page.next

    def compare_runs(self, name: str, before: int, after: int) -> pd.DataFrame:
        """Compare two runs of a job, figure by figure.

        Returns
        -------
        pandas.DataFrame
            Per figure: its value in both runs, and how many times as much the second is.

        Raises
        ------
        Refused
            If there is no run of one of the numbers.
        """
        import pandas as pd

        runs = self.runs(name).set_index("run")
        for number in (before, after):
            if number not in runs.index:
                known = ", ".join(map(str, sorted(runs.index))) or "none yet"
                raise Refused(f"{name} has no run {number} - its runs are {known}")
        pair = runs.loc[[before, after], list(_COMPARED)].astype("float64").T
        pair.columns = pd.Index([f"run {before}", f"run {after}"])
        pair["times"] = pair.iloc[:, 1] / pair.iloc[:, 0].where(pair.iloc[:, 0] != 0)
        return pair


def _type(column: str) -> str:
    return "DOUBLE" if column == "seconds" else "BIGINT"


_COLUMNS = [
    "run", "version", "status", "reason", "start", "started_at", "ended_at", "uptime", "cu",
    *_SUMS, "rows_in_per_second", "longest", "last_commit_at",
]  # fmt: skip


def _run(told: dict[str, Any], did: dict[str, Any], now: float) -> dict[str, Any]:
    """One run: what was said of it, and what it did."""
    sums = {name: did.get(name) or 0 for name in (*_SUMS, "longest")}
    last = did.get("last_commit_at")
    ended = told.get("ended_at")
    until = ended if ended is not None else now
    uptime = max(0.0, until - told["started_at"])
    return {
        "status": "", "reason": "", **told, **sums, "uptime": uptime, "last_commit_at": last,
        "rows_in_per_second": sums["rows_in"] / max(uptime, 1.0),
    }  # fmt: skip
