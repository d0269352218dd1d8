"""What the role of whoever looks at a screen keeps them from; it is the door that refuses it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streamops_nb.ui.state.wish import Verb
from streamops_nb.wire.calls import CALLS

__all__ = ["Permits"]


class Permits:
    """What somebody may ask of a door.

    Parameters
    ----------
    door
        A workspace. One that this process owns has no roles; a far one knows its name and role.

    Attributes
    ----------
    name, role
        Of the person; empty for the user who runs the owner.
    """

    def __init__(self, door: Any) -> None:
        self._role = getattr(door, "role", None)
        self.name = str(getattr(door, "name", ""))
        self.role = str(self._role) if self.name else ""

    def refusal(self, call: str) -> str:
        """Say why a call of the door would be refused to a person of this role; empty if not."""
        least = CALLS[call].role
        if self._role is None or self._role >= least:
            return ""
        return f"this is for the role {least} - you are {self._role}"

    @property
    def barred(self) -> Mapping[Verb, str]:
        """What cannot be asked of any job, and why."""
        found = {verb: self.refusal(verb.method) for verb in Verb}
        return {verb: why for verb, why in found.items() if why}
