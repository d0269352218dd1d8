"""The outermost part of a screen: in a notebook it waits for the browser.

Tried with Panel 1.9.4 in JupyterLab: what is changed before the browser's view stands is lost, and
what builds on it fails there; changes of two threads get mixed up, and parts that one of them adds
ask a CDN for style sheets - and JupyterLab has the messages of each view handled on a thread of its
own. So a screen waits until its view stands, and all threads take turns (`bridge.CELLS`).

A view whose output is cleared or run again says so, and is given up if it does not come back soon.
One whose notebook is closed says nothing: JupyterLab ends the line to the kernel before.
"""

# ruff: noqa: SLF001 - Panel has no public words for views, their models and what they send

from __future__ import annotations

import functools
import threading
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import panel as pn
import panel_material_ui as pmui
from panel.models.comm_manager import CommManager
from tornado.ioloop import IOLoop

from streamops_nb.ui import bridge
from streamops_nb.ui.panel.light import lighten
from streamops_nb.ui.panel.look import THEME, Plain, file_text
from streamops_nb.ui.panel.presses import Presses
from streamops_nb.ui.panel.script import Script

__all__ = ["Arrival", "Cell"]

_GRACE = 10.0
"""Seconds within which a view that is gone may come back."""

_LINE = "streamops_nb"
"""The name of the kernel's line on which `cell.js` tells that a view is gone."""

_GONE = ""
"""Where a view that is gone stands."""

# Bokeh's page sends a part back whole with the first event of it, if the part came after the page
warnings.filterwarnings("ignore", message="reference already known")

_CELLS: weakref.WeakSet[Cell] = weakref.WeakSet()
"""The cells that were drawn in this kernel."""


class Cell(pmui.Column):
    """Holds all parts of a screen, in the colours of the house.

    Parameters
    ----------
    screen
        What waits for the browser.
    watch
        Whose pictures the screen is shown while it can be seen; None if none are.
    first
        Gives the title and the table that a browser shows while it gets all of the page.
    """

    def __init__(
        self,
        *parts: Any,
        screen: bridge.Screen,
        watch: bridge.Watch | None = None,
        first: Callable[[], dict[str, Any] | None] = lambda: None,
        **how: Any,
    ) -> None:
        self._screen, self._watch, self._first = screen, watch, first
        self._standing: dict[str, str] = {}
        self._anew: set[str] = set()
        # the browser reads what has no parts first, in order
        self._scripts = pmui.Typography("", visible=False)
        more = [] if screen.served else [self._scripts, Arrival(self._stands)]
        how = {"sizing_mode": "stretch_width", "theme_config": THEME, "design": Plain, **how}
        super().__init__(*more, Presses(), *parts, **how)

    def server_doc(self, doc: Any = None, title: Any = None, location: Any = True) -> Any:
        """Serve it; what can be seen comes with the page, scripts are asked for at once."""
        made: Any = super().server_doc(doc, title, location)
        root = self._documents[made]
        if root.bundle == "url":
            made.template = file_text("sooner.html")
            made.template_variables["scripts"] = root.esm
            made.template_variables["first"] = self._first()
            made.template_variables["palette"] = THEME[_theme()]["palette"]
            made.template_variables["read"] = file_text
        return made

    def _get_model(self, doc: Any, root: Any = None, parent: Any = None, comm: Any = None) -> Any:
        """Draw a view; from now on nothing is changed until it stands."""
        if comm is None:
            return super()._get_model(doc, root, parent, comm)
        with bridge.CELLS:
            self._screen.wait()
            model = super()._get_model(doc, root, parent, comm)
            self._lighten([model], root or model)
            _CELLS.add(self)
            _hear_ends()
        if self._watch is not None:
            self._watch.join(self._screen)
        return model

    def _get_child_model(self, child: Any, *where: Any) -> tuple[Any, Any]:
        found, before = super()._get_child_model(child, *where)
        if isinstance(found, list) and where[-1] is not None:
            self._lighten([one for one in found if one not in before], where[1])
        return found, before

    def _lighten(self, models: list[Any], root: Any) -> None:
        lighten(models, keep=self._scripts._models[root.ref["id"]][0])

    def _on_msg(self, ref: str, manager: Any, msg: Any) -> None:
        _handle(msg, functools.partial(super()._on_msg, ref, manager))

    def _stands(self, root: str, page: str) -> bool:
        """A view stands on a page of the browser; say whether it need not tell it again."""
        before = self._standing.get(root)
        self._standing[root] = page
        if before != page:
            _take_turns(root)
        if before == _GONE and self._watch is not None:
            self._watch.join(self._screen)
        if before not in (None, page):
            self._anew.add(root)
            return False
        # after the message that told it: with the answer to it the browser begins to listen
        IOLoop.current().add_callback(self._go_on)
        return True

    def _go_on(self) -> None:
        with bridge.CELLS:
            while self._anew:
                self._draw_anew(self._anew.pop())
        if self._models.keys() <= self._standing.keys():
            self._screen.go_on()

    def _draw_anew(self, root: str) -> None:
        """The page was loaded anew and shows what was drawn at first: send all of the present."""
        model = pn.state._views[root][1]
        for part in self.objects:
            part._cleanup(model)
        self.param.trigger("objects")

    def gone(self, root: str, page: str) -> None:
        """A view is gone; with the last of them nothing is asked of the workspace any more."""
        if root not in self._models or self._standing.get(root, page) != page:
            return  # it stands on another page of the browser
        self._standing[root] = _GONE
        if self._watch is not None and all(self._standing.get(r) == _GONE for r in self._models):
            self._watch.leave(self._screen)
        later = threading.Timer(_GRACE, self._give_up, [root])
        later.daemon = True
        later.start()

    def _give_up(self, root: str) -> None:
        """A view did not come back: let go of what was made for it."""
        with bridge.CELLS:
            if self._standing.get(root) == _GONE and root in pn.state._views:
                viewable, model, document, _ = pn.state._views.pop(root)
                viewable._cleanup(model)
                lines = pn.state._comm_manager._comms
                manager = _manager_of(document)
                for name in (manager.comm_id, manager.client_comm_id):
                    lines.pop(name, None)

    def _cleanup(self, root: Any = None) -> None:
        """A view is let go of."""
        with bridge.CELLS:
            super()._cleanup(root)
        if root is not None:
            self._standing.pop(root.ref["id"], None)
            if not self._models and self._watch is not None:
                self._watch.leave(self._screen)


