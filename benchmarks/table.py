"""A benchmark's result: a titled table that can be printed, saved and rendered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Table", "load_tables", "markdown"]


@dataclass(frozen=True, kw_only=True)
class Table:
    """What one benchmark found.

    Parameters
    ----------
    name, title
        The benchmark, and its heading.
    text
        What was measured and how.
    columns, rows
        The numbers, formatted.
    made
        On what machine, with which versions and options, when.
    raw
        Every single measurement, so that the rows can be checked.
    """

    name: str
    title: str
    text: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    made: dict[str, Any] = field(default_factory=dict)
    raw: dict[str, Any] = field(default_factory=dict)

    def save(self, folder: Path) -> Path:
        """Write the table as JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.json"
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        return path


def load_tables(folder: Path) -> dict[str, Table]:
    """Read all saved tables."""
    paths = sorted(folder.glob("*.json"))
    tables = [Table(**json.loads(path.read_text(encoding="utf-8"))) for path in paths]
    return {table.name: table for table in tables}


def markdown(table: Table) -> str:
    """Give the rows as a Markdown table."""
    lines = [table.columns, ["---"] * len(table.columns), *table.rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
