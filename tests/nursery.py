"""Processes that tests kill, forked from one that has imported everything.

Interpreter start and imports take longer than most such processes live.
"""

from __future__ import annotations

import multiprocessing

__all__ = ["NURSERY"]

NURSERY = multiprocessing.get_context("forkserver")
NURSERY.set_forkserver_preload(["tests.flow.victim", "tests.ops.puppet"])
