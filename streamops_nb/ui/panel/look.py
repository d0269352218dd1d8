"""How the screens look: one theme, one set of small parts."""

from __future__ import annotations

import html
from functools import cache
from importlib.resources import files
from typing import Any

import panel as pn
import panel_material_ui as pmui
from panel.io.resources import CDN_DIST
from panel_material_ui.theme import MaterialDesign

from streamops_nb.ui.panel.icons import icon
from streamops_nb.ui.panel.light import Column

__all__ = [
    "BROKEN",
    "EDGES",
    "FLAT",
    "PLAIN_NUMBER",
    "THEME",
    "Plain",
    "bar",
    "button",
    "code_input",
    "column",
    "file_text",
    "gap",
    "html_pane",
    "labelled",
    "line",
    "row",
    "shape",
    "style",
    "text_html",
]

_SHAPE: dict[str, Any] = {
    "typography": {"fontSize": 13, "button": {"textTransform": "none", "letterSpacing": 0}},
    "shape": {"borderRadius": 6},
    "components": {
        "MuiButton": {
            "styleOverrides": {
                "root": {
                    # as high as those with a line around them, and as flat
                    "&.MuiButton-contained, &.MuiButton-text": {"border": "1px solid transparent"},
                    "&.MuiButton-contained": {"boxShadow": "none"},
                }
            }
        },
        # a field to write in is as high as one to choose from
        "MuiOutlinedInput": {
            "styleOverrides": {
                "root": {
                    "&.MuiInputBase-sizeSmall > input.MuiInputBase-input": {
                        "paddingTop": "6px",
                        "paddingBottom": "6px",
                        "paddingLeft": "14px",
                    }
                }
            }
        },
        "MuiDialogTitle": {"styleOverrides": {"root": {"padding": "14px 16px 8px"}}},
        "MuiInputLabel": {
            "styleOverrides": {
                "root": {
                    "&.MuiInputLabel-sizeSmall:not(.MuiInputLabel-shrink)": {
                        "transform": "translate(14px, 6px) scale(1)"
                    }
                }
            }
        },
    },
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
            "error": {"main": "#f28b82"},
            "background": {"default": "#12161b", "paper": "#1b2128"},
        },
        **_SHAPE,
    },
}
"""What differs from Material's own theme; inherited by all parts of a page."""

EDGES: dict[str, Any] = {"margin": (0, -4), "styles": {"min-width": "calc(100% + 8px)"}}
"""Around a line of buttons and fields: the first and last of them stand at the edges."""

BROKEN: dict[str, Any] = {
    **EDGES, "styles": {**EDGES["styles"], "flex-wrap": "wrap"}, "sizing_mode": "stretch_width",
}  # fmt: skip
"""A line that is broken where there is no room, as in a notebook beside a list of files."""

FLAT = {
    "& button": {"textTransform": "none", "whiteSpace": "nowrap", "padding": "3px 12px"},
    "& button:not(.Mui-selected)": {"color": "inherit"},
}
"""How a group of choices looks."""

PLAIN_NUMBER = {
    "& .MuiInputAdornment-root": {"display": "none"},
    "& .MuiInputBase-root": {"padding": 0},
}
"""A field for a number without its steppers: they have no name and take the room of the number."""


@cache
def file_text(name: str) -> str:
    """Read a script or style sheet of this folder."""
    return files("streamops_nb.ui.panel").joinpath(name).read_text(encoding="utf-8")


def text_html(text: str) -> str:
    """Escape text for HTML; line breaks stay."""
    return html.escape(text).replace("\n", "<br>")


def labelled(label: str, value: Any) -> str:
    """Write a small label and its figure as HTML."""
    return f"<span>{html.escape(label)}<b>{html.escape(str(value))}</b></span>"


def shape(share: float, title: str) -> str:
    """Draw a share, 0 to 1, as a meter."""
    width = round(100 * min(max(share, 0.0), 1.0))
    full = " full" if share > 0.9 else ""
    return (
        f'<span class="meter{full}" role="img" aria-label="{html.escape(title)}: {width} %">'
        f'<i style="width:{width}%"></i></span>'
    )


