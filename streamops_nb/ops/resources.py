"""Computing resources of a workspace: CU are requested, allocated, held by jobs, released."""

from __future__ import annotations

import html
import math
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from streamops_nb.model.booking import GIB_PER_CU, OVER_ALLOCATION, Booking, cu_text
from streamops_nb.model.errors import ResourcesRefused, StreamopsError
from streamops_nb.model.events import ActionTaken, Noted
from streamops_nb.model.wording import number_of
from streamops_nb.ops import machine
from streamops_nb.ops.core import Core, user
from streamops_nb.ops.screens import Shown
from streamops_nb.store.records import Allocation

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ResourceStatus", "Resources"]

_LEAST_MEMORY = 2**29
"""Bytes with which a few jobs still run."""

_MEMORY_SHARE = 0.8
"""The part of the machine's memory that the engine may use; Python and Arrow need some, too."""

_ALARM = "usage alarm"
_FACTOR = "over allocation"


@dataclass(frozen=True, kw_only=True)
class ResourceStatus:
    """The CU of a workspace at one moment.

    Parameters
    ----------
    status
        ``NONE`` before anything was requested, ``ALLOCATING`` while it is being applied,
        ``ALLOCATED``.
    booking
        What is allocated, held by each active job, free.
    most
        So many CU can be requested on this machine.
    alarm
        Above this share of what is allocated (0.1 to 1) a usage is noted as an event; None: never.
    memory
        Bound of the engine's memory, bytes.
    """

    status: Literal["NONE", "ALLOCATING", "ALLOCATED"]
    booking: Booking
    most: float
    alarm: float | None
    memory: int

    @property
    def allocated(self) -> float:
        """CU that are allocated."""
        return self.booking.allocated

    @property
    def reserved(self) -> float:
        """CU that active jobs hold."""
        return self.booking.reserved

    @property
    def free(self) -> float:
        """CU that are allocated and not held."""
        return self.booking.free

    @property
    def usage(self) -> float:
        """The share of what is allocated that is held, 0 to 1."""
        return self.reserved / self.allocated if self.allocated else 0.0

    @property
    def df(self) -> pd.DataFrame:
        """What each active job holds, and what it gets with its part of what is free."""
        import pandas as pd

        shares = self.booking.shares()
        held = sorted(self.booking.held.items(), key=lambda item: (-item[1], item[0]))
        columns = {
            "job": [name for name, _ in held],
            "held": [cu for _, cu in held],
            "gets": [shares[name] for name, _ in held],
        }
        return pd.DataFrame(columns)

    def __str__(self) -> str:
        if self.status == "NONE":
            return f"no CU are allocated, up to {cu_text(self.most)} can be requested"
        return (
            f"{self.status}: {cu_text(self.allocated)} CU, {cu_text(self.reserved)} held by"
            f" {number_of(len(self.booking.held), 'job')}, {cu_text(self.free)} free;"
            f" up to {cu_text(self.most)} can be requested; memory {self.memory / 2**30:.1f} GiB"
        )

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(str(self))}</p>{self.df.to_html(index=False)}"


