"""Compute units: what is allocated to a workspace, which jobs hold how much, and who gets what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["GIB_PER_CU", "OVER_ALLOCATION", "WORKSPACE", "Booking", "cu_text"]

GIB_PER_CU = 2
"""One CU is one core and so many GiB."""

OVER_ALLOCATION = 4.0
"""So many times the machine's cores may be allocated: most jobs wait most of the time."""

WORKSPACE = "WORKSPACE"
"""Stands in a command for the folder, which whoever prints the message knows."""

_NAMED = 5
"""So many holders of CU are named in a message."""

_ROUNDING = 1e-9
"""Ten jobs of 0.1 CU hold 1 CU, whatever their floating-point sum is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Booking:
    """The CU of a workspace.

    Parameters
    ----------
    allocated
        What is allocated; 0 before anything was.
    held
        What each active job holds.
    """

    allocated: float = 0.0
    held: Mapping[str, float] = field(default_factory=dict)

    @property
    def reserved(self) -> float:
        """What all active jobs hold together."""
        return sum(self.held.values())

    @property
    def free(self) -> float:
        """What is allocated and held by no job."""
        return max(0.0, self.allocated - self.reserved)

    def fits(self, cu: float) -> bool:
        """Whether a job of so many CU can be started."""
        return cu <= self.allocated - self.reserved + _ROUNDING

    def with_job(self, name: str, cu: float) -> Booking:
        """Give the booking after a job was started."""
        return Booking(allocated=self.allocated, held={**self.held, name: cu})

    def without_job(self, name: str) -> Booking:
        """Give the booking after a job was paused or stopped."""
        held = {job: cu for job, cu in self.held.items() if job != name}
        return Booking(allocated=self.allocated, held=held)

    def shares(self) -> dict[str, float]:
        """What each active job gets: its own CU and its part of what is free, in proportion."""
        total = self.reserved
        return {name: cu * self.allocated / total for name, cu in self.held.items()}

    def shortage(self, cu: float) -> str:
        """Say why a job of so many CU cannot be started, and who holds what."""
        if not self.allocated:
            return (
                "no computing resources are allocated to this workspace - request them first:"
                f" ws.resources.request(cu={cu_text(max(cu, 1.0))})"
                f", `streamops resources {WORKSPACE} request {cu_text(max(cu, 1.0))}`"
                " or Request… on the page"
            )
        return (
            f"{cu_text(cu)} CU are needed and {cu_text(self.free)} of {cu_text(self.allocated)} are"
            f" free (held by {self.holders()}) - pause or stop a job, or request more"
        )

    def holders(self) -> str:
        """Name the jobs that hold most, and what each holds."""
        largest = sorted(self.held.items(), key=lambda item: (-item[1], item[0]))
        named = ", ".join(f"{name} {cu_text(cu)}" for name, cu in largest[:_NAMED])
        more = f" and {len(largest) - _NAMED} more" if len(largest) > _NAMED else ""
        return f"{named or 'no job'}{more}"


def cu_text(cu: float) -> str:
    """Write CU as people do: 0.1, 2, 2.5."""
    return f"{cu:.10g}" if cu == round(cu, 6) else f"{cu:.6g}"
