"""How the screens look: one theme, one set of small parts."""

from __future__ import annotations

import html
from functools import cache
from importlib.resources import files
from typing import Any

import panel as pn
import panel_material_ui as pmui

__all__ = ["THEME", "button", "file_text", "html_pane", "text_html"]

_SHAPE: dict[str, Any] = {
    "typography": {"fontSize": 13, "button": {"textTransform": "none"}},
    "shape": {"borderRadius": 6},
}
THEME: dict[str, Any] = {
    "light": {
        "palette": {
            "primary": {"main": "#1769aa"},
            "background": {"default": "#f5f7f9", "paper": "#ffffff"},
        },
        **_SHAPE,
    },
    "dark": {
        "palette": {
            "primary": {"main": "#6db3f2"},
            "background": {"default": "#12161b", "paper": "#1b2128"},
        },
        **_SHAPE,
    },
}
"""What differs from Material's own theme; inherited by all parts of a page."""


@cache
def file_text(name: str) -> str:
    """Read a script or style sheet of this folder."""
    return files("streamops_nb.ui.panel").joinpath(name).read_text(encoding="utf-8")


def text_html(text: str) -> str:
    """Escape text for HTML; line breaks stay."""
    return html.escape(text).replace("\n", "<br>")


def html_pane(content: str = "", **how: Any) -> pn.pane.HTML:
    """Show HTML of our own making; whatever is data in it has been escaped."""
    return pn.pane.HTML(content, margin=how.pop("margin", 0), **how)


def button(label: str, icon: str = "", **how: Any) -> pmui.Button:
    """Make a button of the house's size."""
    how.setdefault("variant", "outlined")
    how.setdefault("margin", (4, 4))
    how.setdefault("size", "small")
    return pmui.Button(label=label, icon=icon or None, **how)
