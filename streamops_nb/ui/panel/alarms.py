"""The alarms of a workspace: what is watched, with which jobs it is raised, and a form for more."""

from __future__ import annotations

from typing import Any

import panel_material_ui as pmui

from streamops_nb.model.alarms import QUANTITIES
from streamops_nb.ui.panel.grid import Grid
from streamops_nb.ui.panel.look import EDGES, button, column, gap, html_pane, line, row, text_html
from streamops_nb.ui.state.alarming import Alarming
from streamops_nb.ui.state.desk import Desk
from streamops_nb.ui.state.feed import Feed
from streamops_nb.ui.state.pages import sheet_of

__all__ = ["AlarmsPage"]

_HELP = (
    "<p>A condition is a quantity, a comparison and a value, such as <code>lag &gt; 10000</code> "
    "or <code>status = FAILED</code>; or an SQL expression over the metrics of the last time, such "
    "as <code>avg(seconds) &gt; 0.5</code>. Quantities:</p>"
)


class AlarmsPage:
    """Shows the rules of a workspace and how they stand; sets and removes them.

    Parameters
    ----------
    job
        The job that a new alarm is about at first; empty: all.
    """

    def __init__(self, desk: Desk, job: str = "") -> None:
        self._desk = desk
        guard = desk.guard
        self._grid = Grid(guard(self._choose), page_size=50)
        self._name = _text("Name", 120)
        self._when = _text("Condition", 190)
        self._metrics = _text("or expression over metrics", 190)
        self._over = _text("of the last", 90, value="5m")
        self._after = _text("After", 80, value="0s")
        self._every = _text("Again every", 100, value="0s")
        self._jobs = _text("Jobs (none: all)", 130, value=job)
        self._to = _text("Told to", 80, value="log")
        self._remove = button("Remove", "remove", disabled=True, on_click=guard(self._take_away))
        self._chosen = ""
        self._rules: dict[str, Any] = {}
        self._feed = Feed(desk, "The alarms are not there", self._ask, self._show, every=2.0)
        self._feed.refresh(now=True)

    def __panel__(self) -> Any:
        guard = self._desk.guard
        back = button("Back", "back", variant="text", on_click=guard(lambda *_: self._desk.back()))
        known = "".join(
            f"<div><dt><code>{text_html(name)}</code></dt><dd>{text_html(said)}</dd></div>"
            for name, said in QUANTITIES.items()
        )
        head = html_pane("<h2>Alarms</h2>", css="newjob.css", margin=(4, 0))
        return column(
            row(back, head, gap(), self._remove, **EDGES),
            self._grid,
            html_pane("<h3>Set an alarm</h3>", css="newjob.css", margin=(10, 0, 0, 0)),
            line(
                *self._parts,
                button(
                    "Set alarm",
                    "alarm",
                    variant="contained",
                    margin=(10, 4, 4, 4),
                    on_click=guard(self._set),
                ),
            ),
            html_pane(f"{_HELP}<dl>{known}</dl>", css="newjob.css", margin=(8, 0)),
        )

    def refresh(self, *, now: bool = False) -> None:
        """Show the present."""
        self._feed.refresh(now=now)

    def _ask(self) -> tuple[Any, Any]:
        alarms = self._desk.door.alarms
        return alarms.df, alarms.rules

    def _show(self, found: tuple[Any, Any]) -> None:
        frame, self._rules = found
        self._grid.fill(
            sheet_of(
                frame,
                notes={"alarm": "click one to change it"},
                kinds={"condition": "wrap", "raised": "wrap", "jobs": "wrap"},
                cell_tone=lambda name, value: "bad" if name == "raised" and value else "",
                empty="No alarm is set.",
            )
        )

    def _choose(self, number: int) -> None:
        """Put a rule into the form, to change it."""
        self._chosen = str(self._grid.sheet.row(number)["alarm"])
        self._remove.disabled = False
        asked = Alarming.of(self._rules[self._chosen])
        for part, value in zip(self._parts, asked, strict=True):
            part.value = value

    @property
    def _parts(self) -> tuple[Any, ...]:
        return (
            self._name, self._when, self._metrics, self._over, self._after, self._every,
            self._jobs, self._to,
        )  # fmt: skip

    def _set(self, *_: Any) -> None:
        asked = Alarming(*(str(part.value or "").strip() for part in self._parts))
        self._desk.work(
            "The alarm was not set",
            lambda: asked.set(self._desk.door),
            lambda rule: self._told(f"The alarm {rule.name} is set: {rule.words}.", asked.line),
            asked.line,
        )

    def _take_away(self, *_: Any) -> None:
        name = self._chosen
        line = f"ws.alarms.remove({name!r})"
        self._desk.work(
            f"The alarm {name} was not removed",
            lambda: self._desk.door.alarms.remove(name),
            lambda _: self._told(f"The alarm {name} is removed.", line),
            line,
        )

    def _told(self, text: str, line: str) -> None:
        self._remove.disabled = True
        self._grid.chosen = -1
        self._desk.notices.tell("success", text, line=line)
        self._feed.refresh(now=True)

    def forget(self) -> None:
        """Nothing is held."""


def _text(label: str, width: int, **how: Any) -> Any:
    return pmui.TextInput(label=label, size="small", width=width, margin=(10, 4, 4, 4), **how)
