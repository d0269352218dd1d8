"""Whether an owner that is away is waited for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["hurrying", "in_a_hurry"]

_hurrying: ContextVar[bool] = ContextVar("hurrying", default=False)


@contextmanager
def hurrying() -> Iterator[None]:
    """Wait for no owner in the block: a screen says at once that it is away, and looks again."""
    before = _hurrying.set(True)
    try:
        yield
    finally:
        _hurrying.reset(before)


def in_a_hurry() -> bool:
    """Say whether that is so here."""
    return _hurrying.get()