class Plain(MaterialDesign):
    """Material's design without Panel's own theme sheets.

    Our parts have the colours of the page; and a part that is made after the theme was changed
    would fetch the other theme's sheet from a CDN.
    """

    @classmethod
    def _get_modifiers(  # type: ignore[override]
        cls, viewable: Any, theme: Any, isolated: Any = None
    ) -> tuple[Any, Any]:
        modifiers, below = super()._get_modifiers(viewable, theme, isolated)
        sheets = modifiers.get("stylesheets")
        if sheets:
            modifiers["stylesheets"] = [s for s in sheets if not str(s).startswith(CDN_DIST)]
        return modifiers, below


def style(*names: str) -> list[str]:
    """Give style sheets of this folder, after the one that takes the page's colours over."""
    return [file_text("themed.css"), *map(file_text, names)]


def html_pane(content: str = "", css: str = "", **how: Any) -> pn.pane.HTML:
    """Show HTML of our own making; whatever is data in it has been escaped.

    Parameters
    ----------
    css
        The name of a style sheet of this folder.
    """
    how = {"margin": 0, "sizing_mode": "stretch_width", "design": Plain, **how}
    return _Html(content, stylesheets=style(*([css] if css else [])), **how)


class _Html(pn.pane.HTML):
    """HTML that fetches no sheet.

    In a notebook Panel would link its own sheet from a CDN again with every change of the content.
    """

    def _get_properties(self, doc: Any) -> dict[str, Any]:
        properties: dict[str, Any] = super()._get_properties(doc)
        sheets = properties.get("stylesheets", [])
        properties["stylesheets"] = [sheet for sheet in sheets if isinstance(sheet, str)]
        return properties


def code_input(label: str, text: str, **how: Any) -> pmui.TextAreaInput:
    """Take text in which the columns matter."""
    how = {"margin": (8, 4, 4, 4), "sizing_mode": "stretch_width", **how}
    lines = min(24, max(6, text.count("\n") + 2))
    return pmui.TextAreaInput(
        label=label, value=text, rows=lines, max_length=1_000_000, sx=_MONOSPACE, **how
    )


_MONOSPACE = {
    "& textarea": {
        "fontFamily": "ui-monospace, monospace",
        "fontSize": "12.5px",
        "lineHeight": 1.5,
        "tabSize": 2,
    }
}


def column(*parts: Any, **how: Any) -> Column:
    """Put parts one below the other."""
    how = {"margin": 0, "sizing_mode": "stretch_width", "design": Plain, **how}
    return Column(*parts, stylesheets=style(), **how)


def row(*parts: Any, **how: Any) -> pn.Row:
    """Put parts side by side."""
    how = {"margin": 0, "sizing_mode": "stretch_width", "design": Plain, **how}
    return pn.Row(*parts, stylesheets=style(), **how)


def line(*parts: Any) -> pn.Row:
    """Put parts side by side, below each other where there is no room."""
    broken = pmui.FlexBox(*parts, sizing_mode="stretch_width", align_items="center")
    return row(broken, **EDGES)


def gap() -> pn.Spacer:
    """Take the room that is left in a row."""
    return pn.Spacer(sizing_mode="stretch_width", design=Plain)


def bar(part: Any, why: str) -> Any:
    """Keep a button from being pressed from now on, and say why; nothing if there is no reason."""
    # the description becomes the name that a screen reader says, so the label is in it
    said = f"{part.label}: {why}"

    def hold(*_: Any) -> None:
        part.param.update(disabled=True, description=said)

    if why:
        part.param.watch(hold, ["disabled", "description"])
        hold()
    return part


def button(label: str, shape: str = "", **how: Any) -> pmui.Button:
    """Make a button of the house's size, with an icon of `icons`."""
    how.setdefault("variant", "outlined")
    how.setdefault("margin", (4, 4))
    how.setdefault("size", "small")
    return pmui.Button(label=label, icon=icon(shape) if shape else None, **how)
