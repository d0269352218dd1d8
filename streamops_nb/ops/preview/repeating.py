"""A preview as the Python that does the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamops_nb.engine.preview.sample import Drawn, Sample
from streamops_nb.model.part import plain
from streamops_nb.model.python_text import call_expression

if TYPE_CHECKING:
    from streamops_nb.ops.preview.preview import Preview
    from streamops_nb.ops.workspace import Workspace

__all__ = ["preview_code"]

_ELSEWHERE = (
    "# its rows were chosen one by one or given: hand over p.sample to run on the same ones"
)


def preview_code(preview: Preview, workspace: Workspace | None) -> str:
    """Write a script that makes an equal preview, of the records that it ran on."""
    lines = ["import streamops_nb as so", ""]
    call = "so.preview"
    if workspace is not None:
        lines.append(f"ws = so.connect({str(workspace.folder)!r})")
        call = "ws.preview"
    what = _saved(preview, workspace)
    if not what:
        lines.append(f"spec = {preview.spec.to_python()}")
    keywords = _rows(preview.sample)
    if not keywords:
        lines.append(_ELSEWHERE)
    if preview.params:
        keywords["params"] = plain(preview.params)
    if preview.upto is not None:
        keywords["upto"] = preview.upto
    lines.append(f"p = {call_expression(call, [what or 'spec'], keywords)}")
    return "\n".join([*lines, ""])


def _saved(preview: Preview, workspace: Workspace | None) -> str:
    """The name of the job, if what was run is its newest version."""
    name = preview.spec.name
    if workspace is None or name not in workspace.jobs or workspace.spec(name) != preview.spec:
        return ""
    return repr(name)


def _rows(sample: Sample) -> dict[str, Any]:
    """The keywords that read the records of a sample again; none if they do not lie together."""
    spans = {name: _places(drawn) for name, drawn in sample.streams.items()}
    if not all(spans.values()):
        return {}
    return {
        "since": {n: {p: start for p, (start, _) in places.items()} for n, places in spans.items()},
        "until": {n: {p: stop for p, (_, stop) in places.items()} for n, places in spans.items()},
        "rows": max(drawn.raw.num_rows for drawn in sample.streams.values()),
    }


def _places(drawn: Drawn) -> dict[str, tuple[int, int]]:
    """Per partition, the first offset and the one after the last; empty if some lie between."""
    places: dict[str, tuple[int, int]] = {}
    for part in drawn.span if drawn.origin else ():
        start, stop = places.get(part.partition, (part.start, part.start))
        if part.start != stop:
            return {}
        places[part.partition] = (start, part.stop)
    return places
