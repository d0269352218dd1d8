"""Below a preview: what else can be asked of it, in one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import panel_material_ui as pmui

from streamops_nb.ui.panel.look import button, row
from streamops_nb.ui.panel.previewed import Previewed
from streamops_nb.ui.state.desk import Desk
from streamops_nb.ui.state.examining import ASKED, Found

__all__ = ["Examining"]


class Examining:
    """A chooser of questions, a line to write in, and a button.

    Parameters
    ----------
    shown
        Where answers are shown.
    runs
        Called with a sample to run on.
    kept
        Called when a sample was kept.
    """

    def __init__(
        self, desk: Desk, shown: Previewed, runs: Callable[[Any], None], kept: Callable[[], None]
    ) -> None:
        self._desk, self._shown, self._runs, self._kept = desk, shown, runs, kept
        self._preview: Any = None
        options = {asked.label: key for key, asked in ASKED.items()}
        self._what = pmui.Select(
            label="Look closer", options=options, value="why not", size="small", width=240,
            margin=(8, 4),
        )  # fmt: skip
        self._text = pmui.TextInput(
            label=_label("why not"), size="small", margin=(8, 4), sizing_mode="stretch_width"
        )  # fmt: skip
        self._what.param.watch(desk.guard(self._chosen), "value")
        ask = button("Ask", "ask", margin=(8, 4), on_click=desk.guard(self._ask))
        self._line = row(self._what, self._text, ask, visible=False, margin=(8, 0))

    def __panel__(self) -> Any:
        return self._line

    def take(self, preview: Any) -> None:
        """Ask of this preview from now on."""
        self._preview = preview
        self._line.visible = True

    def _chosen(self, event: Any) -> None:
        self._text.param.update(
            label=_label(event.new), value="", disabled=not ASKED[event.new].example
        )

    def _ask(self, *_: Any) -> None:
        asked, preview, door = ASKED[self._what.value], self._preview, self._desk.door
        text = self._text.value_input or self._text.value or ""
        self._desk.work(
            f"{asked.label}: no answer", lambda: asked.ask(preview, door, text), self._came
        )

    def _came(self, found: Found) -> None:
        if found.frame is not None:
            self._shown.show_found(found)
            return
        if found.sample is not None:
            self._runs(found.sample)
        if found.file is not None:
            self._desk.hand_over(*found.file)
        if self._what.value == "keep":
            self._kept()
        text = found.text or "This does the same:"
        self._desk.notices.tell("info", text, line=found.line)


def _label(what: str) -> str:
    """Say what is to be written: an input with a label shows no placeholder."""
    example = ASKED[what].example
    return f"for example: {example}" if example else "nothing to write"
