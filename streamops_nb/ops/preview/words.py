"""What a preview says of itself: how many rows, why none, what the job would not have written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from streamops_nb.engine.narrow import PIECE
from streamops_nb.engine.preview.flows import Flow
from streamops_nb.engine.preview.result import WINDOW, Result, StageResult, WindowStatus
from streamops_nb.engine.preview.sample import Drawn, moment
from streamops_nb.engine.unfilled import unfilled
from streamops_nb.engine.watermark import FOREVER, NEVER
from streamops_nb.model.fingerprint import VALUES
from streamops_nb.model.wording import cut, number_of

if TYPE_CHECKING:
    from streamops_nb.ops.preview.preview import Preview

__all__ = ["common", "counts", "heading", "notes", "why_empty"]


def heading(preview: Preview) -> str:
    """Say on what a preview ran."""
    sample = preview.sample
    read = ", ".join(
        f"{name} {drawn.raw.num_rows:,}{' of more' * (drawn.truncated == 'rows')}"
        f"{f' ({drawn.coverage})' if drawn.coverage.strata else ''}"
        for name, drawn in sample.streams.items()
    )
    values = preview.spec.param_values(preview.params)
    given = ", ".join(f"{name} = {cut(str(value), 40)}" for name, value in values.items())
    return " · ".join(part for part in (f"{sample.how}: {read}", given) if part)


def counts(stage: StageResult, dropped: int | None = None) -> str:
    """Say what went into a stage and what came out.

    Parameters
    ----------
    dropped
        How many rows it dropped, if that was looked at.
    """
    said = f"{stage.rows_in:,} in, {stage.rows_out:,} out"
    gone = _dropped(stage) if dropped is None else dropped
    if gone:
        said += f", {gone:,} dropped"
    return f"{said}, {stage.rejected:,} rejected" if stage.rejected else said


def _dropped(stage: StageResult) -> int:
    """Rows that a filter dropped; over a join or a window rows in and out do not compare."""
    if stage.kind != "flow" or len(stage.inputs) != 1:
        return 0
    return max(0, stage.rows_in - stage.rejected - stage.rows_out)


def notes(preview: Preview) -> Iterator[str]:
    """Say what must be known to read the rows: what is cut short, what the job would not write."""
    for name, drawn in preview.sample.streams.items():
        if drawn.truncated in ("bytes", "seconds"):
            yield f"{name}: more was there, the limit of {drawn.truncated} was reached"
        yield from _no_file(name, drawn, preview)
    result = preview.result
    for name, flow in result.flows.items():
        yield from _all_null(name, flow)
    pieces = pc.sum(pc.match_substring_regex(result.rejects["reason"], PIECE)).as_py()
    if pieces:
        rejects = number_of(result.rejects.num_rows, "reject")
        yield (
            f"{pieces:,} of {rejects} were taken out in pieces in which some rows fail: too many "
            "do to find each"
        )
    stage = result.stages.get(preview.output)
    if stage is None:
        return
    if not stage.rows_out:
        yield f"No rows came out of {stage.name}: {why_empty(result, stage.name)}"
    elif WINDOW in stage.table.column_names:
        yield from _unwritten(stage, result)


def _no_file(name: str, drawn: Drawn, preview: Preview) -> Iterator[str]:
    source = preview.spec.streams[name].source
    if source.type == "files" and drawn.origin and not drawn.partitions:
        path = cut(str(source.settings.get("path")), 200)
        yield f"{name}: no file matches `{path}` - a relative path starts at the workspace"


def _all_null(name: str, flow: Flow) -> Iterator[str]:
    """A field that the records call otherwise is NULL in each, and nothing else tells."""
    table = flow.inflow.table
    if flow.inflow.raw.num_rows < 2 or not table.num_rows:
        return
    empty = [c for c in table.column_names if table[c].null_count == table.num_rows]
    if empty:
        yield f"{name}: {unfilled(empty, 'all records')}"


def common(reasons: pa.ChunkedArray) -> str:
    """Say which sort of reason most rejects have, if the first one is not of it; else empty."""
    sorts = pc.replace_substring_regex(reasons, VALUES, "…")
    most = max(pc.value_counts(sorts).to_pylist(), key=lambda each: each["counts"])
    if most["values"] == sorts[0].as_py() or most["counts"] <= len(sorts) / 2:
        return ""
    example = str(reasons[pc.index(sorts, most["values"]).as_py()])
    return f"; {most['counts']:,} of them: {cut(example.strip(), 100)}"


def _unwritten(stage: StageResult, result: Result) -> Iterator[str]:
    found = pc.value_counts(stage.table[WINDOW]).to_pylist()
    number = {entry["values"]: entry["counts"] for entry in found}
    early = number.get(WindowStatus.EARLY, 0)
    gone = number.get(WindowStatus.CUT_OFF, 0)
    one, rows = stage.rows_out == 1, number_of(stage.rows_out)
    windows = "its window" if one else "their windows"
    if early:
        marks = (f"{n}'s watermark is {_at(f)}" for n, f in result.flows.items() if f.timing)
        yield (
            f"{'the only row is' if one else f'{early:,} of {rows} are'} early: {windows} "
            f"{'is' if one else 'are'} still open at the sample's end ({', '.join(marks)})"
        )
    if gone:
        yield (
            f"{'the only row is' if one else f'{gone:,} of {rows} are'} cut off: {windows} "
            f"{'begins' if one else 'begin'} before the sample, rows of "
            f"{'it' if one else 'them'} may be missing"
        )


def _at(flow: Flow) -> str:
    if flow.watermark == NEVER:
        return "not known yet"
    if flow.watermark >= FOREVER:
        return "at the end"
    return moment(flow.watermark)


def why_empty(result: Result, name: str) -> str:
    """Say why a stage has no rows.

    Parameters
    ----------
    name
        The stage, or a stream.
    """
    if name in result.flows:
        return _why_no_input(result.flows[name], name)
    stage = result.stages[name]
    empty = [read for read in stage.inputs if _rows(result, read) == 0]
    if stage.rejected and stage.rejected >= stage.rows_in:
        return f"it failed on all of its {number_of(stage.rows_in)}{_reason(result, name)}"
    if empty and not stage.rows_in:
        return f"nothing came into it; {empty[0]}: {why_empty(result, empty[0])}"
    if empty:
        return f"{empty[0]}, which it joins, has no rows: {why_empty(result, empty[0])}"
    if len(stage.inputs) > 1:
        sides = " and ".join(f"{_rows(result, read):,} of {read}" for read in stage.inputs)
        return f"no rows matched and passed its conditions ({sides})"
    return f"none of its {number_of(stage.rows_in)} passed its conditions"


def _rows(result: Result, name: str) -> int | None:
    if name in result.flows:
        return int(result.flows[name].inflow.table.num_rows)
    return result.stages[name].rows_out if name in result.stages else None


def _why_no_input(flow: Flow, name: str) -> str:
    read = flow.inflow.raw.num_rows
    if not read:
        return f"the sample holds nothing of {name} - nothing was there when it was drawn"
    rejects = sum(part.num_rows for part in flow.inflow.rejects)
    if not rejects:
        return f"none of {number_of(read, 'record')} became a row"
    reasons = [str(r) for part in flow.inflow.rejects for r in part["reason"].to_pylist()]
    if read == 1:
        return f"its only record is a reject: {cut(reasons[0].strip(), 200)}"
    [(most, count)] = Counter(map(_kind, reasons)).most_common(1)
    first = next(reason for reason in reasons if _kind(reason) == most)
    which = "the first one" if count == rejects else f"{count:,} of them like this one"
    return f"all {read:,} records are rejects, {which}: {cut(first.strip(), 200)}"


def _kind(reason: str) -> str:
    """Give what reasons have in common that differ by their values only."""
    return re.sub(r"\d+", "", reason.partition(":")[0])


def _reason(result: Result, stage: str) -> str:
    found = result.rejects.filter(pc.field("stage") == stage)
    return f": {cut(str(found['reason'][0]), 120)}" if found.num_rows else ""
