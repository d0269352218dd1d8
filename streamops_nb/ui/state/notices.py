"""What is told to the person at a screen: results, refusals, failures."""

from __future__ import annotations

import itertools
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import param

from streamops_nb.model.errors import Refused, StreamopsError

__all__ = ["Level", "Notice", "Notices"]

Level = Literal["success", "info", "warning", "error"]

_MOST = 5
"""So many are shown at once; the oldest give way, errors last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """One thing that is told.

    Parameters
    ----------
    text, details
        The sentence, and further lines.
    line
        The Python that does the same as what was done; empty if there is none.
    trace
        The traceback of a fault in the program itself.
    """

    number: int
    level: Level
    text: str
    details: tuple[str, ...] = ()
    line: str = ""
    trace: str = ""

    @property
    def stays(self) -> bool:
        """Whether it stays until it is closed."""
        return self.level in ("error", "warning")


class Notices(param.Parameterized):
    """The notices that are open, oldest first."""

    items = param.ClassSelector(class_=tuple, default=())

    def __init__(self) -> None:
        super().__init__()
        self._numbers = itertools.count(1)

    def tell(
        self,
        level: Level,
        text: str,
        *,
        details: Iterable[str] = (),
        line: str = "",
        trace: str = "",
    ) -> Notice:
        """Tell something; the oldest that does not stay gives way."""
        notice = Notice(
            number=next(self._numbers),
            level=level,
            text=text,
            details=tuple(details),
            line=line,
            trace=trace,
        )
        kept = list(self.items)
        while len(kept) >= _MOST:
            kept.remove(next((n for n in kept if not n.stays), kept[0]))
        self.items = (*kept, notice)
        return notice

    def tell_error(self, error: BaseException, doing: str = "", line: str = "") -> Notice:
        """Tell of an error in words: a refusal with every fault, a fault of ours with its trace."""
        what = f"{doing}: " if doing else ""
        if isinstance(error, Refused) and len(error.faults) > 1:
            faults = [str(fault) for fault in error.faults]
            return self.tell("error", f"{what}refused", details=faults, line=line)
        if isinstance(error, StreamopsError):
            return self.tell("error", f"{what}{error}", line=line)
        trace = "".join(traceback.format_exception(error))
        text = f"{what}{type(error).__name__}: {error}"
        return self.tell("error", text, line=line, trace=trace)

    def close(self, number: int) -> None:
        """Close one."""
        self.items = tuple(notice for notice in self.items if notice.number != number)
