"""Previews without a workspace."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamops_nb.db import open_instance
from streamops_nb.engine.assembly import Surroundings
from streamops_nb.engine.preview.sample import Sample
from streamops_nb.ops.preview.asker import Asker
from streamops_nb.ops.preview.previews import Previews
from streamops_nb.plan.planner import Planner

if TYPE_CHECKING:
    from typing import Unpack

    from streamops_nb.model.spec import JobSpec
    from streamops_nb.ops.preview.asking import Asked
    from streamops_nb.ops.preview.preview import Preview

__all__ = ["preview"]

_making = threading.Lock()


def preview(
    what: JobSpec | str | Path | Mapping[str, Any],
    *,
    sample: Sample | str | None = None,
    params: Mapping[str, Any] | None = None,
    upto: str | None = None,
    seconds: float = 10.0,
    nbytes: str | int = "32MiB",
    event_time: str | Mapping[str, str] | None = None,
    folder: str | Path = ".",
    **rows: Unpack[Asked],
) -> Preview:
    """Run a specification, or a query over rows that are given, without a workspace.

    Parameters
    ----------
    what
        A specification (YAML, its path, a mapping, `Job`), or a query over `data`.
    sample
        A sample that was drawn before, or the folder to which one was written.
    folder
        Relative paths are relative to this.
    params, upto, seconds, nbytes, event_time, **rows
        As of `streamops_nb.Workspace.preview`.

    Examples
    --------
    >>> preview("SELECT device FROM r WHERE temp > 30", data={"r": frame}).df  # doctest: +SKIP
    """
    with _making:
        asker = _asker(Path(folder).resolve())
    return asker.preview(
        what,
        rows,
        sample=sample,
        params=params,
        upto=upto,
        seconds=seconds,
        nbytes=nbytes,
        event_time=event_time,
    )


@cache
def _asker(folder: Path) -> Asker:
    """What previews of a folder share; its databases are kept warm as long as the process lives."""
    instance = open_instance(None, memory="1GB")
    around = Surroundings(instance=instance, folder=folder, now=time.time, planner=Planner())
    return Asker(previews=Previews(around), kept=Sample.from_parquet)