class Resources(Shown):
    """The CU of a workspace.

    Parameters
    ----------
    memory_follows
        Whether the engine's memory is bounded by what is allocated, 2 GiB per CU.

    Attributes
    ----------
    workspace
        Whose they are; None while it is being opened.
    """

    _screen = "resources"
    workspace: Any = None

    def __init__(self, core: Core, *, memory_follows: bool = True) -> None:
        self._core = core
        self._memory_follows = memory_follows
        self._alarmed = False
        self._changing = threading.Lock()
        found = core.catalog.allocation()
        if found is not None:
            # a request that a crash interrupted is completed
            self._apply(found.cu)
            if found.status == "ALLOCATING":
                self._grant(found.cu, found.who, "completed after a crash")

    def status(self) -> ResourceStatus:
        """Say what is allocated, held and free."""
        found = self._core.catalog.allocation()
        return ResourceStatus(
            status="NONE" if found is None else found.status,
            booking=self._core.catalog.booking(),
            most=self._most(),
            alarm=self._threshold(),
            memory=self._memory(0.0 if found is None else found.cu),
        )

    def __repr__(self) -> str:
        return str(self.status())

    def _repr_html_(self) -> str:
        return self.status()._repr_html_()

    def request(
        self, cu: float, *, over_allocation: float | None = None, why: str = ""
    ) -> ResourceStatus:
        """Request so many CU for the workspace, in place of what is allocated.

        Parameters
        ----------
        cu
            1 CU is a core and 2 GiB.
        over_allocation
            How many times the machine's cores may be allocated, from now on; default 4, because
            most jobs wait most of the time.
        why
            Kept in the history.

        Raises
        ------
        ResourcesRefused
            If the machine has less, or running jobs hold more; nothing is changed then.
        """
        with self._changing:
            wanted = self._checked(cu, over_allocation)
            before = self._core.catalog.allocation()
            self._core.catalog.allocate(self._allocation(wanted, "ALLOCATING"))
            try:
                self._apply(wanted)
            except StreamopsError as error:
                self._core.catalog.allocate(before)
                raise ResourcesRefused(
                    f"the engine uses more memory than {cu_text(wanted)} CU have: {error}"
                    " - pause jobs first"
                ) from error
            if over_allocation is not None:
                self._core.catalog.set(_FACTOR, str(float(over_allocation)))
            self._grant(wanted, user(), why)
        return self.status()

    def release(self, *, why: str = "") -> ResourceStatus:
        """Give all CU back; no job can be started then.

        Raises
        ------
        ResourcesRefused
            While jobs hold some; nothing is changed then.
        """
        with self._changing:
            booking = self._core.catalog.booking()
            if booking.held:
                raise ResourcesRefused(
                    f"{_held(booking)} - pause or stop {'it' if len(booking.held) == 1 else 'them'}"
                    " first"
                )
            done = self._taken("release resources", why, "ws.resources.release()")
            self._core.catalog.allocate(None, [done])
            # what previews hold may be more than the machine's own bound: it stays until they end
            with suppress(StreamopsError):
                self._apply(0.0)
        return self.status()

    def ensure(self) -> None:
        """Request the machine's cores unless something is allocated."""
        if self._core.catalog.allocation() is None:
            self.request(machine.cores())

    def alarm(self, share: float | None) -> None:
        """Note an event when more than this share of the allocation is held.

        Parameters
        ----------
        share
            From 0.1 to 1; None: never.

        Raises
        ------
        ResourcesRefused
            If it is none of these.
        """
        if share is not None and (not _number(share) or not 0.1 <= share <= 1):
            raise ResourcesRefused(f"an alarm is a share from 0.1 to 1, not {share!r}")
        self._core.catalog.set(_ALARM, "" if share is None else str(float(share)))
        self._alarmed = False

    def look(self) -> None:
        """Note that the usage has passed the alarm, once until it is below it again."""
        threshold = self._threshold()
        if threshold is None:
            return
        status = self.status()
        over = bool(status.allocated) and status.usage > threshold + 1e-9
        if over and not self._alarmed:
            text = (
                f"{cu_text(status.reserved)} of {cu_text(status.allocated)} CU are held,"
                f" more than {threshold:.0%}"
            )
            self._core.states.note(
                Noted(job="", at=self._core.now(), what="usage alarm", message=text)
            )
        self._alarmed = over

    def _threshold(self) -> float | None:
        text = self._core.catalog.setting(_ALARM)
        return float(text) if text else None

    def _most(self, over_allocation: float | None = None) -> float:
        factor = over_allocation or float(self._core.catalog.setting(_FACTOR) or OVER_ALLOCATION)
        return machine.cores() * factor

    def _checked(self, cu: float, over_allocation: float | None) -> float:
        if not _number(cu) or cu <= 0:
            raise ResourcesRefused(
                f"CU are a number above 0, not {cu!r} - 1 CU is a core and {GIB_PER_CU} GiB"
            )
        if over_allocation is not None and not (
            _number(over_allocation) and 0 < over_allocation <= 1000
        ):
            raise ResourcesRefused(
                f"an over-allocation is a factor above 0, at most 1000, not {over_allocation!r}"
            )
        most = self._most(over_allocation)
        if cu > most:
            raise ResourcesRefused(
                f"{cu_text(cu)} CU are more than this machine has: {machine.cores()} cores, of"
                f" which up to {cu_text(most)} CU can be allocated"
                " - request less, or pass over_allocation="
            )
        booking = self._core.catalog.booking()
        if not Booking(allocated=cu).fits(booking.reserved):
            raise ResourcesRefused(
                f"{cu_text(cu)} CU are less than what is in use: {_held(booking)}"
                " - release resources first: pause or stop jobs"
            )
        return float(cu)

    def _grant(self, cu: float, who: str, why: str) -> None:
        line = f"ws.resources.request(cu={cu_text(cu)})"
        done = self._taken("request resources", why, line, who)
        self._core.catalog.allocate(self._allocation(cu, "ALLOCATED", who), [done])

    def _allocation(
        self, cu: float, status: Literal["ALLOCATING", "ALLOCATED"], who: str = ""
    ) -> Allocation:
        return Allocation(cu=cu, status=status, at=self._core.now(), who=who or user())

    def _taken(self, action: str, why: str, line: str, who: str = "") -> ActionTaken:
        now = self._core.now()
        return ActionTaken(job="", at=now, who=who or user(), action=action, why=why, line=line)

    def _memory(self, cu: float) -> int:
        """The bound of the engine's memory for so many CU; as the machine has before any."""
        wanted = (cu or machine.cores()) * GIB_PER_CU * 2**30
        return int(max(_LEAST_MEMORY, min(wanted, _MEMORY_SHARE * machine.memory())))

    def _apply(self, cu: float) -> None:
        if self._memory_follows:
            self._core.instance.limit_memory(self._memory(cu))


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _held(booking: Booking) -> str:
    return f"{cu_text(booking.reserved)} CU are held by {booking.holders()}"
