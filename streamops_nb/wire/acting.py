"""For whom a call is made: what the user who runs the owner says of somebody else."""

from __future__ import annotations

from urllib.parse import quote, unquote

from streamops_nb.model.errors import Refused
from streamops_nb.wire.role import Role

__all__ = ["HEADER", "from_header", "to_header"]

HEADER = "x-acting-as"

_LONGEST = 200


def to_header(name: str, role: Role) -> str:
    """Write a name and a role as a header's value."""
    return f"{quote(name)} {role}"


def from_header(text: str) -> tuple[str, Role]:
    """Read what `to_header` wrote.

    Raises
    ------
    Refused
        If it is none.
    """
    name, _, role = text.partition(" ")
    name = unquote(name)
    if not (name.strip() and name.isprintable() and len(name) <= _LONGEST):
        raise Refused(f"`{HEADER}` is NAME ROLE")
    try:
        return name, Role.of(role)
    except ValueError as error:
        raise Refused(f"`{HEADER}` is NAME ROLE: {error}") from None
