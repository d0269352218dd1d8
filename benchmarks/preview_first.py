"""Measured in a child: the first preview of an interpreter, without a workspace."""

from __future__ import annotations

import time
from typing import Any

__all__ = ["measure"]


def measure(spec: dict[str, Any]) -> dict[str, Any]:
    """Import the package and preview a specification once, to a DataFrame."""
    begun = time.perf_counter()
    import streamops_nb as so

    assert not so.preview(spec).df.empty
    return {"seconds": time.perf_counter() - begun}
