"""The command line in a process of its own, as a user starts it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

COMMAND = [sys.executable, "-c", "from streamops_nb.cli import main; main()"]


def streamops(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run ``streamops`` in `folder` to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, cwd=folder, timeout=120
    )


def start_streamops(*arguments: object, folder: Path) -> subprocess.Popen[str]:
    """Start ``streamops`` in `folder`; its standard output can be read line by line."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdout=subprocess.PIPE, text=True, cwd=folder
    )


def read_json(*arguments: object, folder: Path) -> Any:
    """Run a command with ``--json`` and give what it prints."""
    done = streamops(*arguments, "--json", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)
