"""The list of jobs: tabs with counts, search and filters, bulk actions, the table, its pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import panel_material_ui as pmui

from streamops_nb.ui.panel.look import EDGES, FLAT, bar, button, column, gap, row
from streamops_nb.ui.panel.table import JobTable
from streamops_nb.ui.state.board import TABS
from streamops_nb.ui.state.cells import ALONE, MENU
from streamops_nb.ui.state.desk import Desk
from streamops_nb.ui.state.wish import Verb, Wish

__all__ = ["JobList"]

_RARE = ("Published", "Finished")
"""Tabs that are left out while no job is in them."""


class JobList:
    """The list of jobs of a workspace.

    Parameters
    ----------
    acts
        Called with the verb and the job of a click in the table.
    imports
        Called when somebody wants to import.
    alone
        Without the rest of the page: what leads there is left out.
    """

    def __init__(
        self,
        desk: Desk,
        acts: Callable[[str, str], None],
        imports: Callable[..., None] = lambda *_: None,
        *,
        alone: bool = False,
    ) -> None:
        self._desk = desk
        board = desk.board
        menu = [item for item in MENU if not alone or item["verb"] in ALONE]
        self.table = JobTable(
            desk, acts, menu=menu, opens=not alone, sizing_mode="stretch_width", margin=0
        )
        self._tabs = pmui.RadioButtonGroup(
            options=list(TABS), value=board.tab, size="small", margin=(4, 4), sx=FLAT
        )
        self._search = pmui.TextInput(
            placeholder="Search name, owner, tag", size="small", width=180, margin=(4, 4), sx=_LOW
        )
        self._owner = pmui.Select(label="Owner", size="small", width=104, margin=(4, 4))
        self._tag = pmui.Select(label="Tag", size="small", width=104, margin=(4, 4))
        self._bulk = {
            verb: button(verb.capitalize(), icon, on_click=desk.guard(self._ask_all(verb)))
            for verb, icon in _BULK.items()
        }
        self._export = button("Export", "download", on_click=desk.guard(self._export_all))
        self._chosen = pmui.Typography("", variant="body2", margin=(10, 4))
        self._new = button(
            "New job", "add", variant="contained", on_click=desk.guard(self._make_new)
        )
        self._import = button("Import", "upload", on_click=desk.guard(imports))
        bar(self._new, desk.permits.refusal("save"))
        bar(self._import, desk.permits.refusal("import_"))
        for verb, asking in self._bulk.items():
            bar(asking, desk.permits.refusal(verb.method))
        self._new.visible = self._import.visible = not alone
        self._pages = pmui.Pagination(count=1, size="small", margin=(8, 0), visible=False)
        for part, name, seen in (
            (self._tabs, "tab", "value"),
            (self._search, "search", "value_input"),
            (self._owner, "owner", "value"),
            (self._tag, "tag", "value"),
            (self._pages, "page", "value"),
        ):
            part.param.watch(desk.guard(self._choose(name)), seen)
        self._watcher = board.param.watch(self.refresh, list(board.param))
        self.refresh()

    def __panel__(self) -> Any:
        filters = pmui.FlexBox(
            self._tabs,
            gap(),
            row(self._search, self._owner, self._tag, sizing_mode=None),
            align_items="center",
            sizing_mode="stretch_width",
            margin=(6, 0, 0, 0),
        )
        acts = pmui.FlexBox(
            *self._bulk.values(),
            self._export,
            self._chosen,
            gap(),
            self._import,
            self._new,
            sizing_mode="stretch_width",
        )
        return column(
            column(filters, acts, **EDGES), self.table, self._pages, sizing_mode="stretch_width"
        )

    def refresh(self, *_: Any) -> None:
        """Show filters and counts as they are."""
        board = self._desk.board
        counts = board.counts()
        tabs = {
            f"{tab} {n}": tab
            for tab, n in counts.items()
            if n or tab not in _RARE or tab == board.tab
        }
        _offer(self._tabs, tabs, board.tab)
        _offer(self._owner, {"any": "", **{name: name for name in board.owners}}, board.owner)
        _offer(self._tag, {"any": "", **{tag: tag for tag in board.tags}}, board.tag)
        chosen = len(board.selected)
        self._chosen.object = f"of {chosen} selected" if chosen else "select jobs to act on several"
        for part in (*self._bulk.values(), self._export):
            part.disabled = not chosen
        self._pages.param.update(count=board.pages, value=board.page, visible=board.pages > 1)

    def _make_new(self, *_: Any) -> None:
        self._desk.place = "new"

    def _choose(self, name: str) -> Callable[[Any], None]:
        def choose(event: Any) -> None:
            if event.new is not None:  # a chooser whose options change has no value for a moment
                self._desk.board.param.update(**{name: event.new})

        return choose

    def _export_all(self, *_: Any) -> None:
        self._desk.export(*sorted(self._desk.board.selected))

    def _ask_all(self, verb: Verb) -> Callable[..., None]:
        def ask(*_: Any) -> None:
            self._desk.ask(Wish(verb=verb, names=tuple(sorted(self._desk.board.selected))))

        return ask

    def forget(self) -> None:
        """Let go of the state."""
        self._desk.board.param.unwatch(self._watcher)
        self.table.forget()


_LOW = {"& .MuiInputBase-input": {"padding": "6px 12px", "fontSize": "13px"}}
_BULK = {Verb.START: "start", Verb.PAUSE: "pause", Verb.STOP: "stop"}


def _offer(chooser: Any, options: dict[str, str], value: str) -> None:
    if chooser.options != options:
        chooser.param.update(options=options, value=value)
        chooser.param.trigger("value")  # the value is the same, its label is another
    elif chooser.value != value:
        chooser.value = value
