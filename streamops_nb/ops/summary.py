"""The running results of a job as something to look at: a page, a text, or plain values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from streamops_nb.engine.checkpoint import JobFile
from streamops_nb.model.errors import StreamopsError
from streamops_nb.model.figures import PHASES, figures
from streamops_nb.model.lifecycle import standing
from streamops_nb.model.silence import FROM_NOW_ON, length, moment
from streamops_nb.model.spec import JobSpec
from streamops_nb.model.views import JobView
from streamops_nb.model.wording import cut, number_of
from streamops_nb.ops.core import Core
from streamops_nb.ops.screens import Shown
from streamops_nb.sources.files import no_file

__all__ = ["Summary", "lacking_files", "size_words", "state_bytes"]

_EARLIEST = '`job.stop()`, then `job.start(at="earliest")` reads what was there, too'

_SAMPLE = 1_000
"""Rows of a state table from which the size of all is told."""


class Summary(Shown):
    """What a job does at one moment; made by `Workspace.summary`.

    In a notebook it shows itself as HTML, in a terminal as text; `dict` gives the figures.

    Parameters
    ----------
    now
        Wall time, seconds since the epoch.
    state_bytes
        About how many bytes of window state there are; None if that is not known.
    """

    _screen = "summary"

    def __init__(self, view: JobView, now: float, state_bytes: int | None) -> None:
        self.job: Any = None
        """The job it is of, which a notebook can look at again."""
        self.view = view
        self.now = now
        self.dict: dict[str, Any] = {**figures(view, now), "state_bytes": state_bytes}

    @property
    def _shows(self) -> Any:
        return self.job

    def __getitem__(self, name: str) -> Any:
        return self.dict[name]

    @property
    def silence(self) -> str:
        """Why nothing comes out, and what to do about it; empty if something does."""
        return str(self.dict["silence"]).replace(FROM_NOW_ON, f"{FROM_NOW_ON} - {_EARLIEST}")

    def __str__(self) -> str:
        return "\n".join(f"{name:<11}{text}".rstrip() for name, text in self.lines())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from streamops_nb.ops.summary_page import page

        return page(self)

    def lines(self) -> Iterator[tuple[str, str]]:
        """The summary in words: per line what it is about, and what is said."""
        made = self.dict
        yield "job", self._head()
        if self.silence:
            yield "", self.silence
        elif made["reason"]:
            yield "", cut(made["reason"], 300)
        yield from (("", said) for said in made["unfilled"])
        yield "records", self._records()
        if made["in_all"]["batches"] > made["batches"]["count"]:
            whole = made["in_all"]
            yield "", f"with earlier runs in {whole['rows_in']:,}  out {whole['rows_out']:,}"
        for way in ("in", "out"):
            rates = made["throughput"][way]
            yield f"{way}/s", "  ".join(f"{name} {rate_words(r)}" for name, r in rates.items())
        yield "batches", self._batches()
        yield "lag", self._lag()
        yield "watermark", self._watermark()
        yield "state", self._state()
        for stage in made["stages"]:
            yield "stage", _stage(stage)
        if made.get("alarms"):
            yield "alarms", ", ".join(map(cut, made["alarms"]))
        if self.view.last_error is not None:
            error = self.view.last_error
            yield "errors", f"{made['errors']:,}; the last: {error.kind}: {cut(error.message, 200)}"

    def _head(self) -> str:
        made = self.dict
        way = "for" if self.view.ended_at is None else "after"
        lasted = "" if made["uptime"] is None else f" {way} {length(round(made['uptime'], 1))}"
        run = f" - run {made['run']}, version {made['version']}, began at: {made['start']}"
        status = standing(self.view.status, self.view.reason)
        return f"{made['job']}  {status}{lasted}{run if made['run'] else ''}"

    def _records(self) -> str:
        r = self.dict["records"]
        about = "about " if r["out_of_order_is_estimated"] else ""
        parts = [f"in {r['in']:,}", f"out {r['out']:,}", f"rejected {r['rejected']:,}"]
        parts += [f"late {r['late']:,}", f"partly late {r['partly_late']:,}"]
        parts += [f"out of order {about}{r['out_of_order']:,}"] if r["out_of_order"] else []
        parts += [f"cut-off windows {r['cut_off']:,}"] if r["cut_off"] else []
        return "  ".join(parts)

    def _batches(self) -> str:
        batches = self.dict["batches"]
        if not batches["count"] or self.view.batch_at is None:
            return "none yet"
        ago = length(max(0.0, round(self.now - self.view.batch_at, 1)))
        times = []
        for name in ("all", *PHASES):
            p50, p95, p99 = (batches["seconds"][name][p] for p in ("p50", "p95", "p99"))
            if p50 is not None:
                times.append(f"{name} {1000 * p50:.3g}/{1000 * p95:.3g}/{1000 * p99:.3g}")
        said = f"{batches['count']:,}, the last {ago} ago"
        return f"{said}; ms p50/p95/p99: {', '.join(times)}" if times else said

    def _lag(self) -> str:
        lag = self.dict["lag"]
        if lag["records"] is None:
            return "not known yet"
        parts = [number_of(lag["records"], "record")]
        if lag["seconds"] is not None:
            parts.append(f"{length(round(lag['seconds'], 1))} behind")
        if lag["made_per_second"] is not None:
            parts.append(f"made {rate_words(lag['made_per_second'])}/s")
            parts.append(f"read {rate_words(lag['read_per_second'])}/s")
        return ", ".join(parts)

    def _watermark(self) -> str:
        mark = self.dict["watermark"]
        if self.view.watermark is None:
            return "none yet" + (f", {mark['held_back']}" if mark["held_back"] else "")
        said = moment(self.view.watermark, self.now)
        if mark["delay"] is not None:
            ahead = "ahead of" if mark["delay"] < 0 else "behind"
            said += f", {length(abs(round(mark['delay'], 1)))} {ahead} the clock"
        return said + (f", {mark['held_back']}" if mark["held_back"] else "")

    def _state(self) -> str:
        rows, size = self.dict["state_rows"], self.dict["state_bytes"]
        return number_of(rows) + (f", about {size_words(size)}" if rows and size else "")


def _stage(stage: dict[str, Any]) -> str:
    about = "about " if stage["estimated"] else ""
    read = "?" if stage["rows_in"] is None else f"{stage['rows_in']:,}"
    dropped = "" if stage["dropped"] is None else f", {stage['dropped']:.1%} dropped"
    return f"{cut(stage['stage'])}: {about}{read} → {stage['rows_out']:,}{dropped}"


def rate_words(rate: float) -> str:
    """Write a number per second."""
    return f"{rate:,.0f}" if rate >= 10 or rate == 0 else f"{rate:.2g}"


def size_words(nbytes: float) -> str:
    """Write a number of bytes."""
    for unit in ("B", "KB", "MB", "GB"):
        if nbytes < 1000 or unit == "GB":
            break
        nbytes /= 1000
    return f"{nbytes:.0f} {unit}" if unit == "B" else f"{nbytes:.3g} {unit}"


def lacking_files(spec: JobSpec, folder: Path) -> list[str]:
    """Say which streams of files have no file to read."""
    found = {name: no_file(stream.source, folder) for name, stream in spec.streams.items()}
    return [f"{name}: {said}" for name, said in found.items() if said]


def state_bytes(core: Core, name: str) -> int | None:
    """Say about how many bytes a job's window state takes, from some of its rows."""
    if not core.backend.job_path(name).exists():
        return None
    session = core.instance.session()
    try:
        total = 0.0
        for table in JobFile(session, core.backend.attach_job(name)).state_tables():
            rows = session.rows(f"SELECT count(*) FROM {table}")[0][0]
            some = session.table(f"FROM {table} LIMIT {_SAMPLE}")
            total += rows * some.nbytes / max(some.num_rows, 1)
    except StreamopsError:
        return None  # a table that just goes, or a file that is damaged: others say that
    finally:
        session.close()
    return round(total)
