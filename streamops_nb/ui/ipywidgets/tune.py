"""``job.tune()``: a job's parameters as sliders, its result on one sample beside them."""

from __future__ import annotations

import html
import math
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import ipywidgets as widgets

from streamops_nb.model.errors import StreamopsError
from streamops_nb.model.spec import JobSpec
from streamops_nb.ops.job import Job
from streamops_nb.ops.preview.page import Caps, framed, rows_html
from streamops_nb.ops.preview.preview import Preview
from streamops_nb.ops.preview.text import preview_text
from streamops_nb.ops.preview.words import counts, heading, notes
from streamops_nb.ui.newest import Newest
from streamops_nb.ui.state.controls import Control
from streamops_nb.ui.state.tuning import Tuned, Tuning

__all__ = ["Tune", "tune"]

_CAPS = Caps(rows=15, columns=12, width=40)
_PATIENCE = 30.0
"""Seconds to wait for the result of what was chosen before it is saved."""
_POINTS = (
    ("as the next start would", None),
    ("at the latest", "latest"),
    ("at the sample's first row", "sample"),
)


def tune(job: Job, **how: Any) -> Tune:
    """Make the screen by which a job is tuned; keywords as of `Workspace.preview`."""
    return Tune(job.preview(**how))


class Tune:
    """Controls, and the result that they lead to.

    Runs go on in a thread and change widgets in place; nothing is printed. A program may do what a
    person does: `set`, `save`, `start`. The kernel keeps widgets, also those of a cell that was run
    again: `close` frees them and the sample.

    Attributes
    ----------
    widget
        What a notebook shows.
    """

    def __init__(self, start: Preview) -> None:
        self.state = Tuning(start)
        self._said = widgets.HTML()
        self._summary = widgets.HTML()
        self._chart = widgets.HTML()
        self._rows = widgets.HTML()
        self._diff = widgets.HTML()
        self._measure = widgets.Dropdown(
            options=self.state.measures, value=self.state.measure, description="chart"
        )
        self._controls = {c.name: _widget(c) for c in self.state.controls}
        self._at = widgets.Dropdown(options=_POINTS, index=0, description="start")
        self._newest: Newest[Mapping[str, Any], Tuned] = Newest(
            self.state.run, self._show, self._fail
        )
        self._buttons = [
            _button("Reset", "every control as at the beginning", self.reset),
            _button("Save", "as a new version", lambda: self._act(self._saved)),
            _button("Start", "save and start the job", lambda: self._act(self._started)),
        ]
        self._listen()
        self.widget = self._laid_out()
        self._show(self.state.tuned)

    # what a person or a program does

    @property
    def preview(self) -> Preview:
        """The result that is shown."""
        return self.state.tuned.preview

    @property
    def values(self) -> dict[str, Any]:
        """The parameters' values as they are chosen now."""
        return dict(self.state.values)

    @property
    def spec(self) -> JobSpec:
        """The specification with the values that are shown as defaults."""
        return self.preview.tuned

    def set(self, **values: Any) -> Tune:
        """Move controls, as a person would."""
        for name, value in values.items():
            self.state.control(name).read(value)
        for name, value in values.items():
            control = self.state.control(name)
            self._controls[name].value = str(value) if control.kind == "text" else value
        return self

    def settle(self, seconds: float = 30.0) -> Tune:
        """Wait until what was chosen is shown."""
        self._newest.settle(seconds)
        return self

    def reset(self) -> None:
        """Put every control back to where it was at the beginning."""
        for control in self.state.controls:
            self._controls[control.name].value = _held(control)

    def save(self, comment: str = "") -> Job:
        """Save what is shown as the job's newest version."""
        return self.preview.save(comment=comment or "tuned")

    def start(self, at: Any = None) -> Job:
        """Save what is shown and start it; `at` as of `Preview.start`."""
        return self.preview.start(at, comment="tuned")

    def close(self) -> None:
        """Stop what goes on and take the widgets away."""
        self._newest.drop()
        self.widget.close()

    # what is shown

    def _show(self, tuned: Tuned) -> None:
        self.state.tuned = tuned
        if tuned.error:
            self._say(tuned.error, wrong=True)
            return
        self._say("")
        self._summary.value = _summary(tuned)
        self._rows.value = framed(rows_html(tuned.output, _CAPS))
        self._diff.value = "" if tuned.diff is None else tuned.diff._repr_html_()
        self._draw()

    def _draw(self) -> None:
        known = tuple(self.state.measures)
        if self._measure.options != known:
            self._measure.options = known
        self._chart.value = self.state.chart()

    def _fail(self, error: Exception) -> None:
        self._say(str(error) or type(error).__name__, wrong=True)

    def _say(self, text: str, *, wrong: bool = False) -> None:
        word = "so-note so-fault" if wrong else "so-note"
        self._said.value = framed(f'<p class="{word}">{html.escape(text)}</p>') if text else ""

    # what is pressed

    def _listen(self) -> None:
        for name, control in self._controls.items():
            control.observe(partial(self._moved, name), "value")
        self._measure.observe(self._measured, "value")

    def _moved(self, name: str, change: Mapping[str, Any]) -> None:
        try:
            values = self.state.change(name, change["new"])
        except StreamopsError as error:
            self._newest.drop()
            self._fail(error)
        else:
            self._newest.ask(values)

    def _measured(self, change: Mapping[str, Any]) -> None:
        self.state.measure = change["new"]
        self._draw()

    def _act(self, what: Callable[[], str]) -> None:
        """Do what may take a while on a thread of its own, with what is chosen now."""

        def acting() -> None:
            try:
                self._newest.settle(_PATIENCE)
                self._say(what())
            except Exception as error:  # noqa: BLE001 - whatever it is, the person must see it
                self._fail(error)
            finally:
                self._enable(enabled=True)

        self._enable(enabled=False)
        threading.Thread(target=acting, name="tune", daemon=True).start()

    def _enable(self, *, enabled: bool) -> None:
        for button in self._buttons:
            button.disabled = not enabled

    def _saved(self) -> str:
        job = self.save()
        return f"{job.name} is saved as version {job.view.version}"

    def _started(self) -> str:
        job = self.start(self._at.value)
        return f"{job.name} is {job.status}, version {job.view.version}"

    def _laid_out(self) -> widgets.Widget:
        head = html.escape(f"{self.state.start.spec.name}: {self.state.start.sample.how}")
        controls = widgets.VBox([*self._controls.values(), widgets.HBox(self._buttons), self._at])
        seen = widgets.VBox([self._summary, self._measure, self._chart])
        controls.layout.width, seen.layout.width = "330px", "490px"
        tabs = widgets.Tab([self._rows, self._diff], titles=("Result", "Difference"))
        return widgets.VBox(
            [
                widgets.HTML(f"<b>Tune {head}</b>"),
                widgets.HBox([controls, seen], layout={"flex_flow": "row wrap"}),
                self._said,
                tabs,
            ]
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        bundle = self.widget._repr_mimebundle_(include=include, exclude=exclude) or {}
        return {**bundle, "text/plain": repr(self), "text/html": self.preview._repr_html_()}

    def __repr__(self) -> str:
        return preview_text(self.preview)


def _button(label: str, said: str, what: Callable[[], None]) -> widgets.Button:
    button = widgets.Button(description=label, tooltip=said, layout={"width": "84px"})
    button.on_click(lambda _: what())
    return button


def _widget(control: Control) -> widgets.Widget:
    about = {
        "description": control.name,
        "tooltip": control.param.description or control.hint or control.param.type,
        "style": {"description_width": "90px"},
        "layout": {"width": "320px"},
    }
    held = _held(control)
    if control.kind in ("slider", "whole slider"):
        whole = control.kind == "whole slider"
        ends = {"min": control.low, "max": control.high, "step": control.step}
        if whole:
            return widgets.IntSlider(held, **{k: int(v) for k, v in ends.items()}, **about)
        return widgets.FloatSlider(held, **ends, readout_format=_format(control.step), **about)
    if control.kind == "choice":
        options = _options(control)
        chosen = [value for _, value in options].index(held)
        return widgets.Dropdown(options=options, index=chosen, **about)
    if control.kind == "switch":
        return widgets.Checkbox(held, **about)
    # Return or leaving the field sends it: half a number is none
    return widgets.Text(held, placeholder=control.hint or "NULL", continuous_update=False, **about)


def _format(step: float) -> str:
    """As many decimals as the steps have."""
    return f".{max(0, -math.floor(math.log10(step)))}f"


def _options(control: Control) -> list[tuple[str, Any]]:
    values = list(control.param.choices or ())
    if control.value is None:
        values = [None, *values]
    return [("NULL" if value is None else str(value), value) for value in values]


def _held(control: Control) -> Any:
    """What a control holds for the value at the beginning."""
    if control.kind == "text":
        return control.text
    if control.kind == "slider":
        return float(control.value)
    return control.value


def _summary(tuned: Tuned) -> str:
    preview = tuned.preview
    stages = "".join(
        f"<div>{html.escape(stage.name)}: {html.escape(counts(stage))}</div>"
        for stage in preview.result.stages.values()
    )
    said = "no difference from the start" if not tuned.diff else tuned.diff.summary
    told = "".join(f'<p class="so-note">{html.escape(note)}</p>' for note in notes(preview))
    faults = "".join(
        f'<p class="so-note so-fault">{html.escape(str(f))}</p>' for f in preview.faults
    )
    head = f'<div class="so-soft" style="width:100%">{html.escape(heading(preview))}</div>'
    lines = f'<div style="width:100%"><b>{html.escape(said)}</b>{stages}</div>'
    return framed(f"{head}{lines}{told}{faults}")