class Arrival(Script):
    """Says when the view of which it is a part stands, and on which page."""

    _esm = file_text("cell.js")

    def __init__(self, came: Callable[[str, str], bool]) -> None:
        super().__init__(design=Plain, width=0, height=0, margin=0)
        self._came = came

    def _handle_msg(self, data: Any) -> None:
        if self._came(str(data["root"]), str(data["page"])):
            self._send_msg("seen")


def _theme() -> str:
    return "dark" if pn.config.theme == "dark" else "light"


def _take_turns(root: str) -> None:
    """Have what comes from a view handled while no other thread changes a screen."""
    manager = _manager_of(pn.state._views[root][2])
    line = pn.state._comm_manager._comms[manager.client_comm_id]
    line._on_msg = functools.partial(_handle, by=line._on_msg)
    line._comm.on_msg(functools.partial(_answer, line._handle_msg))


def _manager_of(document: Any) -> Any:
    """Find what knows the lines of a view to the browser."""
    return next(each for each in document.roots if isinstance(each, CommManager))


def _hear_ends() -> None:
    """Hear of views that are gone."""
    from IPython import get_ipython

    def opened(line: Any, _: Any) -> None:
        line.on_msg(told)

    def told(message: Any) -> None:
        said = message["content"]["data"]
        with bridge.CELLS:
            for cell in list(_CELLS):
                cell.gone(str(said["gone"]), str(said["page"]))

    get_ipython().kernel.comm_manager.register_target(_LINE, opened)


def _answer(by: Callable[[Any], None], message: Any) -> None:
    """Handle a message and answer it; what is printed meanwhile is caught, one thread at a time."""
    with bridge.CELLS:
        by(message)


def _handle(message: dict[str, Any], by: Callable[[Any], None]) -> None:
    """Handle what comes from a view while no other thread changes a screen.

    One event after the other: of those that come together Panel handles a click before the value
    that was typed before it.
    """
    with bridge.CELLS:
        for event in message["content"]["events"]:
            by({**message, "content": {"events": [event]}})
