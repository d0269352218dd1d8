"""Why a row is not there: the first stage and predicate that dropped it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from streamops_nb.engine.preview.asked import Key
from streamops_nb.engine.preview.missing import Finding
from streamops_nb.engine.preview.result import WINDOW, Result, WindowStatus
from streamops_nb.model.wording import number_of
from streamops_nb.ops.preview import markup
from streamops_nb.ops.preview.rows import frame

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["WhyNot", "found_in", "of_finding", "rejected"]

_SHOWN = 20
"""So many rows are shown as HTML."""
_PARAMETER = re.compile(r"\$(\w+)")
_APART = re.compile(r"[,;|\t\r\n\"{}\[\]]+")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*")
_AS_TOLD: Any = {"utc": True, "errors": "coerce", "format": "ISO8601"}


@dataclass(frozen=True, kw_only=True)
class WhyNot:
    """What became of a row; made by `Preview.why_not`.

    Parameters
    ----------
    reason
        ``decode``, ``event time`` or ``expression`` (a reject), ``late``, ``filter``, ``join``,
        ``duplicate``, ``values`` (it has others), ``early``, ``cut off``, ``window`` (no window
        holds it), ``absent`` (the sample has nothing of it) or ``present`` (it is there).
    stage
        The stage that dropped it, or the stream that does not have it.
    text
        The answer in a sentence.
    predicate, where
        The condition that did not hold, as written, and its place in the query.
    values
        What made it false, for the row that came furthest.
    key
        What was asked for.
    table
        The rows that it is about.
    others
        Of a duplicate: the rows that were taken instead.
    """

    reason: str
    stage: str
    text: str
    key: Mapping[str, Any]
    predicate: str = ""
    where: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    table: pa.Table | None = None
    others: pa.Table | None = None

    @property
    def df(self) -> pd.DataFrame:
        """The rows that it is about; of a filter with the term that let each of them go."""
        return frame(pa.table({}) if self.table is None else self.table)

    @property
    def instead(self) -> pd.DataFrame:
        """Of a duplicate: the rows that were taken instead."""
        return frame(pa.table({}) if self.others is None else self.others)

    def __repr__(self) -> str:
        lines = [self.text]
        if self.values:
            values = ", ".join(f"{name} = {markup.text(v)}" for name, v in self.values.items())
            lines.append(f"  {values}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        parts = [f"<p><b>{markup.cell(line.strip())}</b></p>" for line in repr(self).split("\n")]
        for title, table in (("", self.table), ("taken instead:", self.others)):
            if table is not None and table.num_rows:
                shown = frame(table.slice(0, _SHOWN)).itertuples(index=False)
                cells = [[markup.cell(value) for value in row] for row in shown]
                parts.append(f"<p>{title}</p>{markup.table(table.column_names, cells)}")
        return "".join(parts)


def _asked(key: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {markup.text(value)}" for name, value in key.items())


def found_in(stage: str, key: Mapping[str, Any], rows: pa.Table, late: str | None) -> WhyNot:
    """Tell what becomes of rows that are in the preview.

    Parameters
    ----------
    late
        The stage for whose windows all their records would have come late, if so.
    """
    asked = _asked(key)
    status = rows[WINDOW].unique().to_pylist() if WINDOW in rows.column_names else []
    if status and WindowStatus.COMPLETE not in status:
        reason = WindowStatus.EARLY if WindowStatus.EARLY in status else WindowStatus.CUT_OFF
        what = {
            WindowStatus.EARLY: "its window is still open at the sample's end",
            WindowStatus.CUT_OFF: "its window begins before the sample",
        }[reason]
        text = f"{stage}: a row with {asked} is in the preview, but a job would not have written "
        return WhyNot(reason=reason, stage=stage, key=key, table=rows, text=f"{text}it: {what}")
    if late:
        text = f"all records of the row with {asked} would have come late for the windows of {late}"
        return WhyNot(reason="late", stage=late, key=key, table=rows, text=text)
    text = f"{stage}: nothing dropped it, {number_of(rows.num_rows)} with {asked} came out"
    return WhyNot(reason="present", stage=stage, key=key, table=rows, text=text)


def rejected(key: Mapping[str, Any], finding: Finding, result: Result) -> WhyNot | None:
    """Look among the rejects for what a finding says is not there."""
    places = [
        n
        for n, row in enumerate(result.rejects.select(["stage", "stream", "raw"]).to_pylist())
        if finding.stage in (row["stage"], row["stream"]) and _mentions(row["raw"], finding.key)
    ]
    if not places:
        return None
    rows = result.rejects.take(places).drop_columns(["batch", "at"])
    first = rows.slice(0, 1).to_pylist()[0]
    spot = "" if first["offset"] is None else f" (offset {first['offset']})"
    text = (
        f"{first['stage']}: {number_of(len(places))} that may have {_asked(key)} became rejects "
        f"({first['kind']}): {first['reason']}{spot}"
    )
    return WhyNot(reason=first["kind"], stage=first["stage"], key=key, table=rows, text=text)


def _mentions(raw: bytes | None, key: Key) -> bool:
    """Whether a reject's fields, as far as its bytes tell them, are what is looked for."""
    text = (raw or b"").decode(errors="replace")
    wanted = {name: str(value) for name, value in key.values.items() if value is not None}
    if not wanted:
        return False
    try:
        fields = json.loads(text)
    except ValueError:
        fields = None
    if isinstance(fields, dict) and wanted.keys() <= fields.keys():
        fits = all(str(fields[name]) == value for name, value in wanted.items())
        return fits and _within([str(fields[n]) for n in key.ranges if n in fields], key)
    parts = [part.strip(" :'") for part in _APART.split(text)]
    return set(wanted.values()) <= set(parts) and _within(parts, key)


