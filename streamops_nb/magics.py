"""``%%preview``: a cell of SQL over the streams of a workspace, previewed."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from streamops_nb.connecting import opened
from streamops_nb.model.errors import Refused
from streamops_nb.ops.preview.preview import Preview
from streamops_nb.ops.workspace import Workspace
from streamops_nb.shell.arguments import named_values, read_values

__all__ = ["load"]

_NOWHERE = "no workspace is open - ws = so.connect(FOLDER), or say which with --workspace"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refused(f"%%preview: {message}\n{self.format_usage().strip()}")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        del status
        raise Refused((message or self.format_help()).strip())


def _parser() -> _Parser:
    parser = _Parser(prog="%%preview", description=__doc__, add_help=False)
    parser.add_argument("name", nargs="?", help="the variable that keeps the preview")
    parser.add_argument("--rows", type=int, help="at most so many records of each stream")
    parser.add_argument("--last", metavar="10m", help="the records of so long a time")
    parser.add_argument("--upto", metavar="STAGE", help="the last stage of interest")
    parser.add_argument("--set", metavar="NAME=VALUE", action="append", default=[])
    parser.add_argument(
        "--workspace", metavar="WS", help="a variable or the folder of an open workspace"
    )
    return parser


def load(shell: Any) -> None:
    """Add the magics to an IPython shell."""

    def preview(line: str, cell: str) -> Preview:
        """Preview a cell of SQL; ``%%preview --workspace ws --rows 500 --set threshold=30``."""
        from IPython.core.error import UsageError

        try:
            found = _preview(line, cell, shell.user_ns)
        except Refused as refusal:
            # what a person mistyped needs words, not the frames of this program
            raise UsageError(str(refusal)) from None
        return found

    shell.register_magic_function(preview, "cell", "preview")


def _preview(line: str, cell: str, names: dict[str, Any]) -> Preview:
    try:
        given = _parser().parse_args(shlex.split(line))
    except ValueError as error:
        raise Refused(f"%%preview: {error}") from None
    if given.name is not None and not given.name.isidentifier():
        raise Refused(f"%%preview: `{given.name}` is no name of a variable")
    asked = {key: getattr(given, key) for key in ("rows", "last", "upto") if getattr(given, key)}
    workspace = _workspace(given.workspace, names)
    params = read_values(named_values(given.set), {})
    found = workspace.preview(cell, params=params or None, **asked)
    if given.name is not None:
        names[given.name] = found
    return found


def _workspace(name: str | None, names: Mapping[str, Any]) -> Workspace:
    """The workspace that is meant; default the one that was opened last."""
    if name is None:
        if not opened():
            raise Refused(_NOWHERE)
        return opened()[-1]
    found = names.get(name)
    if isinstance(found, Workspace):
        return found
    folder = Path(name).resolve()
    for workspace in reversed(opened()):
        if workspace.folder == folder:
            return workspace
    raise Refused(f"%%preview: {name} is no open workspace - ws = so.connect({name!r}) first")
