"""``streamops …``: the command line. It reads the arguments; the rest is loaded when needed."""

from __future__ import annotations

import sys
import traceback
from typing import Annotated

import typer

from streamops_nb.cli import develop, operate, serve, watch
from streamops_nb.model.errors import Refused, StreamopsError

__all__ = ["app", "main"]

app = typer.Typer(
    name="streamops",
    help="Stream jobs as one DuckDB query.",
    epilog="Exit codes: 0 done, 1 failed, 2 the input was refused. --debug shows tracebacks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (*develop.COMMANDS, *operate.COMMANDS, *watch.COMMANDS, *serve.COMMANDS):
    app.command(command.__name__.rstrip("_"))(command)


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


def main() -> None:
    """Run the command line; errors of ours end it with their words and exit code 1 or 2."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    code = 0
    try:
        app(args=arguments, prog_name="streamops")
    except StreamopsError as error:
        if len(arguments) < len(sys.argv) - 1:
            traceback.print_exc()
        sys.stderr.write("\n".join([str(error), *error.__notes__, ""]))
        code = 2 if isinstance(error, Refused) else 1
    # not above, where the error would hold its frames, and what lies in them, until the very end
    sys.exit(code)
