"""The job specs that lie beside this module."""

from __future__ import annotations

from pathlib import Path

__all__ = ["QUERIES", "spec_path"]

QUERIES = ("q0", "q1", "q2", "q5", "q7", "q8", "q11", "q13", "q14", "q21", "q22")
"""The names of the queries."""


def spec_path(query: str) -> Path:
    """Give the path of a query's job spec."""
    return Path(__file__).with_name(f"{query}.yaml")
