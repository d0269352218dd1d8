"""What failed, from a shell: rejects are healed, failures looked at, replayed and exported."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from streamops_nb.model.errors import Refused
from streamops_nb.model.figures import iso
from streamops_nb.model.wording import cut, did_you_mean, number_of
from streamops_nb.ops.capsule import Capsule, open_capsule
from streamops_nb.ops.preview.text import preview_summary
from streamops_nb.shell.opened import looking_at, print_json
from streamops_nb.shell.previewing import show_preview

__all__ = ["heal_rejects", "show_failure"]

_WHAT = ("show", "preview", "export")


def heal_rejects(
    folder: Path,
    job: str,
    spec: Path | None,
    which: Mapping[str, Any],
    console: Console,
    *,
    apply: bool,
    why: str,
    to: Path | None,
    as_json: bool,
) -> None:
    """Try a job's rejects again, and write what came out if asked to.

    Parameters
    ----------
    spec
        What is tried instead of the newest version.
    which
        More keywords of `Workspace.heal`.
    to
        Where those that failed again are written.
    """
    with looking_at(folder) as workspace:
        heal = workspace.heal(job, spec=spec, **which)
        written = heal.apply(why=why) if apply else None
        exported = None if to is None else heal.export(to)
        said = preview_summary(heal.preview, heal.preview.faults)
    if as_json:
        rejects = {"tried": heal.tried.num_rows, "healed": heal.healed.num_rows}
        print_json({**rejects, "left": len(heal.rest), "written": written}, console)
        return
    console.out(f"{heal}", highlight=False)
    if written is None:
        console.out(f"{said}\nNothing is written yet - say --apply.", highlight=False)
    else:
        console.out(f"{number_of(written)} written", highlight=False)
    if exported is not None:
        console.out(f"written {exported}: {number_of(len(heal.rest), 'reject')}", highlight=False)


def show_failure(
    place: Path, job: str, what: str, to: Path | None, shown: int, console: Console
) -> int:
    """Show, replay or export a job's last failure, or one in a file; give the exit code."""
    if place.is_file():
        return _do(open_capsule(place), what or job or "show", to, shown, console)
    if not job:
        raise Refused("name the job of the workspace")
    with looking_at(place) as workspace:
        failure = workspace.job(job).failure
        if failure is not None:
            return _do(failure, what or "show", to, shown, console)
    console.out(f"{job} has not failed.", highlight=False)
    return 0


def _do(failure: Capsule, what: str, to: Path | None, shown: int, console: Console) -> int:
    if what == "show":
        _show(failure, console)
    elif what == "preview":
        preview = failure.preview()
        return show_preview(preview, preview.faults, console, shown, as_json=False)
    elif what == "export":
        if to is None:
            raise Refused("say where to - `--to warm.capsule`")
        console.out(f"written {failure.export(to)}", highlight=False)
    else:
        raise Refused(f"say show, preview or export - {did_you_mean(what, _WHAT)}")
    return 0


def _show(failure: Capsule, console: Console) -> None:
    error = failure.error
    batch = "" if error.batch is None else f", in batch {error.batch}"
    console.out(f"{failure.job} failed at {iso(error.at)}{batch}", highlight=False)
    console.out(f"{error.kind}: {cut(error.message, 10_000)}", highlight=False)
    records = failure.without or f"kept: {number_of(failure.sample.rows, 'record')}"
    console.out(
        f"{records}; the last {number_of(len(failure.events), 'event')}; versions:", highlight=False
    )
    for name, version in failure.versions.items():
        console.out(f"  {name} {version}", highlight=False)
    for line in error.trace.splitlines():
        console.out(cut(line, 1_000), highlight=False)
