"""A preview as HTML: a tab per stage, input beside output. No script, nothing to fetch.

What a notebook saves of it can be read later without a kernel. The tabs are radio buttons of a form
of their own, so that two previews on one page do not switch each other; where styles are taken away
(an untrusted notebook, a mail) all tabs stand one below the other.
"""

from __future__ import annotations

import html
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from streamops_nb.engine.preview.result import WINDOW, StageResult
from streamops_nb.model.wording import number_of
from streamops_nb.ops.preview.cells import cell_text, head
from streamops_nb.ops.preview.following import Following, following
from streamops_nb.ops.preview.words import counts, heading, notes, why_empty

if TYPE_CHECKING:
    from streamops_nb.ops.preview.preview import Preview

__all__ = ["Caps", "framed", "preview_page", "rows_html"]

_LARGEST = 400_000
"""Characters that a page may have; Jupyter drops output above 1 MB/s, and notebooks are kept."""
_TABS = 40
_SIDES = 8
_NAME = 60


@dataclass(frozen=True, slots=True)
class Caps:
    """The most that is shown of a table: rows, columns, characters of a cell."""

    rows: int = 20
    columns: int = 24
    width: int = 80


_TRIED = (Caps(), Caps(8, 12, 60), Caps(3, 8, 40), Caps(0, 8, 40))
"""The first that keeps the page small enough is taken."""


def preview_page(preview: Preview) -> str:
    """Write a preview as HTML."""
    text = ""
    for caps in _TRIED:
        text = _page(preview, caps)
        if len(text) <= _LARGEST:
            break
    return text


def rows_html(
    table: pa.Table,
    caps: Caps | None = None,
    *,
    types: Mapping[str, str] | None = None,
    marked: Mapping[str, Collection[str]] | None = None,
) -> str:
    """Write the first rows of a table as HTML; every cell is text.

    Parameters
    ----------
    types
        Column to DuckDB type, shown below its name.
    marked
        Per class of the style sheet, the columns whose names carry it.
    """
    caps = caps or Caps()
    shown = min(table.num_columns, caps.columns)
    names = table.column_names[:shown]
    top = "".join(_th(name, (types or {}).get(name, ""), marked or {}) for name in names)
    columns = head(table, caps.rows, shown)
    rows = "".join(
        f"<tr>{''.join(map(_td, names, row, [caps.width] * shown))}</tr>"
        for row in zip(*columns, strict=True)
    )
    body = f"<table><thead><tr>{top}</tr></thead><tbody>{rows}</tbody></table>"
    # what scrolls can be reached by the keyboard
    return f'<div class="so-rows" tabindex="0">{body}{_more(table, caps)}</div>'


def _page(preview: Preview, caps: Caps) -> str:
    tabs = list(_tabs(preview, caps))
    chosen = min(len(preview.result.stages), _TABS) - 1
    written = "".join(
        f'<label class="so-tab"><input type="radio" name="tab"{" checked" * (at == chosen)}>'
        f"{_esc(title)}<small>{_esc(said)}</small></label>"
        f'<div class="so-panel">{panel}</div>'
        for at, (title, said, panel) in enumerate(tabs)
    )
    name = _esc(preview.spec.name)
    return framed(
        f'<div class="so-head"><b>Preview of {name}</b>'
        f'<span class="so-soft">{_esc(heading(preview))}</span></div>'
        f'{_said(preview)}{written}<div class="so-fill"></div>'
    )


def framed(content: str) -> str:
    """Give HTML of this module the style that it needs."""
    # a form of this method does nothing when Return is pressed in it
    return f'<form class="so-preview" method="dialog"><style>{_style()}</style>{content}</form>'


def _said(preview: Preview) -> str:
    faults = (f'<p class="so-note so-fault">{_esc(str(f))}</p>' for f in preview.faults[:_TABS])
    told = (f'<p class="so-note">{_esc(note)}</p>' for note in notes(preview))
    return "".join([*faults, *told])


def _tabs(preview: Preview, caps: Caps) -> Iterator[tuple[str, str, str]]:
    """Give title, second line and content of each tab."""
    result = preview.result
    stages = list(result.stages.values())
    found = following(preview)
    for stage in stages[:_TABS]:
        dropped = None if isinstance(found, str) else found.dropped(stage.name)
        panel = _stage(preview, stage, caps) + "".join(_followed(found, stage, caps))
        yield _cut(stage.name), counts(stage, dropped), panel
    if len(stages) > _TABS:
        left = len(stages) - _TABS
        yield "…", number_of(left, "more stage"), "<p>They are in <code>p.stages</code>.</p>"
    if result.rejects.num_rows:
        rejects = result.rejects.drop_columns(["batch", "at"])
        title = number_of(rejects.num_rows, "reject")
        yield title, "with reasons", _side("Rejects", rows_html(rejects, caps))
    if result.late.num_rows:
        title = number_of(result.late.num_rows, "late row")
        yield title, "if each were a batch", _side("Late rows", rows_html(result.late, caps))
    receipt = preview.receipt
    slices = pa.Table.from_pandas(receipt.df, preserve_index=False)
    said = f"<p>{_esc(str(receipt))}</p>{rows_html(slices, caps)}"
    yield "receipt", "what was read", _side("Receipt", said)


