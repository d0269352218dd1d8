"""Owners in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["begun", "owner"]

_SCRIPT = Path(__file__).with_name("owner.py")


def begun(folder: Path) -> subprocess.Popen[str]:
    """Start an owner and wait until it owns."""
    child = subprocess.Popen(
        [sys.executable, str(_SCRIPT), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert child.stdout is not None
    said = child.stdout.readline()
    if said != "owns\n":
        child.kill()
        raise AssertionError(child.communicate())
    return child


@contextmanager
def owner(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """An owner for the length of the block; killed at its end if it still lives."""
    child = begun(folder)
    try:
        yield child
    finally:
        child.kill()
        child.communicate()
