"""The dialog that asks back: what follows, what it would do to each job, yes or no."""

from __future__ import annotations

import html
from typing import Any

import panel_material_ui as pmui

from streamops_nb.model.booking import cu_text
from streamops_nb.ui.panel.look import button, column, gap, html_pane, row, text_html
from streamops_nb.ui.state.desk import Desk, Question
from streamops_nb.ui.state.wish import Verb

__all__ = ["Asking", "held_back"]

_GENTLE = (Verb.START, Verb.PAUSE)


def held_back(*dialogs: Any) -> Any:
    """Hold dialogs back until they are opened: a page is seen sooner without those nobody needs."""
    place = column()

    def come(event: Any) -> None:
        if event.new and all(one is not event.obj for one in place.objects):
            place.append(event.obj)

    for dialog in dialogs:
        dialog.param.watch(come, "open")
    return place


class Asking:
    """Shows the question that is open at a desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._body = html_pane(css="dialogs.css")
        self._no = button("Cancel", on_click=desk.guard(lambda *_: desk.answer(yes=False)))
        self._yes = button("OK", variant="contained", on_click=desk.guard(self._say_yes))
        self.dialog = pmui.Dialog(
            self._body,
            row(
                gap(),
                self._no,
                self._yes,
                margin=(12, 0, 0, 0),
                sizing_mode="stretch_width",
            ),
            title="",
            title_variant="h6",
            width_option="sm",
            sizing_mode="stretch_width",
            open=False,
            close_on_click=True,
        )
        self._watchers = [
            (self.dialog, self.dialog.param.watch(desk.guard(self._closed), "open")),
            (desk, desk.param.watch(desk.guard(self._show), ["question"])),
        ]

    def _closed(self, event: Any) -> None:
        if not event.new and self._desk.question is not None:
            self._desk.answer(yes=False)

    def _say_yes(self, *_: Any) -> None:
        question = self._desk.question
        refused = question is not None and question.plan is not None and question.plan.refused
        self._desk.answer(yes=True, best_effort=bool(refused))

    def _show(self, *_: Any) -> None:
        question = self._desk.question
        if question is None:
            self.dialog.open = False
            return
        wish, allowed = question.wish, question.allowed
        self._body.object = question_html(question)
        label = wish.verb.capitalize()
        if question.plan is not None and len(allowed) < len(wish.names):
            label = f"{label} {len(allowed)} of {len(wish.names)}"
        if "drop_state" in wish.how:
            label = f"{label}, drop state"
        self._yes.param.update(
            label=label,
            disabled=not allowed,
            color="primary" if wish.verb in _GENTLE and not question.why else "error",
        )
        self.dialog.param.update(title=f"{wish.title}?", open=True)

    def forget(self) -> None:
        """Let go of the state."""
        for owner, watcher in self._watchers:
            owner.param.unwatch(watcher)


def question_html(question: Question) -> str:
    """Write a question: what follows, why it is asked, the plan per job."""
    wish = question.wish
    parts = [f"<p>{text_html(wish.consequence)}</p>"]
    if question.why:
        parts.append(_why_html(question.why))
    elif question.plan is not None:
        parts.append(_plan_html(question.plan, several=len(wish.names) > 1))
    parts.append(f"<p><code>{html.escape(wish.line)}</code></p>")
    return "".join(parts)


def _plan_html(plan: Any, *, several: bool) -> str:
    warnings = "".join(
        _why_html(f"{v.job} feeds {_names(v.starves)}: nothing new comes there")
        for v in plan.verdicts
        if v.starves
    )
    if not several:
        return warnings + "".join(_why_html(v.why) for v in plan.refused)
    rows = "".join(
        "<tr>"
        f"<td>{html.escape(v.job)}</td><td>{html.escape(v.status)}</td>"
        f"{_verdict_html(v)}"
        f"<td>{cu_text(v.free_after)} of {cu_text(plan.allocated)}</td></tr>"
        for v in plan.verdicts
    )
    head = "<tr><th>Job</th><th>Status</th><th>Plan</th><th>CU free after</th></tr>"
    table = f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"
    return f'<div class="plan">{table}</div>{warnings}'


def _why_html(why: str) -> str:
    return f'<p class="why">{text_html(why)}</p>'


def _verdict_html(verdict: Any) -> str:
    if verdict.allowed:
        unsure = verdict.retained if verdict.retained.startswith("not known") else ""
        told = f"; whether its position is retained is {unsure}" if unsure else ""
        return f'<td class="yes">allowed{text_html(told)}</td>'
    return f'<td class="no">{text_html(verdict.why)}</td>'


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
