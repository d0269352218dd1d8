"""What makes two errors equal: place, class and words, but not the values in the words."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from streamops_nb.model.events import ErrorRaised, Event, RejectsFound

__all__ = ["VALUES", "fingerprint", "shape"]

_MOST = 300

VALUES = r""""(?:[^"\\]|\\.)*"|\B'[^']*'|\b0x[0-9a-fA-F]+|\d[\d.,:_T-]*Z?"""
"""What is a value in a message: quoted text, addresses, numbers, times. Python's `re` and Arrow's
RE2 read it alike."""

_VALUES = re.compile(VALUES)


@lru_cache(maxsize=4096)
def shape(message: str) -> str:
    """Give a message with its values left out: ``Could not convert … to DOUBLE``.

    Only so much of a long message is looked at, as tells it from others.
    """
    return " ".join(_VALUES.sub("…", message[:_MOST]).split())


def fingerprint(event: Event) -> str:
    """Give a short text that equal errors, or rejects, have in common; empty for other events.

    Equal errors are of one job, stage and class, and their messages differ in values only.
    """
    if isinstance(event, ErrorRaised):
        parts = [event.job, event.stage, event.kind, shape(event.message)]
    elif isinstance(event, RejectsFound):
        parts = [event.job, event.stage, event.kind, shape(event.example)]
    else:
        return ""
    return hashlib.blake2b("\0".join(parts).encode(errors="replace"), digest_size=6).hexdigest()
