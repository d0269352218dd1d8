"""The figures of a job as tiles, tables and lines: what its summary tab shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from streamops_nb.model.rings import SPANS
from streamops_nb.model.views import JobView
from streamops_nb.ui.state.wording import DASH, ago, bytes_text, count, lasting, rate

__all__ = ["Tile", "batch_table", "lines_of", "rate_table", "stage_table", "tiles_of"]


class Tile(NamedTuple):
    """One figure: what it is, its value, what is said below, its tone."""

    label: str
    value: str
    note: str = ""
    tone: str = ""


def tiles_of(made: Mapping[str, Any]) -> list[Tile]:
    """Give the tiles of a summary; see `streamops_nb.model.figures.figures`."""
    records, lag, mark = made["records"], made["lag"], made["watermark"]
    late = records["late"] + records["partly_late"]
    return [
        Tile("Records in", count(records["in"]), _pace(made, "in")),
        Tile("Rows out", count(records["out"]), _pace(made, "out")),
        Tile("Rejected", count(records["rejected"]), "", "warn" if records["rejected"] else ""),
        Tile(
            "Late", count(late), f"{count(records['partly_late'])} partly", "warn" if late else ""
        ),
        Tile("Errors", count(made["errors"]), _no_errors(made), "bad" if made["errors"] else ""),
        Tile("Lag", count(lag["records"]), _behind(lag["seconds"])),
        Tile("Watermark", ago(mark["delay"]), mark["held_back"] or _side(mark["delay"])),
        Tile("State rows", count(made["state_rows"]), bytes_text(made.get("state_bytes"))),
        Tile("Batches", count(made["batches"]["count"]), _median(made)),
    ]


def _pace(made: Mapping[str, Any], way: str) -> str:
    """The rate, and the count over all runs where earlier ones counted, too."""
    whole = made["in_all"][f"rows_{way}"]
    more = f" · {count(whole)} in all runs" if whole != made["records"][way] else ""
    return f"{rate(_minute(made, way))} /s{more}"


def _minute(made: Mapping[str, Any], way: str) -> float:
    found: float = made["throughput"][way]["1m"]
    return found


def _no_errors(made: Mapping[str, Any]) -> str:
    """Rejects stand in the tab Errors, too, and are counted apart."""
    return "not counting rejects" if made["records"]["rejected"] else ""


def _side(delay: float | None) -> str:
    if delay is None or abs(delay) < 1:
        return ""
    return "event time behind the clock" if delay > 0 else "event time ahead of the clock"


def _behind(seconds: float | None) -> str:
    return "" if seconds is None else f"{lasting(seconds)} behind"


def _median(made: Mapping[str, Any]) -> str:
    median = made["batches"]["seconds"]["all"]["p50"]
    return "" if median is None else f"{_ms(median)} each"


def _ms(seconds: float | None) -> str:
    if seconds is None:
        return DASH
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else lasting(seconds)


def rate_table(made: Mapping[str, Any]) -> list[list[str]]:
    """Rows per second over several spans, a head first."""
    lasted = made["uptime"] or 0.0
    # over more than the run has lasted a rate is that of the run, which the mean says
    shorter = [name for name, seconds in SPANS.items() if seconds <= max(lasted, SPANS["1m"])]
    spans = [*shorter, "mean"]
    lines = [["records / s", *spans]]
    for name, way in (("in", "in"), ("out", "out")):
        lines.append([name, *(rate(made["throughput"][way][span]) for span in spans)])
    return lines


def batch_table(made: Mapping[str, Any]) -> list[list[str]]:
    """How long batches took, by phase, a head first."""
    lines = [["batch time", "p50", "p95", "p99"]]
    for phase, shares in made["batches"]["seconds"].items():
        if any(value is not None for value in shares.values()):
            lines.append([phase, *(_ms(value) for value in shares.values())])
    return lines


def stage_table(made: Mapping[str, Any]) -> list[list[str]]:
    """What each stage read and gave, a head first."""
    lines = [["stage", "rows in", "rows out", "dropped"]]
    for stage in made["stages"]:
        about = "about " if stage["estimated"] and stage["rows_in"] is not None else ""
        share = stage["dropped"]
        dropped = DASH if share is None else f"{share:.1%}"
        read = f"{about}{count(stage['rows_in'])}"
        lines.append([stage["stage"], read, count(stage["rows_out"]), dropped])
    return lines


def lines_of(view: JobView, span: str) -> dict[str, list[list[float]]]:
    """Give what is drawn over time: records in and out per second, and lag.

    Parameters
    ----------
    span
        ``1m``, ``15m``, ``1h`` or ``1d``.
    """
    slots, width = {
        "1m": (view.rings.seconds, 1),
        "15m": (view.rings.tens, 10),
        "1h": (view.rings.minutes, 60),
        "1d": (view.rings.ten_minutes, 600),
    }[span]
    whole = slots[:-1] or slots  # the slot that is going on is not whole yet
    return {
        "in": [[slot.at, slot.rows_in / width] for slot in whole],
        "out": [[slot.at, slot.rows_out / width] for slot in whole],
        "lag": [[slot.at, slot.lag] for slot in slots],
    }
