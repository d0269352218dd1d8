"""Roles, apart from the calls that they may make: who hands out tokens loads no engine."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Role"]


class Role(IntEnum):
    """Who may do what; each may do all that those before it may."""

    VIEWER = 1
    OPERATOR = 2
    EDITOR = 3
    ADMIN = 4

    def __str__(self) -> str:
        return self.name.lower()

    @classmethod
    def of(cls, text: str) -> Role:
        """Give the role of a name; ValueError if there is none."""
        try:
            return cls[text.upper()]
        except KeyError:
            names = ", ".join(map(str, cls))
            raise ValueError(f"there is no role `{text[:40]}` - the roles are {names}") from None
