"""``streamops …``: the command line. It reads the arguments; the rest is loaded when needed."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streamops_nb.model.errors import Refused, StreamopsError

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["app", "main"]

app = typer.Typer(
    name="streamops",
    help="Stream jobs as one DuckDB query.",
    epilog="Exit codes: 0 done, 1 failed, 2 the input was refused. --debug shows tracebacks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

SpecFile = Annotated[Path, typer.Argument(metavar="SPEC", help="A job's YAML file.")]
Folder = Annotated[Path, typer.Argument(metavar="WORKSPACE", help="A workspace's folder.")]
JobName = Annotated[str, typer.Argument(metavar="JOB", help="The job's name.")]
Own = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        metavar="DIR",
        help="The workspace, to which paths in SPEC are relative; default <name>.streamops "
        "beside SPEC.",
    ),
]
Limit = Annotated[int, typer.Option("-n", min=0, help="So many rows, the newest.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def run(
    spec: SpecFile,
    workspace: Own = None,
    until_end: Annotated[
        bool, typer.Option("--until-end", help="Refuse the job if its streams never end.")
    ] = False,
    at: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="START",
            help="earliest, latest, stopped, a time such as 2024-01-31T08:30:00Z, or positions "
            """such as '{"readings": {"0": 12}}'; default: go on from the last commit.""",
        ),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Give a parameter a value; may be repeated."),
    ] = None,
    rows: Annotated[int, typer.Option(min=0, help="Show so many of the newest rows.")] = 0,
) -> None:
    """Run one job in the foreground until it has finished, or until Ctrl-C.

    Ctrl-C lets the batch in flight commit; the same command goes on from there.
    """
    from streamops_nb.shell.run import run_job

    code = run_job(
        spec,
        workspace,
        _console(),
        until_end=until_end,
        at=at,
        params=param or [],
        rows=rows,
    )
    raise typer.Exit(code)


@app.command()
def validate(spec: SpecFile, workspace: Own = None) -> None:
    """Check a job and its query: every fault with its line and column."""
    from streamops_nb.shell.specs import print_verdict

    print_verdict(spec, workspace, _console())


@app.command()
def explain(spec: SpecFile, workspace: Own = None) -> None:
    """Say what a job keeps as state, when rows come out, and what the watermark does."""
    from streamops_nb.shell.specs import print_plan

    print_plan(spec, workspace, _console())


@app.command()
def schema() -> None:
    """Print the JSON Schema of a job's specification, for editors."""
    from importlib.resources import files

    text = files("streamops_nb.model").joinpath("schema", "job.schema.json").read_text("utf-8")
    sys.stdout.write(text)


@app.command()
def jobs(workspace: Folder, as_json: AsJson = False) -> None:
    """List the jobs of a workspace."""
    from streamops_nb.shell.lists import print_jobs

    print_jobs(workspace, _console(), as_json=as_json)


@app.command()
def output(workspace: Folder, job: JobName, limit: Limit = 20, as_json: AsJson = False) -> None:
    """Print the newest rows that a job has written to its table."""
    from streamops_nb.shell.lists import print_output

    print_output(workspace, job, limit, _console(), as_json=as_json)


@app.command()
def rejects(workspace: Folder, job: JobName, limit: Limit = 20, as_json: AsJson = False) -> None:
    """Print the newest rows that a job could not decode or evaluate, and why."""
    from streamops_nb.shell.lists import print_rejects

    print_rejects(workspace, job, limit, _console(), as_json=as_json)


@app.command()
def demo(
    workspace: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the demo's workspace lies.")
    ] = Path("demo.streamops"),
    speed: Annotated[
        float | None,
        typer.Option(
            min=1,
            max=1_000_000,
            help="Recorded seconds per second; default as before, at first 3600.",
        ),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--for", metavar="SECONDS", help="End after so long.")
    ] = None,
    no_color: Annotated[bool, typer.Option("--no-color", help="Without colours.")] = False,
) -> None:
    """Run seven jobs on recorded flights and weather and a simulated plant, until Ctrl-C.

    Run again, every job goes on from its last commit.
    """
    from streamops_nb.demo.screen import run_demo

    raise typer.Exit(run_demo(workspace, _console(no_color=no_color), speed=speed, seconds=seconds))


def _print_version(wanted: bool) -> None:
    if wanted:
        from streamops_nb import __version__

        sys.stdout.write(f"streamops {__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    # --debug may stand anywhere, so `main` looks for it
    del debug, version


def _console(*, no_color: bool = False) -> Console:
    from rich.console import Console

    # a file or pipe has no width of its own; nothing needs to be cut there
    width = None if sys.stdout.isatty() else 200
    return Console(no_color=no_color or None, width=width, highlight=False)


def main() -> None:
    """Run the command line; errors of ours end it with their words and exit code 1 or 2."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    code = 0
    try:
        app(args=arguments, prog_name="streamops")
    except StreamopsError as error:
        if len(arguments) < len(sys.argv) - 1:
            traceback.print_exc()
        sys.stderr.write(f"{error}\n")
        code = 2 if isinstance(error, Refused) else 1
    # not above, where the error would hold its frames, and what lies in them, until the very end
    sys.exit(code)
