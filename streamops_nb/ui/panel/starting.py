"""The dialog that asks from where: what a start would mean from each point, and the choice."""

from __future__ import annotations

import html
import json
from typing import Any

import panel_material_ui as pmui

from streamops_nb.model.booking import cu_text
from streamops_nb.model.errors import Refused
from streamops_nb.model.start import OUTPUT_STAYS
from streamops_nb.ui.panel.look import button, gap, html_pane, row, text_html
from streamops_nb.ui.state.desk import Desk
from streamops_nb.ui.state.wish import Verb, Wish
from streamops_nb.ui.state.wording import DASH, count, lasting

__all__ = ["StartPoint"]

_AS_IT_STANDS = "as it stands"
_HEADS = {
    "From": "",
    "To process": "what lies behind that point, in the source's own unit",
    "Records": "the same, counted or estimated",
    "Takes about": "at the rate of the last batches",
    "Once more": "what lies between that point and where the job would go on by itself",
    "Lost": "what the source no longer holds",
}
"""The columns of what is told, and what each says."""

_POINTS = {
    "as a plain start: the first line of the table": _AS_IT_STANDS,
    "stop point": "stopped",
    "latest": "latest",
    "earliest": "earliest",
    "a time": "time",
    "positions": "positions",
}


class StartPoint:
    """Asks for a start point, for a start or for a reset of the position."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._verb, self._job = Verb.START, ""
        self._told = html_pane(css="dialogs.css")
        self._point = pmui.RadioBoxGroup(options=_POINTS, value=_AS_IT_STANDS, margin=(4, 0))
        self._time = pmui.TextInput(
            label="Time with its zone", placeholder="2024-01-31T08:30:00Z", size="small",
            visible=False, margin=(4, 0),
        )  # fmt: skip
        self._positions = pmui.TextInput(
            label="Per stream and partition the next offset",
            placeholder='{"readings": {"0": 1200}}', size="small", visible=False, margin=(4, 0),
            sizing_mode="stretch_width",
        )  # fmt: skip
        self._go = button("Start", variant="contained", on_click=desk.guard(self._act))
        self._point.param.watch(desk.guard(self._chosen), "value")
        self.dialog = pmui.Dialog(
            self._told,
            self._point,
            self._time,
            self._positions,
            row(
                gap(),
                button("Cancel", on_click=desk.guard(self._close)),
                self._go,
                sizing_mode="stretch_width",
            ),
            title="",
            title_variant="h6",
            width_option="md",
            sizing_mode="stretch_width",
            close_on_click=True,
        )

    def ask(self, verb: Verb, job: str) -> None:
        """Open the dialog; what each point would mean follows as soon as it is known."""
        self._verb, self._job = verb, job
        reset = verb is Verb.RESET
        points = {k: v for k, v in _POINTS.items() if not (reset and v == _AS_IT_STANDS)}
        self._point.param.update(options=points, value=next(iter(points.values())))
        self._told.object = f"<p>{text_html(_meaning(verb))}</p><p>Asking the sources…</p>"
        self._go.label = "Reset position" if reset else "Start"
        self.dialog.param.update(
            title=f"{'Next start of' if reset else 'Start'} {job} from…", open=True
        )
        self._desk.work(
            "What a start would mean is not known",
            lambda: self._desk.door.forecast(job),
            self._forecast,
        )

    def _forecast(self, forecast: Any) -> None:
        if forecast.job == self._job:
            self._told.object = f"<p>{text_html(_meaning(self._verb))}</p>{forecast_html(forecast)}"

    def _chosen(self, event: Any) -> None:
        self._time.visible = event.new == "time"
        self._positions.visible = event.new == "positions"

    def _close(self, *_: Any) -> None:
        self.dialog.open = False

    def _act(self, *_: Any) -> None:
        at = self._wanted()
        self.dialog.open = False
        how = {} if at == _AS_IT_STANDS else {"at": at}
        wish = Wish(verb=self._verb, names=(self._job,), how=how)
        if self._verb is Verb.RESET:
            self._desk.ask(wish)
        else:
            self._desk.do(wish)

    def _wanted(self) -> Any:
        if self._point.value == "time":
            return self._time.value.strip()
        if self._point.value != "positions":
            return self._point.value
        try:
            return {"positions": json.loads(self._positions.value or "")}
        except ValueError as error:
            raise Refused(f"the positions cannot be read as JSON: {error}") from error


def _meaning(verb: Verb) -> str:
    if verb is Verb.RESET:
        return "Choose the point from which the job starts next; window state is dropped with it."
    return (
        "Choosing a point drops window state that was kept; windows that began before are cut off. "
        f"{OUTPUT_STAYS}"
    )


def forecast_html(forecast: Any) -> str:
    """Write what a start would mean from each point."""
    rows = "".join(
        f"<tr><td>{text_html(p.start)}</td><td>{text_html(p.left or p.trouble or DASH)}</td>"
        f"<td>{count(p.records)}</td><td>{lasting(p.seconds)}</td>"
        f"<td>{text_html(p.again or DASH)}</td><td>{text_html(p.lost or DASH)}</td></tr>"
        for p in forecast.points
    )
    head = "".join(
        f'<th title="{html.escape(said)}">{html.escape(name)}</th>' for name, said in _HEADS.items()
    )
    verdict = forecast.verdict
    free = f"{cu_text(verdict.cu)} CU are needed; remaining: {cu_text(forecast.free)} CU."
    why = f'<p class="why">{text_html(verdict.why)}</p>' if verdict.why else f"<p>{free}</p>"
    if forecast.agreed:
        why += f'<p class="why">{text_html(forecast.agreed)}</p>'
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    told = " ".join(f"<b>{name}</b>: {said}." for name, said in _HEADS.items() if said)
    return f'{why}<div class="plan">{table}</div><p><small>{told}</small></p>'
