"""A process that owns a workspace, or waits to: ``python member.py FOLDER``.

It says ``ready`` when it has the door, and gives it back when its input ends.
"""

from __future__ import annotations

import sys
from pathlib import Path

import streamops_nb as so


def main(folder: Path) -> None:
    with so.connect(folder, memory="512MB", takeover=True, patience=60) as workspace:
        workspace.resources.ensure()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
