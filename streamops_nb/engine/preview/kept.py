"""What was made once and is asked for again: the newest of it, within bounds."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["Kept"]

T = TypeVar("T")


class Kept(Generic[T]):
    """Values by key, the least used forgotten first; thread-safe.

    Parameters
    ----------
    most
        The weight of all values together; the newest is kept however heavy it is.
    weigh
        Weighs a value; by default each weighs 1.
    """

    def __init__(self, most: int, weigh: Callable[[T], int] = lambda _: 1) -> None:
        self._most = most
        self._weigh = weigh
        self._values: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Give the value of a key, made if it is not there; by two at once perhaps twice."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = make()
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            weight = sum(self._weigh(each) for each in self._values.values())
            while weight > self._most and len(self._values) > 1:
                weight -= self._weigh(self._values.popitem(last=False)[1])
        return value
