"""The preview of a job: which rows, which values; run, cancel, look, compare, start."""

from __future__ import annotations

import inspect
from typing import Any

import panel_material_ui as pmui

from streamops_nb.engine.preview.work import Work
from streamops_nb.ui.panel.examining import Examining
from streamops_nb.ui.panel.look import bar, button, column, gap, html_pane, line, row, text_html
from streamops_nb.ui.panel.previewed import Previewed
from streamops_nb.ui.panel.previewform import PreviewForm
from streamops_nb.ui.state.desk import Desk
from streamops_nb.ui.state.trying import Trying
from streamops_nb.ui.state.wish import Verb, Wish

__all__ = ["PreviewTab"]

_SAID = (
    "Takes the latest data of the sources and runs the query once, in a database of its own in "
    "memory. Nothing is saved, no position moves, and no CU are used."
)
_POINTS = {"as the next start would": "", "the sample's first record": "sample", "latest": "latest"}


class PreviewTab:
    """Previews a job."""

    def __init__(self, desk: Desk, job: str) -> None:
        self._desk, self._job = desk, job
        self.trying: Trying | None = None
        self._form: PreviewForm | None = None
        self._entry: Any = None
        self._wanted = False
        self._work: Work | None = None
        self._turn = 0
        self._body = column(html_pane("<p>Reading the specification…</p>"), margin=(6, 0))
        self._shown = Previewed(desk)
        self._closer = Examining(desk, self._shown, self._run_on, self._kept_anew)
        desk.work(f"{job} cannot be previewed", self._ask, self._begin)

    def __panel__(self) -> Any:
        return self._body

    def refresh(self, *, now: bool = False) -> None:
        """A preview stays as it is until it is run again."""

    def _ask(self) -> tuple[Any, list[str]]:
        door = self._desk.door
        return door.spec(self._job), list(door.samples)

    def _begin(self, found: tuple[Any, list[str]]) -> None:
        spec, kept = found
        self.trying = Trying(spec)
        self._form = form = PreviewForm(self.trying, kept)
        guard = self._desk.guard
        form.way.param.watch(guard(form.choose_way), "value")
        self._run_button = button(
            "Run preview", "preview", variant="contained", on_click=guard(self.run)
        )
        self._again = button(
            "Run with changes", "replay", disabled=True, on_click=guard(self._run_again)
        )
        self._cancel = button("Cancel", "close", visible=False, on_click=guard(self.cancel))
        self._compare = button(
            "Compare with before", "compare", disabled=True, on_click=guard(self._compare_them)
        )
        self._at = pmui.Select(
            label="Start at", options=_POINTS, value="", size="small", width=212, margin=(4, 4)
        )
        self._start = button("Start this job", "start", disabled=True, on_click=guard(self._go))
        copy = button("Copy as Python", "code", on_click=guard(self._copied))
        for part in (self._run_button, self._again, self._start):
            bar(part, self._desk.permits.refusal("preview"))
        self._busy = pmui.LinearProgress(
            variant="indeterminate", visible=False, sizing_mode="stretch_width", margin=(2, 4)
        )
        self._body.objects = [
            html_pane(f'<p class="quiet">{text_html(_SAID)}</p>', css="preview.css"),
            line(*form.parts),
            form.query,
            line(
                self._run_button, self._again, self._cancel, gap(), self._compare, copy,
                row(self._at, self._start, sizing_mode=None),
            ),
            self._busy,
            self._shown,
            self._closer,
        ]  # fmt: skip
        if self._entry is not None:
            self.preview_entry(self._entry)
        elif self._wanted:
            self.run_first()

    # running

    def preview_entry(self, entry: Any) -> None:
        """Preview the rows that an entry of the error log tells of."""
        self._entry = entry
        if self._form is not None and entry.batch is not None:
            self._form.way.value, self._form.batch.value = "batch", entry.batch
            self.run()

    def run_first(self) -> None:
        """Run a preview unless one has been run; as soon as the form is there."""
        if self._form is None or self.trying is None:
            self._wanted = True
        elif self.trying.result is None and not self._run_button.disabled:
            self.run()

    def _read(self) -> Trying:
        assert self._form is not None
        return self._form.read()

    def run(self, *_: Any) -> None:
        """Draw a sample and run the query over it."""
        trying, form = self._read(), self._form
        assert form is not None
        if trying.way == "data" and form.upload() is None:
            self._desk.notices.tell("info", "Choose a file first.")
            return
        door = self._desk.door
        self._do(lambda work: trying.run(door, **work))

    def _run_again(self, *_: Any) -> None:
        """Run what is changed over the same sample."""
        trying, form = self._read(), self._form
        assert form is not None
        before, values = trying.result, form.values.all()
        query = trying.query if trying.query != before.spec.query else None
        upto = trying.upto or None
        self._do(lambda work: before.run(params=values, query=query, upto=upto, **work))

    def _run_on(self, sample: Any) -> None:
        """Run the same over another sample."""
        assert self.trying is not None
        before, door = self.trying.result, self._desk.door
        self._do(
            lambda work: door.preview(before.spec, sample=sample, params=before.params, **work)
        )

    def _do(self, run: Any) -> None:
        self._turn += 1
        turn, self._work = self._turn, Work()
        takes_work = "work" in inspect.signature(self._desk.door.preview).parameters
        work = {"work": self._work} if takes_work else {}
        self._going_on(True)
        self._desk.worker.run(
            lambda: run(work),
            lambda result: self._came(turn, result),
            lambda error: self._failed(turn, error),
        )

    def _going_on(self, on: bool) -> None:
        self._busy.visible = self._cancel.visible = on
        self._run_button.disabled = on
        self._again.disabled = on or self.trying is None or self.trying.result is None

    def cancel(self, *_: Any) -> None:
        """Stop the preview that is going on; what was shown before stays."""
        self._turn += 1
        if self._work is not None:
            self._work.cancel()
        self._going_on(False)
        self._desk.notices.tell("info", "The preview was cancelled.")

    def _came(self, turn: int, result: Any) -> None:
        trying, form = self.trying, self._form
        if turn != self._turn or trying is None or form is None:
            return
        trying.param.update(before=trying.result, result=result)
        self._going_on(False)
        self._compare.disabled = trying.before is None
        if not trying.upto:
            form.offer_stages(list(result.stages))
        self._start.param.update(
            disabled=bool(result.faults),
            label="Save and start" if result.tuned != trying.spec else "Start this job",
        )
        self._shown.show(result)
        self._closer.take(result)

    def _failed(self, turn: int, error: Exception) -> None:
        if turn == self._turn:
            self._going_on(False)
            line = "" if self.trying is None else self.trying.line
            self._desk.notices.tell_error(error, "The preview was not run", line)

    def _kept_anew(self) -> None:
        form, door = self._form, self._desk.door
        assert form is not None
        self._desk.work("The samples are not there", lambda: list(door.samples), form.offer_samples)

    # with the result

    def _compare_them(self, *_: Any) -> None:
        trying = self.trying
        assert trying is not None
        before, after = trying.before, trying.result
        self._desk.work(
            "The previews cannot be compared", lambda: before.diff(after), self._show_diff
        )

    def _show_diff(self, difference: Any) -> None:
        self._shown.show_diff(difference)
        self._desk.notices.tell("info", "This compares the same:", line="before.diff(p)")

    def _copied(self, *_: Any) -> None:
        self._desk.notices.tell("info", "This previews the same:", line=self._read().line)

    def _go(self, *_: Any) -> None:
        """Start what was previewed; it is saved first if it differs from what is saved."""
        assert self.trying is not None
        how = {"at": self._at.value} if self._at.value else {}
        names, preview = (self._job,), self.trying.result
        self._desk.do(Wish(verb=Verb.START, names=names, how=how, preview=preview))
