"""Writing a new job: templates, text that is checked as one types, its result on a sample."""

from __future__ import annotations

from typing import Any

import panel_material_ui as pmui

from streamops_nb.ui.panel.look import (
    EDGES,
    bar,
    button,
    code_input,
    column,
    gap,
    html_pane,
    row,
    text_html,
)
from streamops_nb.ui.panel.previewed import Previewed
from streamops_nb.ui.state.desk import Desk
from streamops_nb.ui.state.draft import Checked, Draft, templates
from streamops_nb.ui.state.wish import Verb, Wish

__all__ = ["NewJob"]


class NewJob:
    """The page on which a job is written."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        guard = desk.guard
        found = templates()
        first = next(iter(found.values()))
        self.draft = Draft(first)
        self._template = pmui.Select(
            label="Begin with", options=found, value=first, size="small", width=260, margin=(4, 4)
        )
        self._text = code_input("Specification (YAML)", first, margin=(8, 12, 4, 0))
        self._said = html_pane(css="newjob.css", margin=(8, 0, 0, 0))
        self._shown = Previewed(desk, faults=False)
        self._save = button("Save", "save", on_click=guard(self._keep(start=False)))
        self._start = button(
            "Save and start",
            "start",
            variant="contained",
            on_click=guard(self._keep(start=True)),
        )
        for part in (self._save, self._start):
            bar(part, desk.permits.refusal("save"))
        self._template.param.watch(guard(self._begin), "value")
        self._text.param.watch(guard(self._typed), "value_input")
        self._text.param.watch(guard(self._typed), "value")
        self.draft.param.watch(guard(self._show), "checked")
        self._show()
        self.draft.check_soon(desk)

    def __panel__(self) -> Any:
        back = button(
            "Back",
            "back",
            variant="text",
            on_click=self._desk.guard(lambda *_: self._desk.back()),
        )
        head = html_pane("<h2>New job</h2>", css="newjob.css", margin=(4, 0))
        return column(
            row(back, head, self._template, self._save, self._start, **EDGES),
            row(
                column(self._text, styles={"flex": "1 1 46%"}),
                column(self._said, self._shown, styles={"flex": "1 1 54%", "min-width": "0"}),
            ),
            gap(),
        )

    def refresh(self) -> None:
        """The page stays as it is; it is checked as one types."""

    def forget(self) -> None:
        """Let go of the state."""

    def _begin(self, event: Any) -> None:
        if event.new:
            self._text.value = event.new

    def _typed(self, event: Any) -> None:
        self.draft.text = event.new or ""
        self.draft.check_soon(self._desk)

    def _show(self, *_: Any) -> None:
        checked = self.draft.checked
        self._said.object = checked_html(checked)
        wrong = checked.spec is None or bool(checked.faults)
        self._save.disabled = checked.spec is None
        self._start.disabled = wrong
        if checked.preview is not None and not (checked.faults and checked.spec is None):
            self._shown.show(checked.preview)

    def _keep(self, *, start: bool) -> Any:
        def keep(*_: Any) -> None:
            desk, text = self._desk, f"{self.draft.text}\n"
            desk.work(
                "The job was not saved",
                lambda: desk.door.save(text, comment="written on the page").name,
                lambda name: self._kept(name, start=start),
                "ws.save(text)",
            )

        return keep

    def _kept(self, name: str, *, start: bool) -> None:
        self._desk.notices.tell("success", f"Saved {name}.", line="ws.save(text)")
        self._desk.open(name)
        if start:
            self._desk.ask(Wish(verb=Verb.START, names=(name,)))


def checked_html(checked: Checked) -> str:
    """Write what was found out about the text."""
    if not checked.text:
        return '<p class="quiet">Checking…</p>'
    if checked.faults:
        faults = "".join(f"<li>{text_html(fault)}</li>" for fault in checked.faults)
        count = len(checked.faults)
        said = f"{count} fault{'s' if count > 1 else ''}"
        return f'<div class="wrong"><b>{said}</b><ul>{faults}</ul></div>'
    spec = checked.spec
    streams = "" if spec is None else ", ".join(spec.streams)
    schemas = ""
    if checked.preview is not None:
        schemas = "; ".join(
            f"{name}: {', '.join(f'{field} {kind}' for field, kind in drawn.schema.items())}"
            for name, drawn in checked.preview.sample.streams.items()
        )
    return (
        f'<div class="right"><b>The specification is right.</b> Streams: {text_html(streams)}.'
        f'<br><span class="quiet">{text_html(schemas)}</span></div>'
    )
