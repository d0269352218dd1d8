"""Where things lie: the package and its rooms, as they are on disk."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "streamops_nb"
MODULES = sorted(PACKAGE.rglob("*.py"))
# `db`, `model`, ..., and the rooms that are one file: `cli.py`
ROOMS = sorted(
    {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    | {path.name for path in PACKAGE.glob("*.py")} - {"__init__.py"}
)
