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

_ELSEWHERE = "# rows given or chosen one by one: `sample` is the `p.sample` of that preview"


def preview_code(preview: Preview, workspace: Workspace | None) -> str:
    """Write a script that makes an equal preview, of the records that it ran on."""
    lines = ["import streamops_nb as so", ""]
    call = "so.preview"
    if workspace is not None:
        lines.append(f"ws = so.connect({str(workspace.folder)!r})")
        call = "ws.preview"
    first = [_what(preview, workspace)]
    if first == ["spec"]:
        lines.append(f"spec = {preview.spec.to_python()}")
    keywords = _rows(preview.sample)
    if not keywords:
        lines.append(_ELSEWHERE)
        first.append("sample=sample")
    if preview.params:
        keywords["params"] = plain(preview.params)
    if preview.upto is not None:
        keywords["upto"] = preview.upto
    lines.append(f"p = {call_expression(call, first, keywords)}")
    return "\n".join([*lines, ""])


def _what(preview: Preview, workspace: Workspace | None) -> str:
    """What is previewed: a job by its name, a bare query over rows, else ``spec``."""
    spec = preview.spec
    if preview.given:
        return repr(spec.query)
    saved = workspace is not None and spec.name in workspace.jobs
    if workspace is not None and saved and workspace.spec(spec.name) == spec:
        return repr(spec.name)
    return "spec"


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
    # of the others nothing is read again
    return {**{p: (at, at) for p, at in drawn.reach.items()}, **places} if places else {}
