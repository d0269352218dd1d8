"""The dialog that imports jobs: a file, or text that is pasted."""

from __future__ import annotations

from typing import Any

import panel_material_ui as pmui

from streamops_nb.ui.panel.look import button, gap, html_pane, row
from streamops_nb.ui.state.desk import Desk

__all__ = ["Importing"]


class Importing:
    """Asks for configurations to import."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._file = pmui.FileInput(
            label="Choose a YAML, JSON or ZIP file",
            accept=".yaml,.yml,.json,.zip",
            variant="outlined",
            sizing_mode="stretch_width",
            margin=(4, 0),
        )
        self._text = pmui.TextAreaInput(
            label="or paste a configuration here",
            rows=10,
            sizing_mode="stretch_width",
            margin=(12, 0, 4, 0),
            sx={"& textarea": {"fontFamily": "ui-monospace, monospace", "fontSize": "12px"}},
        )
        said = html_pane(
            "<p>All of it is imported or nothing. A job that is there already gets a new version; "
            "nothing starts.</p>",
            css="dialogs.css",
        )
        self.dialog = pmui.Dialog(
            said,
            self._file,
            self._text,
            row(
                gap(),
                button("Cancel", on_click=desk.guard(self._close)),
                button("Import", variant="contained", on_click=desk.guard(self._import)),
                sizing_mode="stretch_width",
            ),
            title="Import jobs",
            title_variant="h6",
            width_option="md",
            sizing_mode="stretch_width",
            close_on_click=True,
        )

    def ask(self, *_: Any) -> None:
        """Open the dialog."""
        self._text.value = ""
        self._file.param.update(value=None, filename=None)
        self.dialog.open = True

    def _close(self, *_: Any) -> None:
        self.dialog.open = False

    def _import(self, *_: Any) -> None:
        if self._text.value and self._text.value.strip():
            self._desk.import_("pasted.yaml", self._text.value.encode())
        elif self._file.value:
            self._desk.import_(str(self._file.filename), bytes(self._file.value))
        else:
            self._desk.notices.tell("info", "Choose a file or paste a configuration first.")
            return
        self.dialog.open = False
