"""Whether sources still hold what jobs would go on with; asked side by side, for a short while."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from streamops_nb.engine.forecast import missing
from streamops_nb.engine.record import Checkpoint
from streamops_nb.model.errors import SourceError, StreamopsError
from streamops_nb.model.lifecycle import Status
from streamops_nb.model.secrets import mask
from streamops_nb.model.spec import JobSpec
from streamops_nb.ops.core import Core

__all__ = ["Retained", "retained"]

_PATIENCE = 5.0
"""Seconds that all sources together have to answer."""
_ASKED_AT_ONCE = 16

_GOING_ON = frozenset({Status.PAUSED, Status.FAILED, Status.STOPPED})
"""Statuses in which a start goes on from a position."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Retained:
    """Whether the sources of a job still hold where it stands.

    Parameters
    ----------
    said
        ``yes``, ``no``, ``not known: …``, or nothing where a start goes on from no position.
    why
        What is gone.
    """

    said: str = ""
    why: str = ""


def retained(core: Core, names: Iterable[str]) -> dict[str, Retained]:
    """Ask the sources of jobs whether they still hold where the jobs stand.

    They are asked without a group, a commit or any other effect. One that does not answer in time
    is not waited for: it is not known then.
    """
    stand = {name: found for name in names if (found := _stands(core, name)) is not None}
    if not stand:
        return {}
    pool = ThreadPoolExecutor(min(_ASKED_AT_ONCE, len(stand)), thread_name_prefix="retained")
    asked: Mapping[str, Future[Retained]] = {
        name: pool.submit(_ask, core, core.spec(name), stands) for name, stands in stand.items()
    }
    wait(asked.values(), timeout=_PATIENCE)
    pool.shutdown(wait=False, cancel_futures=True)
    late = Retained(said=f"not known: its sources did not answer within {_PATIENCE:g} s")
    return {
        name: future.result() if future.done() and not future.cancelled() else late
        for name, future in asked.items()
    }


def _stands(core: Core, name: str) -> Checkpoint | None:
    """Where a start would go on; None if it would not."""
    if (
        core.states.state(name).observed not in _GOING_ON
        or not core.backend.job_path(name).exists()
    ):
        return None
    with core.backend.job_file(name) as file:
        try:
            stands, chosen = file.open(), file.next_start()
        except StreamopsError:  # a damaged file: the start says it
            return None
    return stands if stands.positions and chosen is None and not stands.ended else None


def _ask(core: Core, spec: JobSpec, stands: Checkpoint) -> Retained:
    around = core.backend.surroundings
    try:
        why = missing(spec, around, stands)
    except SourceError as error:
        why = mask(str(error), spec.model_dump(mode="json"), around.environ)
        return (
            Retained(said=f"not known: {why}") if error.retryable else Retained(said="no", why=why)
        )
    except StreamopsError:  # another fault: the start says it
        return Retained()
    return Retained(said="no" if why else "yes", why=why)
