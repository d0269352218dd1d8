"""A part that is not seen: it sees to it that no press is lost."""

from __future__ import annotations

from streamops_nb.ui.panel.look import Plain, file_text
from streamops_nb.ui.panel.script import Script

__all__ = ["Presses"]


class Presses(Script):
    """Has a press count for what was pressed, if the page moved beneath the pointer meanwhile."""

    _esm = file_text("presses.js")

    def __init__(self) -> None:
        super().__init__(design=Plain, width=0, height=0, margin=0)
