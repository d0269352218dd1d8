"""A real Jupyter kernel, and what it would show of a cell."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

__all__ = ["Kernel", "kernel"]

_PATIENCE = 60.0
"""Seconds until a cell that does not end is given up."""


class Kernel:
    """A kernel that is going on."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self._client = client

    def run(self, code: str) -> list[dict[str, Any]]:
        """Run a cell; give what it shows: MIME bundles, ``stdout``, ``stderr``, ``error``."""
        shown: list[dict[str, Any]] = []

        def take(message: Mapping[str, Any]) -> None:
            content = message["content"]
            if message["msg_type"] in ("display_data", "execute_result"):
                shown.append(content["data"])
            elif message["msg_type"] == "stream":
                shown.append({content["name"]: content["text"]})
            elif message["msg_type"] == "error":
                shown.append({"error": content["evalue"]})

        self._client.execute_interactive(code, timeout=_PATIENCE, output_hook=take)
        return shown


@contextmanager
def kernel(folder: Path, *path: Path) -> Iterator[Kernel]:
    """Start a kernel in a folder, with more folders on its path."""
    manager = KernelManager(kernel_name="python3")
    manager.kernel_spec.argv[0] = sys.executable
    more = {"PYTHONPATH": os.pathsep.join(map(str, path))} if path else {}
    manager.start_kernel(cwd=str(folder), env={**os.environ, **more})
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=_PATIENCE)
        yield Kernel(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
