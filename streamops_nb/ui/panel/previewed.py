"""The result of a preview: a tab per stage, input beside output; rejects, late rows, receipt."""

from __future__ import annotations

import html
from typing import Any

import panel_material_ui as pmui

from streamops_nb.model.wording import number_of
from streamops_nb.plan.relation import Kind
from streamops_nb.ui.panel.grid import Grid
from streamops_nb.ui.panel.look import FLAT, column, html_pane, row, text_html
from streamops_nb.ui.state.desk import Desk
from streamops_nb.ui.state.examining import Found, why
from streamops_nb.ui.state.pages import Sheet, sheet_of
from streamops_nb.ui.state.wording import lasting

__all__ = ["Previewed"]

_HIDDEN = ("_row", "_number")
_WINDOW = "_window"


class Previewed:
    """Shows a preview that was run.

    Parameters
    ----------
    faults
        Whether it tells what is wrong with the query, too.
    """

    def __init__(self, desk: Desk, *, faults: bool = True) -> None:
        self._faults = faults
        self._desk = desk
        self._result: Any = None
        self._more: dict[str, tuple[str, Sheet]] = {}
        self._head = html_pane(css="preview.css")
        self._choice = pmui.RadioButtonGroup(
            options=[], size="small", margin=(8, 0), visible=False, sx=FLAT
        )
        self._said = html_pane(css="preview.css")
        self._left_head, self._right_head = (
            html_pane(css="preview.css"),
            html_pane(css="preview.css"),
        )
        self._left = Grid(page_size=50)
        self._right = Grid(desk.guard(self._ask_why), page_size=50)
        self._beside = row(
            column(self._left_head, self._left, margin=(0, 6, 0, 0)),
            column(self._right_head, self._right, margin=(0, 0, 0, 6)),
            visible=False,
        )
        self._alone = Grid(page_size=100, visible=False)
        self._choice.param.watch(desk.guard(self._show_choice), "value")

    def __panel__(self) -> Any:
        return column(
            self._head, self._choice, self._said, self._beside, self._alone, margin=(8, 0)
        )

    def show(self, result: Any) -> None:
        """Show a preview; the stage that was looked at stays, if it is there."""
        self._result, self._more = result, {}
        self._head.object = head_html(result, faults=self._faults)
        self._offer(self._choice.value)

    def show_diff(self, difference: Any) -> None:
        """Show how it differs from the preview before."""
        self._tell("Compared", str(difference.summary), _compared_sheet(difference))

    def show_found(self, found: Found) -> None:
        """Show an answer beside the stages, and how it is asked for in Python."""
        self._tell(found.title, found.text, sheet_of(found.frame.reset_index(drop=True)))
        self._desk.notices.tell("info", "This asks the same:", line=found.line)

    def _tell(self, title: str, text: str, sheet: Sheet) -> None:
        self._more[title] = (f'<p class="said">{text_html(text)}</p>', sheet)
        self._offer(title)

    def _ask_why(self, number: int) -> None:
        result, stage = self._result, str(self._choice.value)
        self._desk.work(
            "Why it is there cannot be said", lambda: why(result, number, stage), self.show_found
        )

    def _offer(self, wanted: str | None) -> None:
        result = self._result
        options = {f"{name}  {stage.rows_out:,}": name for name, stage in result.stages.items()}
        if len(result.rejects):
            options[f"Rejects {len(result.rejects):,}"] = "rejects"
        if len(result.late):
            options[f"Late {len(result.late):,}"] = "late"
        options |= {"Profile": "profile", "Receipt": "receipt"}
        options |= {title: f"more {title}" for title in self._more}
        wanted = f"more {wanted}" if wanted in self._more else wanted
        kept = wanted if wanted in options.values() else result.output
        if kept not in options.values():
            kept = next(iter(options.values()))
        self._choice.param.update(options=options, value=kept, visible=True)
        self._show_choice()

    def _show_choice(self, *_: Any) -> None:
        name, result = self._choice.value, self._result
        if name is None or result is None:
            return
        stage = name in result.stages
        self._beside.visible, self._alone.visible = stage, not stage
        if stage:
            self._show_stage(name)
        elif name.removeprefix("more ") in self._more:
            self._said.object, sheet = self._more[name.removeprefix("more ")]
            self._alone.fill(sheet)
        elif name == "profile":
            self._said.object = ""
            self._desk.work("There is no profile", lambda: result.profile, self._show_alone)
        else:
            frames = {"rejects": result.rejects, "late": result.late, "receipt": result.receipt.df}
            said = text_html(str(result.receipt)) if name == "receipt" else ""
            self._said.object = f'<p class="quiet">{said}</p>' if said else ""
            self._show_alone(frames[name])

    def _show_alone(self, frame: Any) -> None:
        self._alone.fill(sheet_of(frame.reset_index(drop=True)))

    def _show_stage(self, name: str) -> None:
        stage = self._result.stages[name]
        self._said.object = stage_html(stage)
        inputs = stage.inputs
        output = stage.df
        first = next(iter(inputs), None)
        given = inputs[first] if first is not None else output.iloc[:0]
        new = [c for c in output.columns if all(c not in f.columns for f in inputs.values())]
        gone = [c for c in given.columns if c not in output.columns]
        title = "Input" if first is None else f"Input: {', '.join(inputs)}"
        lost = "<small>red: not in the output</small>" if gone else ""
        made = "green: new here · " if any(c != _WINDOW for c in new) else ""
        self._left_head.object = f"<h4>{html.escape(title)} {lost}</h4>"
        self._right_head.object = (
            f"<h4>Output: {html.escape(name)} "
            f"<small>{made}click a row: why is it there?</small></h4>"
        )
        types = self._types(first)
        self._left.fill(
            sheet_of(
                given, notes=types, tones=dict.fromkeys(gone, "removed"), empty="No rows came in."
            )
        )
        self._right.fill(
            sheet_of(
                output,
                notes=stage.columns,
                tones={c: "added" for c in new if c != _WINDOW},
                row_tone=_window_tone,
                empty="No output records produced.",
            )
        )

    def _types(self, name: str | None) -> dict[str, str]:
        result = self._result
        if name is None:
            return {}
        if name in result.stages:
            return dict(result.stages[name].columns)
        stream = result.spec.streams.get(name)
        if stream is None:
            return {}
        drawn = result.sample.streams.get(name)
        return dict(drawn.schema if drawn is not None else stream.schema_ or {})


