"""A job's configuration: read-only YAML, its versions, what differs, and the way back."""

from __future__ import annotations

import html
import re
from typing import Any

import panel_material_ui as pmui

from streamops_nb.ui.panel.grid import Grid
from streamops_nb.ui.panel.look import EDGES, bar, button, column, gap, html_pane, row
from streamops_nb.ui.state.desk import Desk
from streamops_nb.ui.state.feed import Feed
from streamops_nb.ui.state.pages import sheet_of

__all__ = ["ConfigurationTab", "yaml_html"]


class ConfigurationTab:
    """Shows a version of a job's configuration, all versions, and what changed."""

    def __init__(self, desk: Desk, job: str) -> None:
        self._desk, self._job = desk, job
        self._version = 0
        self._seen: Any = None
        self._text = html_pane(css="configuration.css")
        self._difference = html_pane(css="configuration.css", margin=(10, 0))
        self._defaults = pmui.Switch(label="With defaults", value=False, margin=(6, 8))
        self._defaults.param.watch(desk.guard(self._read), "value")
        self._grid = Grid(desk.guard(self._choose), page_size=20, styles={"--grid-height": "220px"})
        self._back = button(
            "Roll back to this version", "undo", disabled=True, on_click=desk.guard(self._roll_back)
        )
        bar(self._back, desk.permits.refusal("roll_back"))
        self._feed = Feed(
            desk, "The versions are not there", lambda: desk.door.versions(job), self._show, 2.0
        )

    def __panel__(self) -> Any:
        export = button(
            "Export", "download", on_click=self._desk.guard(lambda *_: self._desk.export(self._job))
        )
        return column(
            row(self._defaults, gap(), self._back, export, **EDGES),
            self._grid,
            self._difference,
            self._text,
            margin=(6, 0),
        )

    def refresh(self, *, now: bool = False) -> None:
        """Show the present."""
        self._feed.refresh(now=now)

    def _show(self, frame: Any) -> None:
        if self._seen is not None and frame.equals(self._seen):
            return
        self._seen = frame
        newest = frame.iloc[::-1].copy()
        newest["at"] = newest["at"].dt.strftime("%Y-%m-%d %H:%M:%S")
        newest["running"] = ["runs now" if runs else "" for runs in newest["running"]]
        self._grid.fill(
            sheet_of(newest, notes={"at": "UTC"}, kinds={"comment": "wrap", "version": "text"})
        )
        self._choose(0)
        self._grid.chosen = 0

    def _choose(self, number: int) -> None:
        self._version = int(self._grid.sheet.row(number)["version"])
        self._back.disabled = number == 0
        self._read()

    def _read(self, *_: Any) -> None:
        door, job, version, defaults = (
            self._desk.door, self._job, self._version, bool(self._defaults.value),
        )  # fmt: skip

        def read() -> tuple[int, str, Any]:
            text = door.config(job, version, defaults=defaults)
            before = door.diff(job, version - 1, version) if version > 1 else None
            return version, text, before

        self._desk.work("The configuration is not there", read, self._shown)

    def _shown(self, found: tuple[int, str, Any]) -> None:
        version, text, difference = found
        if version != self._version:
            return  # another one was chosen meanwhile
        self._text.object = yaml_html(text)
        self._difference.object = "" if difference is None else difference_html(difference)

    def _roll_back(self, *_: Any) -> None:
        desk, job, version = self._desk, self._job, self._version
        line = f"ws.roll_back({job!r}, {version})"
        desk.work(
            f"{job} was not rolled back",
            lambda: desk.door.roll_back(job, version),
            lambda _: self._rolled_back(version, line),
            line,
        )

    def _rolled_back(self, version: int, line: str) -> None:
        text = f"Version {version} of {self._job} is the newest again; it runs from the next start."
        self._desk.notices.tell("success", text, line=line)
        self._feed.refresh(now=True)


_KEY = re.compile(r"^(\s*(?:- )?)([\w.\-]+|&quot;.+?&quot;)(:)(?=\s|$)")
_COMMENT = re.compile(r"(^|\s)(#.*)$")


def yaml_html(text: str) -> str:
    """Write YAML with keys and comments in colour; everything in it is escaped."""
    lines = []
    for line in text.rstrip("\n").split("\n"):
        written = _KEY.sub(r'\1<span class="key">\2</span>\3', html.escape(line))
        lines.append(_COMMENT.sub(r'\1<span class="comment">\2</span>', written))
    return f'<pre class="yaml">{chr(10).join(lines)}</pre>'


def difference_html(difference: Any) -> str:
    """Write what a version changed, side by side, the lines around it left out."""
    lines = list(difference.side_by_side())
    near = {n for i, (mark, *_) in enumerate(lines) if mark != "=" for n in range(i - 2, i + 3)}
    rows, skipped = [], False
    for number, (mark, left, right) in enumerate(lines):
        if number in near:
            gone = "removed" if mark in "<~" else ""
            came = "added" if mark in ">~" else ""
            rows.append(
                f'<tr><td class="{gone}">{html.escape(left)}</td>'
                f'<td class="{came}">{html.escape(right)}</td></tr>'
            )
        elif not skipped:
            rows.append('<tr><td class="skip">…</td><td class="skip">…</td></tr>')
        skipped = number not in near
    head = f"<th>version {difference.before}</th><th>version {difference.after}</th>"
    if not near:
        return "<p>Nothing differs from the version before.</p>"
    return (
        f'<table class="difference"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
