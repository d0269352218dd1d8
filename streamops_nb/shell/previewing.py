"""Previewing a job or a specification, and printing what came out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from streamops_nb.model.errors import Fault, Refused
from streamops_nb.model.spec import JobSpec
from streamops_nb.model.wording import number_of
from streamops_nb.ops.preview import alone
from streamops_nb.ops.preview.cells import cell_text, head
from streamops_nb.ops.preview.preview import Preview
from streamops_nb.ops.preview.text import preview_summary
from streamops_nb.ops.preview.words import notes
from streamops_nb.shell.arguments import named_values, read_values
from streamops_nb.shell.board import rows_table
from streamops_nb.shell.checking import load_spec, saved
from streamops_nb.shell.opened import looking_at, print_json
from streamops_nb.shell.places import placed

__all__ = ["print_preview", "show_preview"]


def print_preview(
    what: Path,
    job: str,
    folder: Path | None,
    console: Console,
    *,
    values: Sequence[str] = (),
    shown: int = 10,
    as_json: bool = False,
    **how: Any,
) -> int:
    """Preview a saved job, or a specification; give the exit code.

    Parameters
    ----------
    what, job, folder
        As of `streamops_nb.shell.checking.saved`.
    values
        Values for parameters, ``name=value`` each.
    shown
        So many rows of the output are printed; JSON has all.
    how
        More keywords of `Workspace.preview`.
    """
    found = saved(what, job, folder)
    if found is not None:
        return _print_job(*found, console, values, shown, as_json=as_json, **how)
    path, spec = what, load_spec(what)
    text = path.read_text(encoding="utf-8-sig")
    folder = folder or path.parent / f"{spec.name}.streamops"
    given = _given(spec, values)
    try:
        if (folder / "catalog.db").is_file():
            with looking_at(folder) as workspace:
                preview = workspace.preview(spec, params=given, **how)
        else:
            with _made(folder):
                preview = alone.preview(spec, params=given, folder=folder, **how)
    except Refused as refusal:
        raise type(refusal)([placed(fault, spec, text) for fault in refusal.faults]) from refusal
    faults = [placed(fault, spec, text) for fault in preview.faults]
    return show_preview(preview, faults, console, shown, as_json=as_json)


def _print_job(
    folder: Path,
    name: str,
    console: Console,
    values: Sequence[str],
    shown: int,
    *,
    as_json: bool,
    **how: Any,
) -> int:
    with looking_at(folder) as workspace:
        given = _given(workspace.job(name).spec, values)
        preview = workspace.preview(name, params=given, **how)
    return show_preview(preview, preview.faults, console, shown, as_json=as_json)


def _given(spec: JobSpec, values: Sequence[str]) -> dict[str, Any]:
    return read_values(named_values(values), spec.params)


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """A path such as ../events.jsonl needs a folder to go up from."""
    with suppress(OSError):
        folder.mkdir(parents=True)
    try:
        yield
    finally:
        with suppress(OSError):  # it holds something, or has been there before
            folder.rmdir()


def show_preview(
    preview: Preview, faults: Sequence[Fault], console: Console, shown: int, *, as_json: bool
) -> int:
    """Print a preview and give the exit code; parameters as of `print_preview`."""
    if as_json:
        print_json(_as_data(preview, faults), console)
    else:
        _print_for_people(preview, faults, console, shown)
    return 2 if faults else 0


def _print_for_people(
    preview: Preview, faults: Sequence[Fault], console: Console, shown: int
) -> None:
    console.print(Text(preview_summary(preview, faults)))
    stage = preview.result.stages.get(preview.output)
    if stage is not None and stage.rows_out and shown:
        columns = stage.table.column_names
        rows = _rows(stage.table, shown)
        console.print()
        console.print(rows_table(rows, columns))
        if stage.rows_out > shown:
            console.print(number_of(stage.rows_out - shown, "more row"))
    console.print(Text(f"\n{preview.receipt}", style="dim"))


def _rows(table: Any, number: int) -> list[dict[str, Any]]:
    columns = head(table, number, table.num_columns)
    return [dict(zip(table.column_names, row, strict=True)) for row in zip(*columns, strict=True)]


def _as_data(preview: Preview, faults: Sequence[Fault]) -> Mapping[str, Any]:
    result = preview.result
    stage = result.stages.get(preview.output)
    rejects = result.rejects.drop_columns(["batch", "at"])
    return {
        "job": preview.spec.name,
        "sample": {
            "how": preview.sample.how,
            "rows": {name: d.raw.num_rows for name, d in preview.sample.streams.items()},
        },
        "params": preview.spec.param_values(preview.params),
        "stages": [
            {
                "stage": s.name,
                "rows_in": s.rows_in,
                "rows_out": s.rows_out,
                "rejected": s.rejected,
                "columns": dict(s.columns),
            }
            for s in result.stages.values()
        ],
        "output": preview.output,
        "rows": [] if stage is None else _rows(stage.table, stage.rows_out),
        "rejects": _rows(rejects, rejects.num_rows),
        "late": _rows(result.late, result.late.num_rows),
        "faults": [str(fault) for fault in faults],
        "notes": [cell_text(note, 400) for note in notes(preview)],
        "receipt": str(preview.receipt),
    }
