"""The compact set: jobs, operations, resources, output and errors with ipywidgets alone.

It stands on the same state as the page, changes its widgets in place, and works where Panel does
not (VS Code, Colab). Each part is a widget that can be placed into a layout of one's own.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from streamops_nb.ops.preview.page import Caps, framed, rows_html
from streamops_nb.ui import bridge
from streamops_nb.ui.state.cells import COLUMNS, cells_of
from streamops_nb.ui.state.desk import Desk
from streamops_nb.ui.state.feed import Feed
from streamops_nb.ui.state.notices import Notice
from streamops_nb.ui.state.picture import Picture
from streamops_nb.ui.state.wish import Verb, Wish, refusal_of

__all__ = ["Board", "preview_widget"]

_MOST = 100
"""So many jobs are shown; the search finds the others."""

_TONES = {"good": "#2e8b57", "busy": "#1f78b4", "warn": "#b8860b", "bad": "#c0392b"}
_ICONS = {Verb.START: "play", Verb.PAUSE: "pause", Verb.STOP: "stop"}


class Board:
    """Jobs of a workspace, and what may be done to them.

    Parameters
    ----------
    workspace
        Of this process or of another.
    job
        The job that is chosen at first.

    Attributes
    ----------
    resources, jobs, operations, summary, errors, widget
        The parts, and all but the summary together.
    """

    def __init__(self, workspace: Any, job: str = "") -> None:
        self._screen = bridge.Screen(self._see, self._failed)
        self.desk = Desk(workspace, self._screen)
        self.resources = widgets.HTML()
        self.jobs = widgets.HTML()
        self.summary = widgets.HTML()
        self._summarised = False
        self.errors = widgets.HTML()
        self._said = widgets.HTML()
        self._search = widgets.Text(placeholder="Search", layout=_layout("200px"))
        self._job = widgets.Dropdown(description="job", options=[job] if job else [])
        self._buttons = {verb: self._button(verb, icon) for verb, icon in _ICONS.items()}
        self._yes = widgets.Button(description="Yes, do it", button_style="danger")
        self._no = widgets.Button(description="No")
        self._question = widgets.VBox([widgets.HTML(), widgets.HBox([self._yes, self._no])])
        self._question.layout.display = "none"
        self.operations = widgets.VBox(
            [widgets.HBox([self._job, *self._buttons.values()]), self._question, self._said]
        )
        parts = [self.resources, self._search, self.jobs, self.operations, self.errors]
        self.widget = _Whole(parts, self._leave)
        door = workspace
        self._errors = Feed(
            self.desk, "The error log is not there", lambda: door.errors(self._job.value),
            lambda log: _set(self.errors, log._repr_html_()), every=2.0,
        )  # fmt: skip
        self._summary = Feed(
            self.desk, "The summary is not there", lambda: door.summary(self._job.value),
            lambda found: _set(self.summary, found._repr_html_()), every=1.0,
        )  # fmt: skip
        self._listen()
        self._watch = bridge.watch(workspace)
        self._watch.join(self._screen)

    def _button(self, verb: Verb, icon: str) -> widgets.Button:
        made = widgets.Button(description=verb.capitalize(), icon=icon, layout=_layout("90px"))
        made.on_click(self.desk.guard(lambda _: self._ask(verb)))
        return made

    def _listen(self) -> None:
        desk = self.desk
        self._search.observe(
            desk.guard(lambda change: desk.board.param.update(search=change["new"])), "value"
        )
        self._job.observe(desk.guard(lambda _: self._show_operations()), "value")
        self._yes.on_click(desk.guard(lambda _: desk.answer(yes=True, best_effort=False)))
        self._no.on_click(desk.guard(lambda _: desk.answer(yes=False)))
        desk.board.param.watch(lambda *_: self._show(), ["picture", "search"])
        desk.param.watch(lambda *_: self._show_question(), ["question"])
        desk.param.watch(lambda *_: self._show_operations(), ["asked"])
        desk.notices.param.watch(lambda *_: self._show_notices(), ["items"])

    def _see(self, picture: Picture) -> None:
        self.desk.see(picture)

    def _failed(self, error: Exception) -> None:
        self.desk.notices.tell_error(error, "The board could not be refreshed")

    def _ask(self, verb: Verb) -> None:
        if self._job.value:
            self.desk.ask(Wish(verb=verb, names=(self._job.value,)))

    # what is shown

    def _show(self) -> None:
        picture = self.desk.board.picture
        _set(self.resources, resources_html(picture))
        _set(self.jobs, jobs_html(self.desk))
        names = sorted(picture.rows)
        if list(self._job.options) != names:
            kept = self._job.value
            self._job.options = names
            if kept in names:
                self._job.value = kept
        self._show_operations()

    def _show_operations(self) -> None:
        found = self.desk.board.picture.rows.get(self._job.value)
        for verb, part in self._buttons.items():
            why = "there is no job" if found is None else refusal_of(verb, found.status)
            if self._job.value in self.desk.asked:
                why = f"{self.desk.asked[self._job.value]} is under way"
            part.disabled, part.tooltip = bool(why), why or verb.capitalize()
        if found is not None:
            self._errors.refresh()
            if self._summarised:
                self._summary.refresh()

    def _show_question(self) -> None:
        question = self.desk.question
        self._question.layout.display = "none" if question is None else "flex"
        if question is not None:
            wish = question.wish
            said = f"<b>{html.escape(wish.title)}?</b> {html.escape(wish.consequence)}"
            why = f"<br>{html.escape(question.why)}" if question.why else ""
            self._question.children[0].value = said + why

    def _show_notices(self) -> None:
        _set(self._said, "".join(map(_notice_html, self.desk.notices.items[-2:])))

    def alone(self, *names: str) -> widgets.Widget:
        """Give some parts without the others; closing them lets go of the workspace."""
        self._summarised = "summary" in names
        self._show_operations()
        return _Whole([getattr(self, name) for name in names], self._leave)

    def close(self) -> None:
        """Let go of the workspace and take the widgets away."""
        self.widget.close()

    def _leave(self) -> None:
        self._watch.leave(self._screen)
        self._screen.close()


class _Whole(widgets.VBox):
    """All parts of a board; when it is closed, the workspace is let go."""

    def __init__(self, parts: list[Any], leave: Callable[[], None]) -> None:
        super().__init__(parts)
        self._leave = leave

    def close(self) -> None:
        self._leave()
        super().close()


def preview_widget(preview: Any) -> widgets.Widget:
    """Show the stages of a preview as tabs."""
    caps = Caps(rows=50, columns=20, width=60)
    names = [*preview.stages]
    parts = [widgets.HTML(framed(rows_html(preview.stages[name].table, caps))) for name in names]
    tabs = widgets.Tab(parts, titles=[f"{n} ({preview.stages[n].rows_out:,})" for n in names])
    if names:
        tabs.selected_index = len(names) - 1
    return widgets.VBox([widgets.HTML(f"<p>{html.escape(str(preview.receipt))}</p>"), tabs])


def resources_html(picture: Picture) -> str:
    """Write the resources, and whether the engine answers."""
    up = picture.trouble or "engine up"
    said = "" if picture.resources is None else str(picture.resources)
    return f"<b>{html.escape(up)}</b> · {html.escape(said)}"


def jobs_html(desk: Desk) -> str:
    """Write the jobs that are found as a table; every text of them is escaped."""
    board, asked = desk.board, desk.asked
    found = board.found()
    columns = [column for column in COLUMNS if column["kind"] != "operations"]
    head = "".join(f"<th>{column['title']}</th>" for column in columns)
    lines = []
    for row in found[:_MOST]:
        cells = cells_of(row, board.picture.at, asked.get(row.name, ""))
        lines.append("".join(_cell(cells[column["key"]], column["kind"]) for column in columns))
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    more = f"<p>{len(found) - _MOST:,} more: search.</p>" if len(found) > _MOST else ""
    table = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f"<table style='width:100%'>{table}</table>{more}"


def _cell(cell: dict[str, Any], kind: str) -> str:
    colour = _TONES.get(cell.get("tone", ""), "inherit")
    align = "right" if kind == "number" else "left"
    title = html.escape(cell.get("title", ""))
    style = f"padding:1px 8px;text-align:{align};color:{colour}"
    return f'<td style="{style}" title="{title}">{html.escape(cell["text"])}</td>'


def _notice_html(notice: Notice) -> str:
    colour = {"error": "#c0392b", "warning": "#b8860b"}.get(notice.level, "inherit")
    details = "".join(f"<br>{html.escape(detail)}" for detail in notice.details)
    line = f" <code>{html.escape(notice.line)}</code>" if notice.line else ""
    return f'<p style="color:{colour}">{html.escape(notice.text)}{details}{line}</p>'


def _set(part: widgets.HTML, content: str) -> None:
    if part.value != content:
        part.value = content


def _layout(width: str) -> widgets.Layout:
    return widgets.Layout(width=width)
