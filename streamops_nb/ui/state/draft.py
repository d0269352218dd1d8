"""A job that is being written: its text, what is wrong with it, and what it would give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import param

from streamops_nb.model.errors import Refused, StreamopsError
from streamops_nb.model.spec import JobSpec
from streamops_nb.plan import specfile

__all__ = ["Checked", "Draft", "templates"]

_ROWS = 200
_SECONDS = 3.0


def templates() -> dict[str, str]:
    """Give the specifications to begin with, by what they are about."""
    folder = files("streamops_nb.ui.state").joinpath("templates")
    found = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    return {
        name.removesuffix(".yaml").partition("-")[2].replace("_", " "): folder.joinpath(
            name
        ).read_text(encoding="utf-8")
        for name in found
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """What was found out about a text.

    Parameters
    ----------
    faults
        What is wrong, a line each.
    spec, preview
        What it says, and its result on a sample; None as far as it cannot be read or run.
    """

    text: str
    faults: tuple[str, ...] = ()
    spec: JobSpec | None = None
    preview: Any = None


class Draft(param.Parameterized):
    """A specification that is being written; checked as one types, on a sample that stays."""

    text = param.String("")
    checked = param.ClassSelector(class_=Checked, default=Checked(text=""))

    def __init__(self, text: str = "") -> None:
        super().__init__(text=text)
        self._checking = False

    def check_soon(self, desk: Any) -> None:
        """Check the text; what is typed meanwhile is checked after that, once."""
        if self._checking or self.checked.text == self.text:
            return
        self._checking = True
        text, before = self.text, self.checked.preview

        def came(checked: Checked) -> None:
            self._checking = False
            if checked.preview is None and before is not None:
                # the sample stays for the next text that can be read
                checked = Checked(
                    text=checked.text, faults=checked.faults, spec=checked.spec, preview=before
                )
            self.checked = checked
            self.check_soon(desk)

        def failed(error: Exception) -> None:
            came(Checked(text=text, faults=(str(error),)))

        desk.worker.run(lambda: check(desk.door, text, before), came, failed)


def check(door: Any, text: str, before: Any) -> Checked:
    """Read a text and run it once over a sample; over the one before if the streams are the same.

    Parameters
    ----------
    before
        The preview before, or None.
    """
    try:
        spec = specfile.load(f"{text}\n")
    except Refused as refusal:
        return Checked(text=text, faults=_lines(refusal))
    how: Mapping[str, Any] = {"rows": _ROWS, "seconds": _SECONDS}
    if before is not None and before.spec.streams == spec.streams:
        how = {"sample": before.sample}
    try:
        preview = door.preview(spec, **how)
    except StreamopsError as error:
        return Checked(text=text, faults=_lines(error), spec=spec)
    faults = tuple(str(fault) for fault in preview.faults)
    return Checked(text=text, faults=faults, spec=spec, preview=preview)


def _lines(error: StreamopsError) -> tuple[str, ...]:
    return tuple(map(str, error.faults)) if isinstance(error, Refused) else (str(error),)
