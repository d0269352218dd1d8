"""The door from objects to screens: what a notebook shows of a workspace, a job, a preview.

A screen is a plug-in of the kind ``screen`` (see `streamops_nb.plugins`): a callable that is given
the object and returns something a notebook can display. Objects know the name of their screen and
no toolkit; without that screen, its toolkit or a front end they show HTML and text of their own.

========== ============================================================= ======================
name       called with                                                   by
========== ============================================================= ======================
workspace  a `Workspace`                                                 showing it in a cell
jobs       a `Jobs`                                                      showing ``ws.jobs``
resources  a `Resources`                                                 showing ``ws.resources``
job        a `Job`                                                       showing it in a cell
summary    a `Job`                                                       ``job.summary()``
errors     a `Job`                                                       ``job.errors()``
tune       a `Job`, and the keywords of `Job.tune`                       ``job.tune()``
preview    a `Preview`                                                   ``p.show()``
========== ============================================================= ======================
"""

from __future__ import annotations

import html
import sys
from collections.abc import Mapping
from typing import Any, ClassVar

from streamops_nb import plugins

__all__ = ["Shown", "front_end", "offered", "screen"]


def screen(name: str, of: Any, **how: Any) -> Any:
    """Make a screen.

    Parameters
    ----------
    name
        The plug-in's name; see above.
    of
        What it shows.

    Raises
    ------
    Refused
        If there is no such screen, or its toolkit is not installed (says what to install).
    """
    return plugins.load("screen", name)(of, **how)


def offered(name: str) -> bool:
    """Say whether somebody offers a screen of this name; imports nothing."""
    return name in plugins.names("screen")


def front_end() -> bool:
    """Say whether this is a notebook's kernel: somebody may look at a screen.

    IPython is asked only if it is loaded; nobody looks at a screen where it is not.
    """
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


class Shown:
    """An object that is a screen in a notebook where that can be, and HTML where it cannot."""

    _screen: ClassVar[str]
    """The name of its screen."""

    @property
    def _shows(self) -> Any:
        """What its screen is called with; None if it has none, and is shown as HTML."""
        return self

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        """What IPython asks first; what is left out here it asks of `_repr_html_` and repr."""
        shown = self._shows
        if shown is None or not front_end() or not offered(self._screen):
            return {}
        try:
            made = screen(self._screen, shown)
            bundle = made._repr_mimebundle_(include=include, exclude=exclude)
        except Exception as error:  # noqa: BLE001 - a broken screen must not hide the object
            return {"text/html": f"{_apology(error)}{self._repr_html_()}"}
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        return _with_text(data or {}, self), metadata or {}

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


def _with_text(data: Mapping[str, Any], of: Any) -> dict[str, Any]:
    """The text of a widget says nothing about what it shows; that of the object does."""
    return {**data, "text/plain": repr(of)}


def _apology(error: Exception) -> str:
    said = html.escape(str(error) or type(error).__name__)
    return f"<p>The screen cannot be shown: {said}</p>"
