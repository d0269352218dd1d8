"""How much each of many may still ask."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field

__all__ = ["Buckets"]

_KNOWN = 10_000
"""Of so many addresses and people it is known how much they asked."""


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


@dataclass(kw_only=True)
class Buckets:
    """So many a second for each key, and so many at once."""

    rate: float
    burst: float
    _known: OrderedDict[str, _Bucket] = field(default_factory=OrderedDict)

    def wait(self, key: str, *, take: float = 1.0) -> float:
        """Take one; give the seconds to wait if there is none."""
        now = time.monotonic()
        bucket = self._known.pop(key, None) or _Bucket(self.burst, now)
        bucket.left = min(self.burst, bucket.left + (now - bucket.at) * self.rate)
        bucket.at = now
        self._known[key] = bucket
        if len(self._known) > _KNOWN:
            self._known.popitem(last=False)
        if bucket.left < 1.0:
            return (1.0 - bucket.left) / self.rate
        bucket.left -= take
        return 0.0
