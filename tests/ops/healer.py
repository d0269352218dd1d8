"""What a process does that is to be killed while it heals rejects."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamops_nb as so
from streamops_nb.engine.checkpoint import JobFile
from streamops_nb.ops.states import States


def heal_and_die(folder: Path, how: Mapping[str, Any], where: str) -> None:
    """Heal the rejects of the job ``a``; the process dies at a step of it.

    Parameters
    ----------
    where
        ``written``: the rows are, the batch is not; ``unsettled``: both are, the transaction is
        not over; ``committed``: it is, and nobody was told.
    """
    commit = JobFile.commit

    def die(*_: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def commit_and_die(*given: Any) -> None:
        commit(*given)
        die()

    steps: dict[str, tuple[type, str, Callable[..., None]]] = {
        "written": (JobFile, "commit", die),
        "unsettled": (JobFile, "commit", commit_and_die),
        "committed": (States, "committed", die),
    }
    with so.connect(folder, memory="512MB", resume=False) as workspace:
        heal = workspace.heal("a", **how)
        setattr(*steps[where])
        heal.apply()
