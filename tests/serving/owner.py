"""A process that owns a workspace until its input ends: ``python owner.py FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

import streamops_nb as so


def main(folder: Path) -> None:
    with so.connect(folder, memory="512MB") as workspace:
        workspace.resources.ensure()
        sys.stdout.write("owns\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
