"""The error log of jobs, to be looked at, paged through and downloaded."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamops_nb.model.errorlog import Entry, Group, grouped
from streamops_nb.model.errors import Refused
from streamops_nb.model.figures import iso
from streamops_nb.model.wording import cut
from streamops_nb.ops.screens import Shown

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ErrorLog"]

_SHOWN = 20
_COLUMNS = ("level", "job", "stage", "kind", "count", "message")


class ErrorLog(Shown):
    """Entries of the error log, the newest last; made by `Workspace.errors`.

    Parameters
    ----------
    entries
        In the order in which they happened.
    """

    _screen = "errors"

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = tuple(entries)
        self.job: Any = None
        """The job of which it is the whole log, which a notebook can look at again."""

    @property
    def _shows(self) -> Any:
        return self.job

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def count(self) -> int:
        """How many errors the entries stand for."""
        return sum(entry.count for entry in self.entries)

    @property
    def groups(self) -> list[Group]:
        """Equal errors together, those that happened last first."""
        return grouped(self.entries)

    @property
    def df(self) -> pd.DataFrame:
        """The entries, the newest first."""
        return _frame([_row(entry) for entry in reversed(self.entries)], Entry)

    @property
    def by_kind(self) -> pd.DataFrame:
        """Equal errors together: how many, when first and last, what the first said."""
        return _frame([asdict(group) for group in self.groups], Group)

    def page(self, number: int = 1, size: int = 50) -> pd.DataFrame:
        """Give a page of the entries, the newest on page 1.

        Raises
        ------
        Refused
            If `number` or `size` is not positive.
        """
        if number < 1 or size < 1:
            raise Refused(f"there is no page {number} of {size} entries - both begin at 1")
        newest = self.entries[::-1][(number - 1) * size : number * size]
        return _frame([_row(entry) for entry in newest], Entry)

    def save(self, to: str | Path) -> Path:
        """Write all entries to a file: CSV, or JSON, one object a line.

        Parameters
        ----------
        to
            Its suffix says which: ``.csv``, ``.jsonl`` or ``.json``.
        """
        path = Path(to)
        write = _WRITERS.get(path.suffix.lower())
        if write is None:
            accepted = ", ".join(_WRITERS)
            raise Refused(f"{path}: an error log is saved as one of {accepted}, by its suffix")
        write(
            path, [{**_row(e), "at": iso(e.at), "first_at": iso(e.first_at)} for e in self.entries]
        )
        return path

    def __str__(self) -> str:
        groups = self.groups
        if not groups:
            return "No errors."
        errors = f"{self.count:,} error{'s' * (self.count != 1)}"
        lines = [f"{errors} of {len(groups)} kind{'s' * (len(groups) != 1)}:"]
        for group in groups[:_SHOWN]:
            where = f"{group.job}, {group.stage}" if group.stage else group.job
            said = f"{group.kind}: {cut(group.message, 160)}"
            lines.append(f"  {iso(group.last_at)}  {group.count:>7,} in {where}: {said}")
        lines += [f"  … and {len(groups) - _SHOWN} more kinds"] if len(groups) > _SHOWN else []
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from streamops_nb.ops.html import table

        rows = [
            {
                "last": _seconds(g.last_at),
                "first": _seconds(g.first_at),
                **{c: getattr(g, c) for c in _COLUMNS},
            }
            for g in self.groups[:_SHOWN]
        ]
        return table(rows, empty="No errors.")


def _seconds(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"


def _row(entry: Entry) -> dict[str, Any]:
    spans = {stream: span.to_json() for stream, span in entry.spans.items()}
    names = ("at", "first_at", "level", "job", "run", "batch", "stage", "kind", "message", "count")
    said = {name: getattr(entry, name) for name in names}
    written = json.dumps(spans) if spans else ""
    return {**said, "spans": written, "trace": entry.trace, "fingerprint": entry.fingerprint}


def _frame(rows: Sequence[dict[str, Any]], of: type[Any]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(rows, columns=[field.name for field in fields(of)])
    for name in ("at", "first_at", "last_at"):
        if name in frame:
            frame[name] = pd.to_datetime(frame[name].astype("float64"), unit="s", utc=True)
    return frame


def _write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    names = [name for name in _row_names() if name != "trace"]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows({k: _harmless(v) for k, v in row.items()} for row in rows)


def _harmless(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula is marked as text."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value


def _write_json(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)


def _row_names() -> list[str]:
    return [field.name for field in fields(Entry)]


_WRITERS: dict[str, Callable[[Path, Sequence[dict[str, Any]]], None]] = {
    ".csv": _write_csv,
    ".jsonl": _write_json,
    ".json": _write_json,
}
