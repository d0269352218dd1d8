"""What is left out of what a notebook is sent: scripts that it has, sheets that lie elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import panel as pn
from bokeh.models.css import ImportedStyleSheet
from bokeh.models.ui import UIElement
from panel.models.esm import ReactComponent

__all__ = ["Column", "lighten"]


def lighten(models: Iterable[Any], keep: Any = None) -> None:
    """Take out of models, and of what they hold, what the browser has or must not ask for.

    Each of Material's parts carries the scripts of all of them, 1.4 MB; the browser takes those of
    the first that it reads, and finds them again by their name.

    Parameters
    ----------
    keep
        The model whose scripts the others use, if it is among them.
    """
    part: Any
    for model in models:
        for part in model.select({"type": UIElement}):
            kept = [s for s in part.stylesheets if not isinstance(s, ImportedStyleSheet)]
            if len(kept) < len(part.stylesheets):
                part.stylesheets = kept
            if isinstance(part, ReactComponent) and part is not keep and part.bundle is not None:
                part.update(esm="")


class Column(pn.Column):
    """A column whose parts may change; those that come later bring nothing twice."""

    def _get_objects(
        self, model: Any, old_objects: Any, doc: Any, root: Any, comm: Any = None
    ) -> tuple[list[Any], list[Any]]:
        found, before = super()._get_objects(model, old_objects, doc, root, comm)
        if comm is not None and root.ref["id"] in pn.state._views:  # noqa: SLF001 - it is drawn
            lighten(one for one in found if one not in before)
        return found, before
