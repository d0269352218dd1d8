"""Keeps a capsule of each job that fails: made at once, in the background, one for each job."""

from __future__ import annotations

import io
import json
import platform
import shutil
import threading
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from streamops_nb.engine.preview.sample import Limits
from streamops_nb.engine.preview.ways import Spans
from streamops_nb.model.errors import StreamopsError
from streamops_nb.model.events import ErrorRaised, to_json
from streamops_nb.model.lifecycle import Status
from streamops_nb.ops.capsule import ABOUT, FORMAT, Capsule
from streamops_nb.ops.core import Core
from streamops_nb.plan import specfile

__all__ = ["Failures"]

_EVENTS = 200
_LIMITS = Limits(rows=1_000_000, nbytes=256 * 2**20, seconds=30.0)


class Failures:
    """What the keeper looks at: whether a job has failed of which there is no capsule."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._folder = core.folder / "failures"
        self._tried: dict[str, float] = {}
        self._making = threading.RLock()

    def look(self) -> None:
        """Make what is missing, on a thread of its own: a source may take long to answer."""
        failed = self._core.states.within({Status.FAILED})
        new = [name for name, state in failed.items() if self._tried.get(name) != state.since]
        if not new:
            return
        for name in new:
            self._tried[name] = failed[name].since
        threading.Thread(target=self._attempt, args=(new,), name="capsules", daemon=True).start()

    def _attempt(self, names: Iterable[str]) -> None:
        for name in names:
            try:
                self.of(name)
            except (StreamopsError, OSError) as error:
                message = f"no capsule of the failure could be kept: {error}"
                states = self._core.states
                states.raised(name, stage="capsules", kind="CapsuleFailed", message=message)

    def of(self, name: str) -> Capsule | None:
        """Give the capsule of a job's last failure; None if it has not failed."""
        error = self._core.states.view(name).last_error
        if error is None or error.again_at is not None or error.stage in ("alarms", "capsules"):
            error = self._last(name)
        if error is None:
            return None
        with self._making:
            folder = self._folder / name
            if (folder / ABOUT).is_file():
                kept = Capsule(folder)
                if kept.error.at == error.at:
                    return kept
            return self._make(name, error)

    def packed(self, name: str) -> bytes | None:
        """Give the capsule of a job's last failure as the one file of `Capsule.export`."""
        with self._making:  # a failure that comes now waits with its own
            capsule = self.of(name)
            if capsule is None:
                return None
            file = io.BytesIO()
            capsule.pack(file)
        return file.getvalue()

    def copy(self, to: Path) -> None:
        """Copy all capsules into a new folder, if there are any."""
        with self._making:
            if self._folder.is_dir():
                shutil.copytree(self._folder, to, ignore=shutil.ignore_patterns(".*"))

    def _last(self, name: str) -> ErrorRaised | None:
        """The last error that ended a run."""
        core = self._core
        core.courier.deliver()
        found = [
            event
            for event in core.catalog.all_events(name, [ErrorRaised])
            if isinstance(event, ErrorRaised)
            and event.again_at is None
            and event.stage not in ("alarms", "capsules")
        ]
        return found[-1] if found else None

    def _make(self, name: str, error: ErrorRaised) -> Capsule:
        core = self._core
        folder, aside = self._folder / name, self._folder / f".{name}"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        ran = core.catalog.job(name).ran or None
        spec = core.spec(name, ran)
        (aside / "spec.yaml").write_text(specfile.dump(spec), encoding="utf-8")
        without = self._keep_records(name, error, aside)
        about: dict[str, Any] = {
            "format": FORMAT,
            "job": name,
            "error": to_json(error),
            "without": without,
            "versions": {
                "job": ran,
                "python": platform.python_version(),
                **{package: version(package) for package in ("duckdb", "pyarrow", "streamops-nb")},
            },
        }
        self._keep_events(name, aside)
        (aside / ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        aside.replace(folder)
        return Capsule(folder)

    def _keep_records(self, name: str, error: ErrorRaised, folder: Path) -> str:
        """Keep what the batch read, and what it joined; say why not, if that cannot be."""
        core = self._core
        spec = core.spec(name, core.catalog.job(name).ran or None)
        if not error.spans:
            return "it failed before it was known which records the batch reads"
        try:
            how = Spans(error.spans, f"batch {error.batch}, which failed")
            core.previews.draw(spec, how, _LIMITS).to_parquet(folder / "sample")
            for reference, table in core.previews.previewer.references(spec).items():
                (folder / "references").mkdir(exist_ok=True)
                pq.write_table(table, folder / "references" / f"{reference}.parquet")
        except StreamopsError as trouble:
            return f"the records could not be read again: {trouble}"
        return ""

    def _keep_events(self, name: str, folder: Path) -> None:
        self._core.courier.deliver()
        last = self._core.catalog.events(name, limit=_EVENTS, newest=True).events
        with (folder / "events.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(to_json(event))}\n" for event in last)
