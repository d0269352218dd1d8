"""The page ``docs/cli.md``, written from the commands.

``python -m streamops_nb.cli.page`` writes it anew after a change of a command.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from streamops_nb.cli import app

__all__ = ["PAGE", "page_text"]

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
"""Where the page lies in a checkout."""

_HEAD = """\
# Command line

Every command of `streamops`, generated (`python -m streamops_nb.cli.page`); `streamops COMMAND
--help` says the same. `--debug`, anywhere, shows tracebacks; `--version` prints the version. Exit
codes: 0 done, 1 failed, 2 the input was refused. `--json`, where it stands, prints for scripts.
"""


def page_text() -> str:
    """Write the page."""
    group: Any = get_command(app)
    lines = [_HEAD]
    for name, command in group.commands.items():
        if not command.hidden:
            lines += _section(name, command)
    return "\n".join(lines)


def _section(name: str, command: Any) -> Iterator[str]:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option"]
    usage = " ".join(["streamops", name, *(_place(one) for one in arguments)])
    yield f"## `{name}`\n"
    yield f"{inspect.cleandoc(command.help or '')}\n"
    yield f"```text\n{usage}{' [OPTIONS]' if options else ''}\n```\n"
    if command.params:
        yield "| argument or option | default | what it is |"
        yield "|---|---|---|"
        for one in (*arguments, *options):
            yield f"| {_spelled(one)} | {_default(one)} | {_cell(one.help or '')} |"
        yield ""


def _place(argument: Any) -> str:
    name = (argument.metavar or argument.name.upper()).removesuffix("...").strip("[]")
    many = "..." if argument.nargs != 1 else ""
    return f"{name}{many}" if argument.required else f"[{name}{many}]"


def _spelled(param: Any) -> str:
    if param.param_type_name == "argument":
        return f"`{_place(param)}`".replace("|", "\\|")
    value = "" if param.is_flag else f" {param.metavar or param.name.upper()}"
    names = [f"`{name}{value}`" for name in param.opts]
    return ", ".join([*names, *(f"`{name}`" for name in param.secondary_opts)])


def _default(param: Any) -> str:
    if param.required:
        return "*required*"
    if param.default in (None, False, (), "") or param.default == [] or callable(param.default):
        return ""
    return f"`{param.default}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("<", "\\<").replace("|", "\\|")


def main() -> None:
    """Write the page into the checkout."""
    PAGE.write_text(page_text(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")


if __name__ == "__main__":
    main()
