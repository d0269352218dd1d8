"""A process that owns a workspace and stays at a status that passes, to be killed there.

``python transient.py FOLDER STATUS`` brings the job ``a`` to the status, says so when the workspace
has it written down, and does nothing more.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

from streamops_nb.model.errors import SourceError
from streamops_nb.model.lifecycle import Status
from streamops_nb.ops.workspace import Workspace, connect
from streamops_nb.sources.table import TableSource
from tests.ops.operated import until
from tests.ops.test_upkeep import rows


def main(folder: Path, wanted: Status) -> None:
    workspace = connect(folder, memory="512MB")
    if wanted is Status.STARTING:
        instead("ends", forever)
        threading.Thread(target=workspace.start, args=("a",), daemon=True).start()
    else:
        workspace.start("a")
        until(lambda: len(workspace.job("a").output) == 2)  # of the 25 rows that are there
        leave(workspace, wanted)
    until(lambda: workspace.state("a").observed is wanted and workspace.view("a").run == 1)
    print(wanted, flush=True)  # noqa: T201 - the test reads it
    forever()


def leave(workspace: Workspace, wanted: Status) -> None:
    """Make a running job leave RUNNING, with a batch in flight that never ends."""
    if wanted is Status.RUNNING:
        return
    reached = threading.Event()

    def read(*_: object) -> None:
        reached.set()
        if wanted is Status.RETRYING:
            raise SourceError("the source is away")
        forever()

    instead("read", read)
    workspace.stream("log").append(rows(25, 30))
    assert reached.wait(60)
    ask = {Status.PAUSING: workspace.pause, Status.STOPPING: workspace.stop}.get(wanted)
    if ask is not None:
        threading.Thread(target=ask, args=("a",), daemon=True).start()


def instead(name: str, do: Any) -> None:
    setattr(TableSource, name, do)


def forever(*_: object) -> None:
    time.sleep(3_600)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Status(sys.argv[2]))