def _within(parts: list[str], key: Key) -> bool:
    """Whether one of the times lies in what is looked for; one that cannot be read might."""
    if not key.ranges:
        return True
    import pandas as pd

    told = pd.to_datetime([part for part in parts if _TIME.fullmatch(part)], **_AS_TOLD).dropna()
    us = [stamp.value // 1000 for stamp in told]
    spans = key.ranges.values()
    return not us or all(any(low <= one < high for one in us) for low, high in spans)


def of_finding(key: Mapping[str, Any], finding: Finding, params: Mapping[str, Any]) -> WhyNot:
    """Put a finding into words."""
    asked, rows = _asked(key), finding.rows
    n = 0 if rows is None else rows.num_rows
    at = f" ({finding.where})" if finding.where else ""
    values = dict(finding.values)
    for name in _PARAMETER.findall(finding.predicate):
        if name in params:
            values[f"${name}"] = params[name]
    condition = f"{finding.clause} {finding.predicate}{at}"
    lost = "the only row" if n == 1 else f"all {n:,} rows"
    text = {
        "filter": f"{finding.stage}: {condition} dropped {lost} with {asked}",
        "duplicate": f"{finding.stage}: {condition} took other rows than the {n:,} with {asked}",
        "join": f"{finding.stage}: {finding.clause} ON {finding.predicate}{at} found no partner "
        f"for rows with {asked}",
        "window": f"{finding.stage}: its windows hold none of the rows with {asked}",
        "values": f"{finding.stage}: of {number_of(n)} that could be it none has {asked}",
        "present": f"{finding.stage}: nothing dropped the rows with {asked}",
        "absent": f"{finding.stage}: the sample has no row with "
        f"{_looked_for(finding.key) or asked}",
    }[finding.reason]
    return WhyNot(
        reason=finding.reason,
        stage=finding.stage,
        text=text,
        key=key,
        predicate=finding.predicate,
        where=finding.where,
        values=values,
        table=rows,
        others=finding.instead,
    )


def _looked_for(key: Key) -> str:
    parts = [f"{name} = {markup.text(value)}" for name, value in key.values.items()]
    for name, (low, high) in key.ranges.items():
        stamps = pa.array([low, high], pa.int64()).cast(pa.timestamp("us", tz="UTC"))
        begin, end = pc.strftime(stamps, "%Y-%m-%d %H:%M:%S").to_pylist()
        parts.append(f"{name} in [{begin}, {end})")
    return ", ".join(parts)
