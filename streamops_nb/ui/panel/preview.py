"""The preview of a job: which rows, which values; run, cancel, look, compare, start."""

from __future__ import annotations

import inspect
from typing import Any

import panel_material_ui as pmui

from streamops_nb.engine.preview.work import Work
from streamops_nb.ui.panel.look import (
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
from streamops_nb.ui.panel.values import Values
from streamops_nb.ui.state.desk import Desk
from streamops_nb.ui.state.trying import WAYS, Trying
from streamops_nb.ui.state.wish import Verb, Wish

__all__ = ["PreviewTab"]


class PreviewTab:
    """Previews a job."""

    def __init__(self, desk: Desk, job: str) -> None:
        self._desk, self._job = desk, job
        self.trying: Trying | None = None
        self._work: Work | None = None
        self._turn = 0
        self._body = column(html_pane("<p>Reading the specification…</p>"), margin=(6, 0))
        self._shown = Previewed(desk)
        desk.work(f"{job} cannot be previewed", lambda: desk.door.spec(job), self._begin)

    def __panel__(self) -> Any:
        return self._body

    def refresh(self, *, now: bool = False) -> None:
        """A preview stays as it is until it is run again."""

    def _begin(self, spec: Any) -> None:
        self.trying = trying = Trying(spec)
        guard = self._desk.guard
        self._way = pmui.Select(
            label="Rows from", options=dict(WAYS), value="latest", size="small", width=190,
            margin=(4, 4),
        )  # fmt: skip
        self._rows = _number("Rows", trying.rows, 110, whole=True)
        self._seconds = _number("Time limit, s", trying.seconds, 110)
        self._minutes = _number("Minutes", trying.minutes, 110, visible=False)
        self._batch = _number("Batch", trying.batch, 110, whole=True, visible=False)
        self._since = _text("Since", "2024-01-31T08:30:00Z")
        self._until = _text("Until", "2024-01-31T09:00:00Z")
        self._file = pmui.FileInput(
            label="CSV, JSONL or Parquet", accept=".csv,.jsonl,.parquet", visible=False,
            margin=(4, 4), width=200,
        )  # fmt: skip
        stages = {"all stages": ""}
        self._upto = pmui.Select(
            label="Up to", options=stages, value="", size="small", width=140, margin=(4, 4)
        )
        self._values = Values(spec)
        self._query = code_input("Query", spec.query)
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
        self._start = button("Start this job", "start", disabled=True, on_click=guard(self._go))
        self._copy = button("Copy as Python", "code", on_click=guard(self._copied))
        for part in (self._run_button, self._again, self._start):
            bar(part, self._desk.permits.refusal("preview"))
        self._busy = pmui.LinearProgress(
            variant="indeterminate", visible=False, sizing_mode="stretch_width", margin=(2, 4)
        )
        self._way.param.watch(guard(self._way_chosen), "value")
        said = (
            "Takes the latest data of the sources and runs the query once in a sealed database. "
            "Nothing is saved, no position moves, and no CU are used."
        )
        query = pmui.Card(
            objects=[self._query], title="Query", title_variant="subtitle2",
            collapsed=True, sizing_mode="stretch_width", margin=(6, 0),
            elevation=0, variant="outlined",
        )  # fmt: skip
        self._body.objects = [
            html_pane(f'<p class="quiet">{text_html(said)}</p>', css="preview.css"),
            pmui.FlexBox(
                self._way, self._minutes, self._batch, self._since, self._until, self._file,
                self._rows, self._seconds, self._upto, *self._values.parts,
                sizing_mode="stretch_width",
            ),
            query,
            row(self._run_button, self._again, self._cancel, gap(), self._compare, self._copy,
                self._start),
            self._busy,
            self._shown,
        ]  # fmt: skip

    # the form

    def _way_chosen(self, event: Any) -> None:
        way = event.new
        self._minutes.visible = way == "last"
        self._batch.visible = way == "batch"
        self._since.visible = self._until.visible = way == "between"
        self._file.visible = way == "data"
        self._rows.visible = way not in ("same", "data")

    def _read_form(self) -> Trying:
        trying = self.trying
        assert trying is not None
        trying.param.update(
            way=self._way.value,
            rows=int(self._rows.value or 1),
            seconds=float(self._seconds.value or 10),
            minutes=float(self._minutes.value or 10),
            batch=int(self._batch.value or 1),
            since=self._since.value or "",
            until=self._until.value or "",
            upto=self._upto.value or "",
            query=self._query.value or "",
            values=self._values.changed(),
        )
        return trying

    # running

    def preview_entry(self, entry: Any) -> None:
        """Preview the rows that an entry of the error log tells of."""
        if self.trying is not None and entry.batch is not None:
            self._way.value, self._batch.value = "batch", entry.batch
            self.run()

    def run(self, *_: Any) -> None:
        """Draw a sample and run the query over it."""
        trying = self._read_form()
        if trying.way == "data" and self._uploaded(trying) is None:
            self._desk.notices.tell("info", "Choose a file first.")
            return
        door = self._desk.door
        self._do(lambda work: trying.run(door, **work))

    def _run_again(self, *_: Any) -> None:
        """Run what is changed over the same sample."""
        trying = self._read_form()
        before = trying.result
        query = trying.query if trying.query != before.spec.query else None
        values = self._values.all()
        self._do(lambda _: before.run(params=values, query=query, upto=trying.upto or None))

    def _uploaded(self, trying: Trying) -> Any:
        if not self._file.value:
            return None
        trying.data = read_rows(str(self._file.filename), bytes(self._file.value))
        return trying.data

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
        if turn != self._turn or self.trying is None:
            return
        trying = self.trying
        trying.param.update(before=trying.result, result=result)
        self._going_on(False)
        self._compare.disabled = trying.before is None
        stages = {"all stages": "", **{name: name for name in result.stages}}
        if not trying.upto:
            self._upto.options = stages
        self._start.param.update(
            disabled=bool(result.faults),
            label="Save and start" if trying.settled() else "Start this job",
        )
        self._shown.show(result)

    def _failed(self, turn: int, error: Exception) -> None:
        if turn == self._turn:
            self._going_on(False)
            line = "" if self.trying is None else self.trying.line
            self._desk.notices.tell_error(error, "The preview was not run", line)

    # with the result

    def _compare_them(self, *_: Any) -> None:
        trying = self.trying
        assert trying is not None
        before, after = trying.before, trying.result
        self._desk.work(
            "The previews cannot be compared", lambda: before.diff(after), self._shown.show_diff
        )

    def _copied(self, *_: Any) -> None:
        self._desk.notices.tell("info", "This previews the same:", line=self._read_form().line)

    def _go(self, *_: Any) -> None:
        trying, door, job = self._read_form(), self._desk.door, self._job
        data = trying.settled()
        start = Wish(verb=Verb.START, names=(job,))
        if data is None:
            self._desk.ask(start)
            return
        line = f"p.spec  # ws.save(...), then {start.line}"
        self._desk.work(
            f"{job} was not saved",
            lambda: door.save(data, comment="as previewed"),
            lambda _: self._desk.ask(start),
            line,
        )


def _number(label: str, value: float, width: int, *, whole: bool = False, **how: Any) -> Any:
    kind = pmui.IntInput if whole else pmui.FloatInput
    return kind(label=label, value=value, size="small", width=width, margin=(4, 4), **how)


def _text(label: str, example: str) -> Any:
    return pmui.TextInput(
        label=label, placeholder=example, size="small", width=190, margin=(4, 4), visible=False
    )


def read_rows(name: str, content: bytes) -> Any:
    """Read a file that was uploaded as an Arrow table."""
    import io

    import pyarrow.csv
    import pyarrow.json
    import pyarrow.parquet

    from streamops_nb.model.errors import Refused

    source, suffix = io.BytesIO(content), name.lower().rpartition(".")[2]
    try:
        if suffix == "parquet":
            return pyarrow.parquet.read_table(source)
        return pyarrow.csv.read_csv(source) if suffix == "csv" else pyarrow.json.read_json(source)
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise Refused(f"{name} cannot be read: {error}") from error
