"""Requests that go on, so that they can be cancelled, and samples that clients come back to."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from streamops_nb.engine.preview.sample import Sample
from streamops_nb.engine.preview.work import Work
from streamops_nb.model.errors import Refused
from streamops_nb.wire.previews import UNKNOWN_SAMPLE

__all__ = ["Samples", "Works"]


class Works:
    """Previews that go on, by the person and the number of the request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._going_on: dict[tuple[str, str], Work] = {}

    @contextmanager
    def going_on(self, person: str, number: str) -> Iterator[Work]:
        """Let `cancel` find it during the block."""
        work = Work()
        with self._lock:
            self._going_on[person, number] = work
        try:
            yield work
        finally:
            with self._lock:
                self._going_on.pop((person, number), None)

    def cancel(self, person: str, number: str) -> bool:
        """Cancel somebody's own preview; say whether it was there."""
        with self._lock:
            work = self._going_on.get((person, number))
        if work is not None:
            work.cancel()
        return work is not None


class Samples:
    """The samples that were used last, as far as they have room; each is its drawer's.

    Parameters
    ----------
    room
        Bytes of all of them.
    """

    def __init__(self, room: int = 512 * 2**20) -> None:
        self._room = room
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], Sample] = OrderedDict()

    def keep(self, person: str, sample: Sample) -> None:
        """Keep a sample; the one that was not used for the longest time makes room."""
        with self._lock:
            self._kept[person, sample.id] = sample
            self._kept.move_to_end((person, sample.id))
            while len(self._kept) > 1 and sum(map(_size, self._kept.values())) > self._room:
                self._kept.popitem(last=False)

    def of(self, person: str, name: str) -> Sample:
        """Give somebody's sample.

        Raises
        ------
        Refused
            If it is not kept.
        """
        with self._lock:
            found = self._kept.get((person, name))
        if found is None:
            raise Refused(UNKNOWN_SAMPLE)
        self.keep(person, found)
        return found


def _size(sample: Sample) -> int:
    return sum(drawn.raw.nbytes for drawn in sample.streams.values())
