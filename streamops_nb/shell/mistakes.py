"""What an error means, offline: the page of the documentation comes with the package."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from rich.console import Console

import streamops_nb
from streamops_nb.model.errors import Refused
from streamops_nb.model.wording import did_you_mean

__all__ = ["print_error"]

_CHECKOUT = Path(streamops_nb.__file__).parents[1] / "docs" / "errors.md"
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")


def print_error(name: str, console: Console) -> None:
    """Print cause and remedy of a class of errors; without a name, all classes in short.

    Raises
    ------
    Refused
        If there is no such class.
    """
    head, *sections = re.split(r"^## ", _page(), flags=re.MULTILINE)
    known = {section.partition("\n")[0].strip(): section for section in sections}
    if not name:
        rows = re.findall(r"^\| \[`(\w+)`\]\(#\w+\) \| ([^|]+) \|", head, re.MULTILINE)
        text = "\n".join(f"{each:18}{said.strip()}" for each, said in rows)
    elif name in known:
        text = known[name].strip()
    else:
        raise Refused(f"there is no class of errors `{name}` - {did_you_mean(name, known)}")
    console.out(_LINK.sub(r"\1", text).replace("**", "").replace("`", ""), highlight=False)


def _page() -> str:
    packed = files("streamops_nb").joinpath("errors.md")
    return packed.read_text("utf-8") if packed.is_file() else _CHECKOUT.read_text("utf-8")
