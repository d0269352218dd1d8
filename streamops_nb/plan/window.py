"""Windows: what the four macros mean, in microseconds."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["FOREVER", "NEVER", "Window", "words"]

NEVER = -(2**62)
"""The frontier before anything has closed."""
FOREVER = 2**62
"""The frontier after a bounded input has ended."""


@dataclass(frozen=True, slots=True)
class Window:
    """The windows that one macro makes.

    Parameters
    ----------
    kind
        ``tumble``, ``hop``, ``cumulate`` or ``session``.
    size
        Length of the (longest) window in microseconds; for sessions the gap.
    slide
        Distance of two beginnings (hop) or of two ends (cumulate); `size` otherwise.
    """

    kind: str
    size: int
    slide: int

    @property
    def fixed(self) -> bool:
        """Whether a window's start tells its end."""
        return self.kind in ("tumble", "hop")

    @property
    def pane(self) -> int:
        """Width of the widest pieces of which every window is made."""
        if self.kind == "hop":
            return math.gcd(self.size, self.slide)
        return self.slide if self.kind == "cumulate" else self.size

    def closes(self, frontier_from: int, frontier_to: int) -> bool:
        """Tell whether a window end may lie in ``(frontier_from, frontier_to]``."""
        if frontier_to <= frontier_from:
            return False
        if self.kind == "session" or frontier_from == NEVER or frontier_to == FOREVER:
            return True
        step = self.slide if self.kind in ("hop", "cumulate") else self.size
        offset = self.size if self.kind == "hop" else 0
        return (frontier_to - offset) // step > (frontier_from - offset) // step

    def end_after(self, us: int, frontier: int) -> int:
        """The end of the first window that holds the time `us` and has not closed by `frontier`.

        For sessions it is only the earliest that it can be.
        """
        if self.kind == "session":
            return us + self.size
        step = self.slide if self.kind in ("hop", "cumulate") else self.size
        offset = self.size if self.kind == "hop" else 0
        after = max(us, frontier) - offset
        return (after // step + 1) * step + offset

    # SQL over a BIGINT expression of microseconds. Each function floors also before 1970.

    def pane_of(self, us: str) -> str:
        """SQL for the start of the pane that holds the time `us`."""
        return _floor(us, self.pane)

    def last_end(self, us: str) -> str:
        """SQL for the end of the last window that holds the time (or pane) `us`."""
        if self.kind == "hop":
            return f"({_floor(us, self.slide)} + {self.size})"
        return f"({_floor(us, self.size)} + {self.size})"

    def first_end(self, us: str) -> str:
        """SQL for the end of the first window that holds the time `us`."""
        if self.kind == "hop":
            start = f"({_floor(f'({us} - {self.size})', self.slide)} + {self.slide})"
            return f"({start} + {self.size})"
        step = self.slide if self.kind == "cumulate" else self.size
        return f"({_floor(us, step)} + {step})"

    def start_of(self, end: str) -> str:
        """SQL for the start of the window that ends at `end`; not for sessions."""
        if self.kind == "cumulate":
            return _floor(f"({end} - 1)", self.size)
        return f"({end} - {self.size})"

    @property
    def pane_end(self) -> str:
        """SQL for the end of the last window that holds the pane ``_pane``."""
        aligned = self.kind == "tumble" or self.slide == self.pane == self.size
        return f"(_pane + {self.size})" if aligned else self.last_end("_pane")

    def bounds_of_pane(self) -> tuple[str, str]:
        """SQL for start and end of the windows that hold the pane ``_pane``; may unnest."""
        if self.kind == "hop":
            lowest = f"_pane + {self.pane - self.size}"
            start = f"unnest(range({_floor('_pane', self.slide)}, {lowest} - 1, -{self.slide}))"
            return start, f"_start + {self.size}"
        if self.kind == "cumulate":
            first = _floor("_pane", self.size)
            end = f"unnest(range(_pane + {self.slide}, {first} + {self.size} + 1, {self.slide}))"
            return first, end
        return "_pane", f"_pane + {self.size}"

    def __str__(self) -> str:
        if self.kind == "session":
            return f"sessions with a gap of {words(self.size)}"
        if self.kind == "tumble":
            return f"tumbling windows of {words(self.size)}"
        verb = "hopping" if self.kind == "hop" else "growing"
        return f"windows of {words(self.size)} {verb} by {words(self.slide)}"


def _floor(us: str, width: int) -> str:
    return f"({us} - (({us} % {width}) + {width}) % {width})"


def words(us: int) -> str:
    """Write a length of microseconds for people."""
    for unit, width in (("d", 86_400_000_000), ("h", 3_600_000_000), ("min", 60_000_000)):
        if us % width == 0:
            return f"{us // width} {unit}"
    return f"{us / 1_000_000:g} s"
