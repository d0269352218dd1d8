"""The tokens of those who may ask a served workspace; nothing here loads the engine."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from streamops_nb.server.tokens import add_token, remove_token

__all__ = ["make_token", "take_token"]


def make_token(path: Path, name: str, role: str, console: Console) -> None:
    """Make a token for somebody, and show it this once."""
    token = add_token(path, name, role)
    console.out(token, highlight=False)
    if console.is_terminal:
        console.print(f"Hand it to {name}; it is kept nowhere, {path} has its digest.")


def take_token(path: Path, name: str, console: Console) -> None:
    """Take somebody's token out."""
    remove_token(path, name)
    console.print(f"{name} is out; a server that reads {path} knows it at once.", markup=False)