def _window_tone(line: Any) -> str:
    return {"early": "early", "cut off": "cut"}.get(line.get(_WINDOW, ""), "")


def _compared_sheet(difference: Any) -> Sheet:
    def tone(line: Any) -> str:
        said = str(line.get("change", line.get("_change", "")))
        return {"added": "added", "removed": "removed"}.get(said, "")

    return sheet_of(difference.df.reset_index(drop=True), row_tone=tone, empty="Nothing differs.")


def head_html(result: Any, *, faults: bool = True) -> str:
    """Write what was run, on what, and what is wrong with it."""
    said = "".join(f"<li>{text_html(str(fault))}</li>" for fault in result.faults)
    wrong = (
        f'<div class="said"><b>Not all of it can be run</b><ul>{said}</ul></div>'
        if said and faults
        else ""
    )
    took = sum(result.receipt.seconds.values())
    last = result.stages[result.output].rows_out if result.output in result.stages else 0
    return (
        f"{wrong}<p>{_counted(result.sample.rows)} in → <b>{last:,}</b> out, "
        f"{_counted(len(result.rejects), 'reject')} "
        f'<span class="quiet">· {text_html(str(result.sample.how))} · in {lasting(took)} · '
        f"{text_html(str(result.receipt))}</span></p>"
    )


def stage_html(stage: Any) -> str:
    """Write what a stage did to its rows."""
    rejected = f", <b>{stage.rejected:,}</b> rejected" if stage.rejected else ""
    early = ""
    if _WINDOW in stage.df.columns:
        counts = stage.df[_WINDOW].value_counts()
        early = "".join(
            f", <b>{counts[kind]:,}</b> {said}"
            for kind, said in (("early", "early (still open)"), ("cut off", "cut off"))
            if kind in counts
        )
    return (
        f"<p><b>{html.escape(stage.name)}</b> "
        f"<span class='quiet'>{Kind(stage.kind).said}</span>: "
        f"{_counted(stage.rows_in)} in, <b>{stage.rows_out:,}</b> out{rejected}{early}</p>"
    )


def _counted(number: int, word: str = "row") -> str:
    figure, _, things = number_of(number, word).partition(" ")
    return f"<b>{figure}</b> {things}"
