"""Each measurement runs in a process of its own: ``python -m benchmarks.fresh MODULE JSON``.

The child imports what it needs, then calls the module's ``measure(**arguments)``, which times
itself, so that interpreter start and imports are not in its seconds; the parent's ``process`` has
them in.
"""

from __future__ import annotations

import importlib
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

__all__ = ["run_fresh"]

_ROOT = Path(__file__).parents[1]


def run_fresh(module: str, **arguments: Any) -> dict[str, Any]:
    """Run a module's ``measure`` in a new process.

    Returns
    -------
    dict
        What it returned, and of the whole process: ``process`` (seconds), ``process_cpu``
        (processor seconds of all its threads) and ``peak`` (bytes of memory, at most).
    """
    command = [sys.executable, "-m", "benchmarks.fresh", module, json.dumps(arguments)]
    begun = time.perf_counter()
    done = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True, check=False)
    took = time.perf_counter() - begun
    if done.returncode:
        raise RuntimeError(f"{module} {arguments} ended with code {done.returncode}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**result, "process": took}


def _child() -> None:
    module, arguments = sys.argv[1:]
    result = importlib.import_module(module).measure(**json.loads(arguments))
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime
    print(json.dumps({**result, "process_cpu": cpu, "peak": _peak()}))


def _peak() -> int:
    """Give the most memory this process had; getrusage would count its parent's at the fork."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    _child()
