"""Processes that own workspaces, or wait to."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["begun", "member", "owner", "owner_pid", "ready"]

_SCRIPT = Path(__file__).with_name("member.py")


def member(folder: Path) -> subprocess.Popen[str]:
    """Start a process without waiting for it."""
    return subprocess.Popen(
        [sys.executable, str(_SCRIPT), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def ready(child: subprocess.Popen[str]) -> subprocess.Popen[str]:
    """Wait until it has the door."""
    assert child.stdout is not None
    if child.stdout.readline() != "ready\n":
        child.kill()
        raise AssertionError(child.communicate())
    return child


def begun(folder: Path) -> subprocess.Popen[str]:
    """Start a process and wait until it has the door."""
    return ready(member(folder))


@contextmanager
def owner(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """An owner for the length of the block; killed at its end if it still lives."""
    child = begun(folder)
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def owner_pid(folder: Path) -> int:
    """The process that took the lock last."""
    return int(json.loads((folder / "owner.json").read_text())["pid"])
