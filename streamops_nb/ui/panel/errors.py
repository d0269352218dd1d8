"""The error log of a job: grouped or entry by entry, filtered, with details."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import panel_material_ui as pmui
import pyarrow as pa

from streamops_nb.ui.panel.grid import Grid
from streamops_nb.ui.panel.healing import FailurePart, RejectsPart
from streamops_nb.ui.panel.look import FLAT, button, column, gap, html_pane, line, row, text_html
from streamops_nb.ui.state.desk import Desk
from streamops_nb.ui.state.feed import Feed
from streamops_nb.ui.state.pages import sheet_of
from streamops_nb.ui.state.wording import clock_time

__all__ = ["ErrorsTab"]

_SEEN = {"Grouped": "groups", "One by one": "entries", "Rejects": "rejects"}
_LEVELS = {"every level": "", "errors": "error", "warnings": "warning", "notes": "info"}
_TONES = {"error": "bad", "warning": "warn", "info": "quiet"}


class ErrorsTab:
    """Shows what went wrong with a job.

    Parameters
    ----------
    previews
        Called with an entry whose rows are to be previewed; None where that cannot be.
    """

    def __init__(self, desk: Desk, job: str, previews: Callable[[Any], None] | None = None) -> None:
        self._desk, self._job, self._previews = desk, job, previews
        self._log: Any = None
        self._shown: list[Any] = []
        self._entry: Any = None
        self._grid = Grid(desk.guard(self._choose), page_size=50)
        self._seen = pmui.RadioButtonGroup(
            options=_SEEN, value="groups", size="small", margin=(6, 4), sx=FLAT
        )
        self._rejects: Any = None
        self._rejects_place = column(visible=False)
        self._failure = FailurePart(desk, job)
        self._level = pmui.Select(
            label="Level", options=_LEVELS, value="", size="small", width=140, margin=(4, 4)
        )
        self._search = pmui.TextInput(
            placeholder="Search kind and message", size="small", width=230, margin=(4, 4)
        )
        self._details = html_pane(css="errors.css", margin=(8, 0))
        self._preview = button(
            "Preview these rows",
            "preview",
            visible=False,
            margin=(4, 0),
            on_click=desk.guard(self._run),
        )
        self._level.param.watch(desk.guard(self._anew), "value")
        self._seen.param.watch(desk.guard(self._turned), "value")
        self._search.param.watch(desk.guard(self._anew), "value_input")
        self._feed = Feed(
            desk, "The error log is not there", lambda: desk.door.errors(job), self._show, every=2.0
        )

    def __panel__(self) -> Any:
        download = button("Download", "download", on_click=self._desk.guard(self._download))
        self._filters = row(self._level, self._search, download, sizing_mode=None)
        self._log_part = column(
            self._failure,
            self._grid,
            self._details,
            self._preview,
        )
        top = line(self._seen, gap(), self._filters)
        return column(top, self._log_part, self._rejects_place, margin=(6, 0))

    def refresh(self, *, now: bool = False) -> None:
        """Show the present."""
        if self._seen.value == "rejects":
            self._rejects.refresh(now=now)
            return
        self._feed.refresh(now=now)
        self._failure.look()

    @property
    def _grouped(self) -> bool:
        return bool(self._seen.value == "groups")

    def _turned(self, *_: Any) -> None:
        """Show the log or the rejects; these are made when they are first looked at."""
        rejects = self._seen.value == "rejects"
        if rejects and self._rejects is None:
            self._rejects = RejectsPart(self._desk, self._job)
            self._rejects_place.objects = [self._rejects]
        self._log_part.visible = self._filters.visible = not rejects
        self._rejects_place.visible = rejects
        self._anew()
        self.refresh(now=True)

    def _anew(self, *_: Any) -> None:
        if self._log is not None:
            self._show(self._log)

    def _show(self, log: Any) -> None:
        self._log = log
        text = (self._search.value_input or "").casefold()
        found = log.groups if self._grouped else reversed(log.entries)
        self._shown = [
            one
            for one in found
            if (not self._level.value or one.level == self._level.value)
            and text in f"{one.kind} {one.message}".casefold()
        ]
        lines = [_group(one) if self._grouped else _entry(one) for one in self._shown]
        names = _GROUP if self._grouped else _ENTRY
        table = pa.table({name: [line[name] for line in lines] for name in names})
        self._grid.fill(
            sheet_of(
                table,
                kinds={"message": "wrap", "count": "number", "batch": "number"},
                cell_tone=lambda name, value: _TONES.get(value, "") if name == "level" else "",
                empty="Nothing went wrong." if not log.entries else "Nothing is found.",
            )
        )
        self._grid.chosen = next((n for n, one in enumerate(self._shown) if self._is_open(one)), -1)

    def _is_open(self, one: Any) -> bool:
        """Whether the details below are of this group or entry."""
        if self._grouped:
            return self._entry is not None and one.fingerprint == self._entry.fingerprint
        return bool(one == self._entry)

    def _choose(self, number: int) -> None:
        one = self._shown[number]
        entries = [e for e in self._log.entries if e.fingerprint == one.fingerprint]
        entry = entries[-1] if self._grouped and entries else one
        self._entry = entry
        self._details.object = details_html(entry)
        self._preview.visible = self._previews is not None and bool(getattr(entry, "spans", None))

    def _run(self, *_: Any) -> None:
        if self._previews is not None:
            self._previews(self._entry)

    def _download(self, *_: Any) -> None:
        if self._log is None:
            return
        import csv
        import io

        text = io.StringIO()
        writer = csv.DictWriter(text, [*_ENTRY, "trace"])
        writer.writeheader()
        for entry in self._log.entries:
            writer.writerow(
                {k: _harmless(v) for k, v in {**_entry(entry), "trace": entry.trace}.items()}
            )
        name = f"{self._job}-errors.csv"
        line = f"ws.errors({self._job!r}).df.to_csv({name!r}, index=False)"
        self._desk.hand_over(name, text.getvalue(), line)


_GROUP = ("last", "level", "stage", "kind", "message", "count", "first")
_ENTRY = ("time", "level", "stage", "kind", "message", "count", "batch", "run")


def _group(one: Any) -> dict[str, Any]:
    made = asdict(one)
    return {**made, "last": clock_time(one.last_at), "first": clock_time(one.first_at)}


def _entry(one: Any) -> dict[str, Any]:
    return {name: getattr(one, name, None) for name in _ENTRY} | {"time": clock_time(one.at)}


def _harmless(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula is marked as text."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value


def details_html(entry: Any) -> str:
    """Write all that is known of an entry; every text of it is escaped."""
    spans = "; ".join(
        f"{stream} {', '.join(f'{s.partition}: {s.start}–{s.stop}' for s in span)}"
        for stream, span in getattr(entry, "spans", {}).items()
    )
    facts = {
        "when": f"{clock_time(getattr(entry, 'at', None))} UTC",
        "stage": entry.stage,
        "batch": getattr(entry, "batch", None),
        "run": getattr(entry, "run", None),
        "count": f"{entry.count:,}",
        "rows": spans,
    }
    known = "".join(
        f"<dt>{name}</dt><dd>{text_html(str(value))}</dd>"
        for name, value in facts.items()
        if value not in (None, "")
    )
    trace = getattr(entry, "trace", "")
    more = f"<details><summary>Trace</summary><pre>{html.escape(trace)}</pre></details>"
    return (
        f'<div class="details"><b>{html.escape(entry.kind)}</b><p>{text_html(entry.message)}</p>'
        f"<dl>{known}</dl>{more if trace else ''}</div>"
    )
