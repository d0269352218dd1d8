"""The catalog's events as tables that people may query."""

from __future__ import annotations

from streamops_nb.db import load_sql

__all__ = ["ERRORS", "METRICS"]

ERRORS = load_sql(__package__, "errors.sql")
"""A query: a row per event of which the error log has an entry."""

METRICS = load_sql(__package__, "metrics.sql")
"""A query: a row per committed batch, or per batches rolled up."""
