"""A chart of lines over time, in the colours of the page."""

from __future__ import annotations

from typing import Any, ClassVar

import param

from streamops_nb.ui.panel.look import Plain, file_text, style
from streamops_nb.ui.panel.script import Script

__all__ = ["BESIDE", "Chart"]

BESIDE = {"gap": "12px", "flex-wrap": "wrap"}
"""How a row of charts is spaced."""


class Chart(Script):
    """Draws numbers over time.

    Parameters
    ----------
    series
        Per line its ``name``, ``tone`` (0 to 4) and ``points``: pairs of time, in seconds since
        the epoch, and number.
    """

    title = param.String("")
    unit = param.String("")
    series = param.List(default=[])

    _esm = file_text("chart.js")
    _stylesheets: ClassVar[list[str]] = [file_text("chart.css")]

    def __init__(self, **how: Any) -> None:
        how = {
            "styles": {"flex": "1 1 300px", "width": "auto"},
            "margin": 0,
            "sizing_mode": "stretch_width",
            **how,
        }
        super().__init__(stylesheets=style(), design=Plain, **how)
