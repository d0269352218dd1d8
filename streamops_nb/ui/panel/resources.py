"""The bar of computing resources: what is allocated, held and free, and the request for more."""

from __future__ import annotations

import html
from typing import Any

import panel_material_ui as pmui

from streamops_nb.model.booking import GIB_PER_CU, cu_text
from streamops_nb.ui.panel.look import (
    PLAIN_NUMBER,
    bar,
    button,
    gap,
    html_pane,
    labelled,
    row,
    shape,
    text_html,
)
from streamops_nb.ui.state.alarming import Raised
from streamops_nb.ui.state.desk import Desk
from streamops_nb.ui.state.feed import Feed
from streamops_nb.ui.state.picture import Picture
from streamops_nb.ui.state.wording import count

__all__ = ["ResourcesBar", "bar_html"]


class ResourcesBar:
    """Shows the CU of a workspace, and asks for others.

    Parameters
    ----------
    desk
        Whose workspace it is.
    alone
        Without the rest of the page: what leads there is left out.
    """

    def __init__(self, desk: Desk, *, alone: bool = False) -> None:
        self._desk = desk
        self._bar = html_pane(css="resources.css")
        self._said = html_pane(css="resources.css")
        self._cu = pmui.FloatInput(
            label="CU for this workspace",
            value=1.0,
            start=0.1,
            step=0.5,
            size="small",
            width=220,
            margin=0,
            sx=PLAIN_NUMBER,
        )
        self._share = pmui.FloatInput(
            label="Warn above this share held (0: never)", value=0.0, start=0, end=1, step=0.05,
            size="small", width=260, margin=(0, 0, 0, 12), sx=PLAIN_NUMBER,
        )  # fmt: skip
        self._give_back = button("Release all", on_click=desk.guard(self._release))
        self.dialog = pmui.Dialog(
            self._said,
            row(self._cu, self._share, margin=(12, 0)),
            row(
                self._give_back,
                gap(),
                button("Cancel", on_click=desk.guard(self._close)),
                button("Request", variant="contained", on_click=desk.guard(self._request)),
                sizing_mode="stretch_width",
            ),
            title="Request computing resources",
            title_variant="h6",
            width_option="sm",
            sizing_mode="stretch_width",
            close_on_click=True,
        )
        self._ask = button("Request…", margin=(2, 0, 2, 16), on_click=desk.guard(self.ask))
        bar(self._ask, desk.permits.refusal("resources.request"))
        self._alarms = button(
            "Alarms", "alarm", margin=(2, 0, 2, 8), on_click=desk.guard(lambda *_: desk.alarms())
        )
        self._alarms.visible = not alone
        self._raised = Raised()
        self._feed = Feed(
            desk, "The alarms are not there", lambda: desk.door.alarms.df, self._alarmed, every=2.0
        )
        self._watcher = desk.board.param.watch(self.refresh, ["picture"])
        self.refresh()

    def __panel__(self) -> Any:
        return row(self._bar, self._ask, self._alarms, sizing_mode="stretch_width")

    def refresh(self, *_: Any) -> None:
        """Show the picture of now."""
        picture = self._desk.board.picture
        self._bar.object = bar_html(picture)
        none = picture.resources is not None and picture.resources.status == "NONE"
        self._ask.variant = "contained" if none else "outlined"
        if picture.at:
            self._feed.refresh()

    def _alarmed(self, frame: Any) -> None:
        came, raised = self._raised.see(frame), len(self._raised.pairs)
        self._alarms.param.update(
            label=f"Alarms {raised}" if raised else "Alarms", color="error" if raised else "primary"
        )
        if came:
            told = [f"{alarm}: {job}" for alarm, job in came]
            self._desk.notices.tell("warning", "Raised alarms", details=told, line="ws.alarms.df")

    def ask(self, *_: Any) -> None:
        """Open the dialog."""
        now = self._desk.board.picture.resources
        if now is None:
            return
        self._said.object = _said_html(now)
        self._cu.param.update(value=now.allocated or 1.0, end=max(now.most, now.allocated))
        self._share.value = now.alarm or 0.0
        self._give_back.disabled = now.status == "NONE"
        self.dialog.open = True

    def _close(self, *_: Any) -> None:
        self.dialog.open = False

    def _request(self, *_: Any) -> None:
        cu, desk = float(self._cu.value or 0), self._desk
        before, share = desk.board.picture.resources, self._share.value or None
        line = f"ws.resources.request(cu={cu_text(cu)})"
        alarmed = share != before.alarm
        line += f"; ws.resources.alarm({share!r})" if alarmed else ""

        def ask() -> Any:
            found = desk.door.resources.request(cu=cu)
            if alarmed:
                desk.door.resources.alarm(share)
            return found

        desk.work(
            f"{cu_text(cu)} CU were not allocated",
            ask,
            lambda now: self._changed(f"{cu_text(now.allocated)} CU are allocated.", line),
            line,
        )

    def _release(self, *_: Any) -> None:
        desk, line = self._desk, "ws.resources.release()"
        desk.work(
            "The CU were not released",
            desk.door.resources.release,
            lambda _: self._changed("All CU are released; no job can be started now.", line),
            line,
        )

    def _changed(self, text: str, line: str) -> None:
        self.dialog.open = False
        self._desk.notices.tell("success", text, line=line)

    def forget(self) -> None:
        """Let go of the state."""
        self._desk.board.param.unwatch(self._watcher)


def bar_html(picture: Picture) -> str:
    """Write the resources of a workspace in one line."""
    now = picture.resources
    if now is None:
        return '<div class="bar"><span class="quiet">Looking at the workspace…</span></div>'
    running = sum(row.uptime is not None for row in picture.rows.values())
    jobs = (
        f'<span class="figures">{labelled("jobs", len(picture.rows))}'
        f"{labelled('running', running)}"
        f"{labelled('rows in', count(picture.rate_in) + ' /s')}</span>"
    )
    if now.status == "NONE":
        said = "No computing resources are allocated: request some before a job can start."
        return f'<div class="bar"><b class="warn">{html.escape(said)}</b>{jobs}</div>'
    held = html.escape(now.booking.holders())
    return (
        f'<div class="bar"><span title="held by {held}"><b>Resources</b> '
        f"{cu_text(round(now.reserved, 2))} / {cu_text(now.allocated)} CU used</span>"
        f"{shape(now.usage, 'CU that jobs hold')}"
        f'<span class="quiet">{html.escape(now.status)}</span>'
        f"{jobs}</div>"
    )


def _said_html(now: Any) -> str:
    held = "No job holds any CU."
    if now.reserved:
        held = f"{cu_text(now.reserved)} CU are held by {now.booking.holders()}."
    more = " Less than that is refused: pause or stop jobs first." if now.reserved else ""
    return (
        f"<p>1 CU is a core and {GIB_PER_CU} GiB; up to {cu_text(now.most)} CU can be requested "
        f"on this machine. What is allocated bounds the engine's memory, "
        f"which is {now.memory / 2**30:.1f} GiB now.</p>"
        f"<p>{text_html(held)}{more}</p>"
    )
