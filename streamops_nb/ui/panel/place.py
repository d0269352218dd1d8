"""The address of a served page says which job is open, and where: ``?job=hot&tab=errors``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import panel as pn

from streamops_nb.ui.state.desk import Desk

__all__ = ["closes", "follow_address"]


def closes(close: Callable[[], None]) -> None:
    """Have something closed with the session that is being made now; a notebook has none."""
    document = pn.state.curdoc
    if document and document.session_context:
        document.on_session_destroyed(lambda _: close())


def follow_address(desk: Desk) -> None:
    """Open what the address says, and keep the two in step."""
    location = pn.state.location
    if location is None:
        return

    def arrive(*_: Any) -> None:
        query = location.query_params
        job, tab = str(query.get("job", "")), str(query.get("tab", ""))
        if job and (job, tab or "summary") != (desk.job, desk.tab):
            desk.open(job, tab)
        elif not job and desk.place == "job":
            desk.back()

    def leave(*_: Any) -> None:
        wanted = {"job": desk.job, "tab": desk.tab} if desk.place == "job" else {}
        kept = {k: v for k, v in location.query_params.items() if k not in ("job", "tab")}
        if {**kept, **wanted} != location.query_params:
            query = urlencode({**kept, **wanted})
            location.search = f"?{query}" if query else ""

    arrive()
    desk.param.watch(desk.guard(leave), ["place", "job", "tab"])
    location.param.watch(desk.guard(arrive), ["search"])
