"""Samples that users give: frames and files; and rows that are made up from a schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from streamops_nb.db import Session
from streamops_nb.engine.assembly import Surroundings, open_stream
from streamops_nb.engine.preview.draw import Draw, Draws, Found
from streamops_nb.engine.preview.fields import Fields
from streamops_nb.engine.preview.sample import Coverage, Drawn
from streamops_nb.engine.preview.seeding import seeded_rows
from streamops_nb.formats.conform import infer_columns
from streamops_nb.model.errors import Fault, SpecRefused
from streamops_nb.model.spec import PlugIn, Stream
from streamops_nb.model.wording import choice_of, did_you_mean, number_of, shown

__all__ = ["Given", "Seeded", "file_schema", "frame_table", "is_file"]

_FORMATS = {
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_PACKED = (".gz", ".zst")
_OURS = ("_partition", "_offset", "_raw", "_time", "_key")


@dataclass(frozen=True, slots=True)
class Given:
    """Rows that the user gives, of every stream: as the whole of a bounded source.

    Parameters
    ----------
    data
        Per stream a pandas DataFrame, an Arrow table, or the path of a CSV, JSONL or Parquet file.
    """

    data: Mapping[str, Any] = field(hash=False)

    def draw(self, draws: Draws) -> Mapping[str, Drawn]:
        """See `How.draw`."""
        for name in self.data:
            if name not in draws.spec.streams:
                what = f"the query reads no stream `{name}`"
                remedy = did_you_mean(name, draws.spec.streams)
                raise SpecRefused([Fault(where="data", what=what, remedy=remedy)])
        for name in draws.spec.streams:
            if name not in self.data:
                what = f"no rows are given for the stream `{name}`"
                remedy = f"give them too: data={{{name!r}: frame, …}}"
                raise SpecRefused([Fault(where="data", what=what, remedy=remedy)])
        return {name: _drawn(name, self.data[name], draws) for name in draws.spec.streams}

    def __str__(self) -> str:
        return "rows that were given"


def _drawn(name: str, data: Any, draws: Draws) -> Drawn:
    if is_file(data):
        return _of_file(name, Path(data), draws)
    table = frame_table(name, data)
    declared = draws.spec.streams[name]
    schema = declared.fields or infer_columns(table, draws.session)
    return _of_table(name, table, schema, draws)


def frame_table(name: str, data: Any) -> pa.Table:
    """Give a frame as an Arrow table.

    Raises
    ------
    SpecRefused
        If it is none.
    """
    if isinstance(data, pa.Table):
        return data
    if type(data).__module__.partition(".")[0] == "pandas" and hasattr(data, "columns"):
        return pa.Table.from_pandas(data, preserve_index=False)
    what = f"{shown(data)} holds no rows for the stream `{name}`"
    remedy = "give a pandas DataFrame, an Arrow table, or the path of a CSV, JSONL or Parquet file"
    raise SpecRefused([Fault(where=f"data.{name}", what=what, remedy=remedy)])


def _of_table(name: str, table: pa.Table, schema: Mapping[str, str], draws: Draws) -> Drawn:
    declared, limit = draws.spec.streams[name], draws.limits.rows
    kept = table.slice(0, limit).drop_columns([n for n in _OURS if n in table.column_names])
    raw = kept.append_column("_partition", pa.repeat("0", kept.num_rows)).append_column(
        "_offset", pa.array(np.arange(kept.num_rows, dtype=np.int64))
    )
    truncated = table.num_rows > limit
    drawn = Drawn(
        raw=raw,
        decoded=True,
        schema=schema,
        begins=True,
        ends=not truncated,
        truncated="rows" if truncated else "",
        stream=declared,
        coverage=Coverage(looked_at=table.num_rows),
    )
    fields = Fields(
        name=name,
        declared=declared,
        schema=schema,
        decoded=True,
        around=draws.around,
        session=draws.session,
    )
    return Found(drawn=drawn, times=fields.times(raw)).told


def is_file(data: Any) -> bool:
    """Say whether what is given is the path of a file, not a frame."""
    return isinstance(data, str | Path)


def file_schema(
    name: str, path: Path, around: Surroundings, session: Session
) -> tuple[dict[str, str], dict[str, Any]]:
    """Infer the schema of a file; also say how a specification would declare it.

    Raises
    ------
    SpecRefused
        If it is no file of rows, or holds none.
    """
    source, format_ = _reading(name, around.folder / path)
    declared = Stream(source=source, format=format_)
    opened = open_stream(name, declared, around, session)
    opened.source.close()
    return opened.schema, declared.model_dump(mode="json", include={"source", "format"})


def _reading(name: str, path: Path) -> tuple[PlugIn, PlugIn]:
    """The source and the format with which a file is read."""
    endings = [s for s in path.suffixes if s.lower() not in _PACKED]
    kind = _FORMATS.get(endings[-1].lower()) if endings else None
    if kind is None or not path.is_file():
        raise SpecRefused([_no_rows(name, path, known=kind is not None)])
    source = PlugIn.model_validate({"type": "files", "path": str(path), "follow": False})
    return source, PlugIn(type=kind)


def _no_rows(name: str, path: Path, *, known: bool) -> Fault:
    what, remedy = f"there is no file {path}", "correct the path, or give a frame"
    if not known:
        what = f"{path} is not a file of rows"
        remedy = f"{choice_of(_FORMATS)}, also packed as .gz or .zst"
    elif set(path.name) & set("*?["):
        what = f"{path} is a pattern, and what is given is one file"
        remedy = (
            "give the file or a frame; a job reads all that match, "
            "`source: {type: files, path: …}`, and can be previewed, too"
        )
    return Fault(where=f"data.{name}", what=what, remedy=remedy)


def _of_file(name: str, path: Path, draws: Draws) -> Drawn:
    source, format_ = _reading(name, draws.around.folder / path)
    declared = draws.spec.streams[name]
    if declared.format.type == format_.type:
        format_ = declared.format
    reading = declared.model_copy(update={"source": source, "format": format_})
    opened = open_stream(name, reading, draws.around, draws.session)
    try:
        draw = Draw(
            name, reading, opened, draws.around, draws.session, draws.limits, float("inf"),
            draws.check,
        )  # fmt: skip
        found = draw.read({}, opened.source.ends().latest)
    finally:
        opened.source.close()
    return replace(found.told, origin="", stream=declared, format=format_)


@dataclass(frozen=True, slots=True)
class Seeded:
    """Rows that are made up from a stream's schema: the same seed gives the same rows."""

    seed: int
    rows: int = 1_000

    def draw(self, draws: Draws) -> Mapping[str, Drawn]:
        """See `How.draw`."""
        made = {}
        for name, declared in draws.spec.streams.items():
            schema = declared.fields or draws[name].schema
            rows = min(self.rows, draws.limits.rows)
            table = seeded_rows(schema, declared, rows, f"{self.seed}/{name}", draws.session)
            made[name] = _of_table(name, table, schema, draws)
        return made

    def __str__(self) -> str:
        return f"{number_of(self.rows)} made up from seed {self.seed}"
