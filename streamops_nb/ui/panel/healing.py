"""Rejects of a job, and the way to heal them; the capsule of its last failure."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import panel_material_ui as pmui

from streamops_nb.model.errors import Forbidden
from streamops_nb.model.wording import number_of
from streamops_nb.ui.panel.grid import Grid
from streamops_nb.ui.panel.look import (
    EDGES,
    bar,
    button,
    code_input,
    column,
    gap,
    html_pane,
    line,
    row,
    text_html,
)
from streamops_nb.ui.panel.previewed import Previewed
from streamops_nb.ui.panel.values import Values
from streamops_nb.ui.state.desk import Desk
from streamops_nb.ui.state.feed import Feed
from streamops_nb.ui.state.pages import sheet_of

__all__ = ["FailurePart", "RejectsPart"]

_MOST = 1_000
_COLUMNS = ["at", "batch", "stage", "kind", "reason", "stream", "partition", "offset", "raw"]


class RejectsPart:
    """The rejects that are kept; they are tried again with changes, and written if they pass."""

    def __init__(self, desk: Desk, job: str) -> None:
        self._desk, self._job = desk, job
        guard = desk.guard
        self._heal: Any = None
        self._line = ""
        self._grid = Grid(page_size=50)
        self._kind = pmui.Select(
            label="Kind", options={"every kind": ""}, value="", size="small", width=150,
            margin=(8, 4),
        )  # fmt: skip
        self._try = button("Try again with these changes", "heal", on_click=guard(self._again))
        self._write = button(
            "Write the healed rows", "start", disabled=True, on_click=guard(self._apply)
        )
        bar(self._try, desk.permits.refusal("heal"))
        bar(self._write, desk.permits.refusal("heals.apply"))
        self._rest = button(
            "Download those left",
            "download",
            disabled=True,
            on_click=guard(self._export),
        )
        self._said = html_pane(css="preview.css")
        self._shown = Previewed(desk)
        self._result = column(self._said, self._shown, visible=False)
        self._form = column()
        self._feed = Feed(desk, "The rejects are not there", self._ask, self._show, every=3.0)
        desk.work(f"{job} cannot be healed", lambda: desk.door.spec(job), self._begin)

    def __panel__(self) -> Any:
        return column(self._grid, self._form, self._result)

    def refresh(self, *, now: bool = False) -> None:
        """Show the present."""
        self._feed.refresh(now=now)

    def _ask(self) -> Any:
        return self._desk.door.rejects(self._job, limit=_MOST)

    def _show(self, frame: Any) -> None:
        names = [name for name in _COLUMNS if name in frame.columns]
        kinds = sorted(set(frame["kind"])) if len(frame) else []
        options = {"every kind": "", **{kind: kind for kind in kinds}}
        if self._kind.options != options:
            self._kind.options = options
        self._form.visible = bool(len(frame))
        self._grid.fill(
            sheet_of(frame, names, kinds={"reason": "wrap"}, empty="No row was rejected.")
        )

    def _begin(self, spec: Any) -> None:
        self._spec = spec
        self._values = Values(spec)
        self._query = code_input("Query", spec.query)
        said = (
            "Rejects are tried again under a changed query or other values; nothing is written "
            "before you say so, and each reject is healed once; with a job that runs, between two "
            "of its batches."
        )
        self._form.objects = [
            html_pane(f'<p class="quiet">{text_html(said)}</p>', css="preview.css"),
            line(self._kind, *self._values.parts),
            self._query,
            row(self._try, gap(), self._rest, self._write, **EDGES),
        ]

    def _again(self, *_: Any) -> None:
        how: dict[str, Any] = {}
        if self._kind.value:
            how["kind"] = self._kind.value
        if self._query.value != self._spec.query:
            how["query"] = self._query.value
        if changed := self._values.changed():
            how["params"] = changed
        given = "".join(f", {key}={value!r}" for key, value in how.items())
        self._line = f"heal = ws.heal({self._job!r}{given})"
        self._desk.work(
            "The rejects were not tried again",
            lambda: self._desk.door.heal(self._job, **how),
            self._tried,
            self._line,
        )

    def _tried(self, heal: Any) -> None:
        self._heal = heal
        self._said.object = f'<p class="said"><b>{text_html(str(heal))}</b></p>'
        self._result.visible = True
        self._shown.show(heal.preview)
        self._write.disabled = not heal.healed.num_rows
        self._rest.disabled = heal.healed.num_rows == heal.tried.num_rows
        self._desk.notices.tell("info", "This tries the same:", line=self._line)

    def _apply(self, *_: Any) -> None:
        heal, line = self._heal, f"{self._line}; heal.apply()"
        self._desk.work(
            "Nothing was written",
            lambda: heal.apply(why="healed on the page"),
            lambda rows: self._applied(rows, line),
            line,
        )

    def _applied(self, rows: int, line: str) -> None:
        self._write.disabled = True
        were = "was" if rows == 1 else "were"
        text = f"{str(self._heal).capitalize()}: {number_of(rows)} {were} written to the output."
        self._desk.notices.tell("success", text, line=line)

    def _export(self, *_: Any) -> None:
        heal, name = self._heal, f"{self._job}-rejects.jsonl"

        def read() -> bytes:
            with tempfile.TemporaryDirectory() as folder:
                return bytes(heal.export(Path(folder) / name).read_bytes())

        line = f"{self._line}; heal.export({name!r})"
        self._desk.work(
            "The rest was not downloaded",
            read,
            lambda content: self._desk.hand_over(name, content, line),
            line,
        )


class FailurePart:
    """The last failure of a job: what it was, its replay, its capsule as one file."""

    def __init__(self, desk: Desk, job: str) -> None:
        self._desk, self._job = desk, job
        self._capsule: Any = None
        self._asked = False
        self._said = html_pane(css="preview.css", margin=(0, 4))
        self._shown = column(visible=False)
        self._replay = button("Replay it", "replay", on_click=desk.guard(self._play))
        save = button("Download the capsule", "download", on_click=desk.guard(self._save))
        self._acts = row(self._replay, save, sizing_mode=None)
        self._line = row(self._said, self._acts, visible=False, **EDGES)

    def __panel__(self) -> Any:
        return column(self._line, self._shown)

    def look(self) -> None:
        """Look once whether there is one, if something went wrong."""
        found = self._desk.board.picture.rows.get(self._job)
        if not self._asked and found is not None and found.view.last_error is not None:
            self._asked = True
            self._desk.work("The failure is not there", self._ask, self._show)

    def _ask(self) -> Any:
        try:
            return self._desk.door.job(self._job).failure
        except Forbidden:
            return "The batch that failed is kept, for the role operator: it holds raw records."

    def _show(self, capsule: Any) -> None:
        self._line.visible, self._acts.visible = capsule is not None, False
        if isinstance(capsule, str):
            self._said.object = f'<p class="quiet">{text_html(capsule)}</p>'
        elif capsule is not None:
            self._capsule = capsule
            self._acts.visible = True
            rows = capsule.without or "with the records that it read"
            self._said.object = (
                f"<p class='said'>The batch that failed is kept, {text_html(rows)}.</p>"
            )
            self._replay.disabled = bool(capsule.without)

    def _play(self, *_: Any) -> None:
        line = f"ws.job({self._job!r}).failure.preview()"
        self._desk.work("It was not replayed", self._capsule.preview, self._played, line)

    def _played(self, preview: Any) -> None:
        shown = Previewed(self._desk)
        shown.show(preview)
        self._shown.param.update(objects=[shown], visible=True)
        line = f"ws.job({self._job!r}).failure.preview()"
        self._desk.notices.tell("info", "The batch was replayed; nothing was written.", line=line)

    def _save(self, *_: Any) -> None:
        name, capsule = f"{self._job}-failure.zip", self._capsule

        def read() -> bytes:
            with tempfile.TemporaryDirectory() as folder:
                return bytes(capsule.export(Path(folder) / name).read_bytes())

        line = f"ws.job({self._job!r}).failure.export({name!r})"
        self._desk.work(
            "The capsule was not downloaded",
            read,
            lambda content: self._desk.hand_over(name, content, line),
            line,
        )
