"""What the machine has: cores and memory that this process may use, and how it keeps to that."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["bound_memory", "cores", "memory"]

_CGROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_SHARE = 0.8
"""Of the machine's memory, what an owner may take: as much as DuckDB would."""


def cores() -> int:
    """Give the number of cores."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory() -> int:
    """Give the bytes of memory; a container's bound counts."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in _CGROUPS:
        with suppress(OSError, ValueError):
            found.append(int(Path(path).read_text(encoding="ascii")))
    return min(found)


def bound_memory(most: int | None = None) -> None:
    """Let this process get no more memory than `most` bytes: what asks for more fails, alone.

    A call like ``list_sum(range(n))`` is outside of DuckDB's account and cannot be interrupted:
    without a bound the kernel would kill the process, and all of its jobs with it. For a process
    that is ours: the limit is for all that runs in it. Nothing where the system has no such limit.

    Parameters
    ----------
    most
        Default 80 % of what the machine has.
    """
    with suppress(ImportError, AttributeError, ValueError, OSError):
        import resource

        wanted = int(_SHARE * memory()) if most is None else most
        soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        known = [limit for limit in (soft, hard, wanted) if limit != resource.RLIM_INFINITY]
        resource.setrlimit(resource.RLIMIT_DATA, (min(known), hard))
