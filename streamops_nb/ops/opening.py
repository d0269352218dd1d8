"""Opening a workspace: taking its lock, its catalog and its engine, finding jobs as they are."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from streamops_nb.backends.local import LocalBackend
from streamops_nb.db import open_instance
from streamops_nb.model.errors import StorageError, StreamopsError
from streamops_nb.model.lifecycle import ACTIVE, Status
from streamops_nb.ops.core import Core
from streamops_nb.ops.courier import Courier
from streamops_nb.ops.preview.previews import Previews
from streamops_nb.ops.previewing import standing_of
from streamops_nb.ops.states import States
from streamops_nb.ops.upkeep import finish_deletions
from streamops_nb.plan import specfile
from streamops_nb.store.catalog import Catalog
from streamops_nb.store.lock import WorkspaceLock
from streamops_nb.store.records import JobRecord

__all__ = ["HEALING", "find_jobs", "open_core"]

HEALING = "healing"
"""The setting that names the job at rest whose rejects are just being healed."""


def open_core(
    folder: Path,
    opened: ExitStack,
    *,
    memory: str | None,
    threads: int | None,
    now: Callable[[], float],
) -> Core:
    """Open a workspace, or create it; what is opened is put on the stack, to be closed by it.

    Raises
    ------
    WorkspaceOwned
        If another living process owns it.
    StorageError
        If the folder holds something else, or a newer version's workspace.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    lock = WorkspaceLock(folder).acquire(now())
    opened.callback(lock.release)
    cores = os.cpu_count() or 1
    instance = open_instance(folder, memory=memory or f"{2 * cores}GB", threads=cores)
    opened.callback(instance.close)
    catalog = Catalog(instance, folder / "catalog.db")
    opened.callback(catalog.close)
    courier = Courier(catalog)
    opened.callback(courier.close)
    describe_jobs(catalog)
    finish_deletions(folder, {record.name for record in catalog.jobs()})
    states = States(catalog, courier, now)
    backend = LocalBackend(
        folder,
        instance,
        states,
        now=now,
        delivered=courier.delivered,
        threads=threads,
    )
    opened.callback(backend.close)
    previews = Previews(backend.surroundings, standing=lambda name: standing_of(core, name))
    opened.callback(previews.close)
    core = Core(
        folder=folder,
        instance=instance,
        catalog=catalog,
        courier=courier,
        states=states,
        backend=backend,
        now=now,
        previews=previews,
    )
    return core


def describe_jobs(catalog: Catalog) -> None:
    """Fill in what a catalog of an older version does not say of its jobs."""
    for name in catalog.undescribed():
        spec = specfile.load(catalog.spec(name))
        catalog.describe(name, owner=spec.owner, tags=spec.tags, cu=spec.resources.cu)


def find_jobs(core: Core) -> dict[str, Status]:
    """Find every job as it last committed.

    A job at rest has nothing left in its file that the catalog does not have, so only those that
    were active or are paused are looked at, and one that was just being healed.

    Returns
    -------
    dict
        The jobs that had been active when their owner ended, and where they stood.
    """
    left: dict[str, Status] = {}
    damages: dict[str, StreamopsError] = {}
    healed = core.catalog.setting(HEALING)
    for record in core.catalog.jobs():
        status = record.state.observed
        if status not in ACTIVE and status is not Status.PAUSED:
            if record.name == healed:
                _catch_up(core, record)
                core.catalog.set(HEALING, "")
            continue
        left[record.name] = status
        damage = _catch_up(core, record)
        if damage is not None:
            damages[record.name] = damage
    core.states.recall(left)  # all in one reading, and not before all facts are in the catalog
    for name in left:
        core.states.take_over(name)
        if name in damages:
            _damaged(core, name, damages[name])
    return {name: status for name, status in left.items() if status in ACTIVE}


def _catch_up(core: Core, record: JobRecord) -> StreamopsError | None:
    """Copy what a job's file holds and the catalog does not; say if the file is damaged."""
    path = core.backend.job_path(record.name)
    try:
        if path.exists():
            with core.backend.job_file(record.name) as file:
                if core.courier.catch_up(file) or not record.copied:
                    return None
        elif not record.copied:
            return None
    except StreamopsError as error:
        return error
    return StorageError(
        f"the job's file {path} is missing or empty, though batches were in it"
        f" - restore {path} from a copy, or move it away to begin anew"
    )


def _damaged(core: Core, name: str, damage: StreamopsError) -> None:
    """A job whose file cannot be read does not run; the others do."""
    if core.states.state(name).observed in (Status.STARTING, Status.STOPPING):
        core.states.not_started(name, StorageError(str(damage)))
