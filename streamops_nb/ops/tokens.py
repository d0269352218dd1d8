"""Who may ask a served workspace: people, their roles and their tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from streamops_nb.model.errors import Refused
from streamops_nb.model.events import ActionTaken
from streamops_nb.ops.core import Core, user

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Kept", "Tokens"]


class Kept(Protocol):
    """Where tokens are kept; a workspace that is not served to others has none."""

    def people(self) -> list[tuple[str, str]]:
        """Give names and roles."""
        ...

    def add(self, name: str, role: str) -> str:
        """Make a token for somebody, in place of the one before; give it this once."""
        ...

    def remove(self, name: str) -> None:
        """Take somebody's token out."""
        ...


class Tokens:
    """The tokens of those who may ask a served workspace."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._where: Kept | None = None

    def kept_in(self, where: Kept) -> None:
        """Say where they are kept; done by what serves the workspace."""
        self._where = where

    def list(self) -> pd.DataFrame:
        """List who may ask, and as what.

        Raises
        ------
        Refused
            If the workspace is not served to others.
        """
        import pandas as pd

        return pd.DataFrame(self._kept().people(), columns=["name", "role"], dtype="str")

    def add(self, name: str, role: str) -> str:
        """Make a token for somebody, in place of the one before, and give it this once.

        Parameters
        ----------
        name
            As it will stand in the history.
        role
            ``viewer``, ``operator``, ``editor`` or ``admin``.

        Raises
        ------
        Refused
            If the name or the role is none, or the workspace is not served to others.
        """
        token = self._kept().add(name, role)
        self._note(f"make token of {name}, {role.lower()}", f"ws.tokens.add({name!r}, {role!r})")
        return token

    def remove(self, name: str) -> None:
        """Take somebody's token out; who had it is out at once.

        Raises
        ------
        Refused
            If there is none.
        """
        self._kept().remove(name)
        self._note(f"remove token of {name}", f"ws.tokens.remove({name!r})")

    def _kept(self) -> Kept:
        if self._where is None:
            raise Refused(
                "this workspace is not served to others, so it has no tokens - `streamops token"
                " FILE NAME ROLE` makes one, `streamops serve --token-file FILE` takes it"
            )
        return self._where

    def _note(self, action: str, line: str) -> None:
        now = self._core.now()
        self._core.states.note(ActionTaken(job="", at=now, who=user(), action=action, line=line))