def _stage(preview: Preview, stage: StageResult, caps: Caps) -> str:
    made = set(stage.table.column_names)
    read: set[str] = set()
    sides = []
    for name in stage.inputs[:_SIDES]:
        table, types = _input(preview, name)
        read.update(table.column_names)
        marked = {"so-gone": set(table.column_names) - made} if stage.kind == "flow" else {}
        content = rows_html(table, caps, types=types, marked=marked)
        if not table.num_rows:
            content = _empty(preview, name) + content
        sides.append(_side(f"Input: {_cut(name)}", content, number_of(table.num_rows)))
    content = rows_html(
        _window_first(stage.table),
        caps,
        types=stage.columns,
        marked={"so-new": made - read - {WINDOW}},
    )
    if not stage.rows_out:
        content = _empty(preview, stage.name) + content
    took = f"{number_of(stage.rows_out)}, {stage.seconds * 1_000:,.1f} ms"
    left = f'<div class="so-side">{"".join(sides)}</div>' if sides else ""
    return left + _side(f"Output: {_cut(stage.name)}", content, took)


def _followed(found: Following | str, stage: StageResult, caps: Caps) -> Iterator[str]:
    """What the stage dropped and why, and what its first rows were made of; folded away."""
    asked = f"p.why(0, stage={stage.name!r}), p.why_not(column=value, stage={stage.name!r})"
    if stage.kind == "reference" or not caps.rows:
        return
    if isinstance(found, str):
        told = f"What it dropped, and what rows were made of: {found}."
        yield f'<p class="so-more">{_esc(told)} Ask: <code>{_esc(asked)}</code></p>'
        return
    if found.dropped(stage.name) is None:
        told = "Its rows cannot be followed, so it is not known which it dropped."
        yield f'<p class="so-more">{told}</p>'
        return
    for lost in found.lost(stage.name, caps.rows):
        yield _folded(lost.told, rows_html(lost.rows, caps) + _beyond(lost.total, caps.rows))
    made = [f"<li>{_esc(cell_text(text, 400))}</li>" for text in found.made_of(stage.name)]
    if made:
        listed = f'<ol start="0">{"".join(made)}</ol>'
        more = f'<p class="so-more">Of any row: <code>{_esc(asked)}</code></p>'
        yield _folded(f"Why: what its first {number_of(len(made))} were made of", listed + more)


def _folded(title: str, content: str) -> str:
    return f"<details><summary>{_esc(cell_text(title, 600))}</summary>{content}</details>"


def _beyond(total: int, shown: int) -> str:
    left = total - shown
    return f'<div class="so-more">{number_of(left, "more row")}</div>' if left > 0 else ""


def _window_first(table: pa.Table) -> pa.Table:
    """What is known of a row's window must be seen, however wide the row is."""
    if WINDOW not in table.column_names:
        return table
    return table.select([WINDOW, *(name for name in table.column_names if name != WINDOW)])


def _input(preview: Preview, name: str) -> tuple[pa.Table, Mapping[str, str]]:
    result = preview.result
    if name in result.flows:
        stream = preview.spec.streams[name]
        types = stream.fields or preview.sample.streams[name].schema
        return result.flows[name].inflow.table, types
    if name in result.stages:
        return result.stages[name].table, result.stages[name].columns
    return pa.table({}), {}


def _empty(preview: Preview, name: str) -> str:
    return f'<p class="so-note">No rows: {_esc(why_empty(preview.result, name))}.</p>'


def _side(title: str, content: str, said: str = "") -> str:
    more = f"<span>{_esc(said)}</span>" if said else ""
    return f'<div class="so-side"><h4>{_esc(title)}{more}</h4>{content}</div>'


def _th(name: str, kind: str, marked: Mapping[str, Collection[str]]) -> str:
    word = next((word for word, names in marked.items() if name in names), "")
    attribute = f' class="{word}"' if word else ""
    short = kind.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")
    below = f"<small>{_esc(_cut(short))}</small>" if kind else ""
    return f"<th{attribute}>{_esc(_cut(name))}{below}</th>"


def _td(name: str, value: Any, width: int) -> str:
    word = ""
    if value is None:
        word = "so-null"
    elif name == WINDOW:
        word = f"so-{str(value).replace(' ', '-')}"
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        word = "so-number"
    attribute = f' class="{_esc(word)}"' if word else ""
    return f"<td{attribute}>{_esc(cell_text(value, width))}</td>"


def _more(table: pa.Table, caps: Caps) -> str:
    hidden = (
        (max(0, table.num_rows - caps.rows), "more row"),
        (max(0, table.num_columns - caps.columns), "more column"),
    )
    said = _listed(number_of(number, word) for number, word in hidden if number)
    return f'<div class="so-more">{said}</div>' if said else ""


def _listed(parts: Iterable[str]) -> str:
    return ", ".join(parts)


def _cut(text: str) -> str:
    return cell_text(text, _NAME)


def _esc(text: str) -> str:
    return html.escape(text)


@cache
def _style() -> str:
    return files(__package__).joinpath("page.css").read_text("utf-8")
