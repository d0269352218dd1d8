"""The page of one job: its header with the buttons, and its tabs."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import panel_material_ui as pmui

from streamops_nb.ui.panel.configuration import ConfigurationTab
from streamops_nb.ui.panel.errors import ErrorsTab
from streamops_nb.ui.panel.history import HistoryTab
from streamops_nb.ui.panel.icons import icon
from streamops_nb.ui.panel.look import BROKEN, button, column, html_pane, row
from streamops_nb.ui.panel.output import OutputTab
from streamops_nb.ui.panel.preview import PreviewTab
from streamops_nb.ui.panel.runs import RunsTab
from streamops_nb.ui.panel.summary import SummaryTab
from streamops_nb.ui.state.cells import cells_of
from streamops_nb.ui.state.desk import Desk
from streamops_nb.ui.state.wish import Verb, Wish, refusal_of
from streamops_nb.ui.state.wording import lasting

__all__ = ["JobPage"]

_TABS = ("summary", "output", "preview", "errors", "runs", "configuration", "history")
_ICONS = {Verb.START: "start", Verb.PAUSE: "pause", Verb.STOP: "stop"}


class JobPage:
    """Shows one job.

    Parameters
    ----------
    acts
        Called with what is chosen in the menu, and the job.
    """

    def __init__(self, desk: Desk, job: str, acts: Callable[[str, str], None]) -> None:
        self._desk, self._job = desk, job
        guard = desk.guard
        self._back = button("Back", "back", variant="text", on_click=guard(lambda *_: desk.back()))
        self._head = html_pane(css="jobpage.css", styles={"flex": "1 1 260px", "width": "auto"})
        self._buttons = {
            verb: button(verb.capitalize(), shape, on_click=guard(self._wish(verb)))
            for verb, shape in _ICONS.items()
        }
        self._preview = button(
            "Preview", "preview", variant="contained", on_click=guard(self._preview_now)
        )
        self._more = pmui.MenuButton(
            label="More",
            icon=icon("more"),
            items=[{"label": label} for label in _MORE],
            size="small",
            variant="outlined",
            margin=(4, 4),
        )
        self._more.on_click(guard(lambda item: acts(_MORE[item["label"]], job)))
        self._parts: dict[str, Any] = {}
        self._places = {name: column(min_height=300) for name in _TABS}
        self._tabs = pmui.Tabs(
            *((name.capitalize(), self._places[name]) for name in _TABS),
            sizing_mode="stretch_width",
            margin=0,
        )
        self._tabs.param.watch(guard(self._turned), "active")
        self._watchers = [
            desk.param.watch(guard(self._follow), ["tab"]),
            desk.param.watch(guard(self._show_head), ["asked"]),
        ]
        self._follow()
        self.refresh()

    def __panel__(self) -> Any:
        acts = (*self._buttons.values(), self._preview, self._more)
        return column(
            row(self._back, self._head, *acts, **BROKEN),
            self._tabs,
        )  # fmt: skip

    def _wish(self, verb: Verb) -> Callable[..., None]:
        return lambda *_: self._desk.ask(Wish(verb=verb, names=(self._job,)))

    def _preview_now(self, *_: Any) -> None:
        self._desk.tab = "preview"
        self._parts["preview"].run_first()

    def _turned(self, event: Any) -> None:
        self._desk.tab = _TABS[event.new]

    def _follow(self, *_: Any) -> None:
        """Show the tab that is chosen; it is made when it is first looked at."""
        name = self._desk.tab if self._desk.tab in _TABS else "summary"
        if name not in self._parts:
            self._parts[name] = made = self._make(name)
            self._places[name].objects = [made]
        if self._tabs.active != _TABS.index(name):
            self._tabs.active = _TABS.index(name)
        if self._job in self._desk.board.picture.rows:
            self._parts[name].refresh(now=True)

    def _make(self, name: str) -> Any:
        if name == "errors":
            return ErrorsTab(self._desk, self._job, self._preview_entry)
        kinds: dict[str, Any] = {
            "summary": SummaryTab,
            "output": OutputTab,
            "preview": PreviewTab,
            "configuration": ConfigurationTab,
            "history": HistoryTab,
            "runs": RunsTab,
        }
        return kinds[name](self._desk, self._job)

    def _preview_entry(self, entry: Any) -> None:
        self._desk.tab = "preview"
        self._parts["preview"].preview_entry(entry)

    def refresh(self) -> None:
        """Show the picture of now."""
        self._show_head()
        name = self._desk.tab if self._desk.tab in self._parts else "summary"
        if self._job in self._desk.board.picture.rows:
            self._parts[name].refresh()

    def _show_head(self, *_: Any) -> None:
        desk = self._desk
        picture = desk.board.picture
        found = picture.rows.get(self._job)
        asked = desk.asked.get(self._job, "")
        self._head.object = head_html(self._job, found, picture.at, asked)
        for part in (*self._buttons.values(), self._preview, self._more, self._tabs):
            part.visible = found is not None or not picture.at
        for verb, part in self._buttons.items():
            why = "it is not there" if found is None else refusal_of(verb, found.status)
            why = desk.permits.barred.get(verb, why)
            why = f"{asked} is under way" if asked else why
            # a tip that is taken away stays in the browser: there is always one
            said = why or f"{verb.capitalize()} {self._job}"
            if part.disabled != bool(why) or part.description != said:
                part.param.update(disabled=bool(why), description=said)

    def forget(self) -> None:
        """Let go of the state."""
        for watcher in self._watchers:
            self._desk.param.unwatch(watcher)


_MORE = {
    "Start from…": "start from",
    "Reset position…": "reset position",
    "Export": "export",
    "Alarm…": "alarm",
    "Force stop…": "force stop",
    "Delete…": "delete",
}


def head_html(job: str, found: Any, at: float, asked: str) -> str:
    """Write the name of a job, its status and how long that has lasted."""
    if not at:
        return f"<h2>{html.escape(job)}</h2><span class='quiet'>Looking at the workspace…</span>"
    if found is None:
        said = "There is no job of this name in this workspace."
        return f"<h2>{html.escape(job)}</h2><span class='quiet'>{said}</span>"
    status = cells_of(found, at, asked)["status"]
    lasted = found.uptime if found.uptime is not None else max(0.0, at - found.view.since)
    left = "" if found.left is None else f", {lasting(max(0.0, found.left))} left"
    waits = f" → v{found.view.version} waits" if found.pending else ""
    version = found.view.ran if found.pending else found.view.version
    said = html.escape(status["title"])
    why = f'<span class="why" title="{said}">{said}</span>' if said else ""
    return (
        f"<h2>{html.escape(job)}</h2>"
        f'<span class="chip {status["tone"]}">{html.escape(status["text"])}</span>'
        f'<span class="quiet">{lasting(int(lasted))}{left}</span>'
        f'<span class="quiet">v{version}{waits}</span>{why}'
    )
