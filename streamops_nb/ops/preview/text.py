"""A preview as text, for a terminal: counts of every stage, what must be known, the first rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

from streamops_nb.model.errors import Fault
from streamops_nb.model.wording import cut, number_of
from streamops_nb.ops.preview.cells import cell_text, head
from streamops_nb.ops.preview.words import common, counts, heading, notes

if TYPE_CHECKING:
    from streamops_nb.ops.preview.preview import Preview

__all__ = ["preview_summary", "preview_text"]

_ROWS = 10
_COLUMNS = 12
_WIDTH = 32
_NUMBER = (int, float)


def preview_summary(preview: Preview, faults: Iterable[Fault] | None = None) -> str:
    """Write a preview in a few lines, without rows.

    Parameters
    ----------
    faults
        Its faults, if their places are told otherwise than in the preview.
    """
    return "\n".join(_summary(preview, preview.faults if faults is None else faults))


def preview_text(preview: Preview) -> str:
    """Write a preview with the first rows of its output."""
    lines = [*_summary(preview, preview.faults)]
    stage = preview.result.stages.get(preview.output)
    if stage is not None and stage.rows_out:
        lines += ["", *_table(stage.table)]
    return "\n".join(lines)


def _summary(preview: Preview, faults: Iterable[Fault]) -> Iterator[str]:
    result = preview.result
    yield f"Preview of {preview.spec.name} - {heading(preview)}"
    width = max((len(cut(name)) for name in result.stages), default=0)
    for stage in result.stages.values():
        yield f"  {cut(stage.name):{width}}  {counts(stage)}"
    for fault in faults:
        yield f"  fault: {_line(str(fault))}"
    if result.rejects.num_rows:
        first = str(result.rejects["reason"][0]).strip()
        rejects = number_of(result.rejects.num_rows, "reject")
        most = common(result.rejects["reason"])
        yield f"  {rejects}, the first one: {cut(first, 200)}{most}"
    if result.late.num_rows:
        yield f"  {number_of(result.late.num_rows, 'late row')}"
    for note in notes(preview):
        yield f"  {_line(note)}"


def _table(table: pa.Table) -> Iterator[str]:
    shown = min(table.num_columns, _COLUMNS)
    columns = head(table, _ROWS, shown)
    texts = [
        [cell_text(name, _WIDTH), *(cell_text(value, _WIDTH) for value in values)]
        for name, values in zip(table.column_names, columns, strict=False)
    ]
    widths = [max(map(len, column)) for column in texts]
    right = [all(isinstance(v, _NUMBER) for v in values if v is not None) for values in columns]
    for row in zip(*texts, strict=True):
        cells = zip(row, widths, right, strict=True)
        yield "  ".join(t.rjust(w) if at else t.ljust(w) for t, w, at in cells).rstrip()
    if table.num_rows > _ROWS:
        yield number_of(table.num_rows - _ROWS, "more row")
    if table.num_columns > shown:
        yield number_of(table.num_columns - shown, "more column")


def _line(text: str) -> str:
    return cell_text(text, 400)
