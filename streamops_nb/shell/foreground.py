"""Standing in the foreground of a terminal: drawing again and again, and ending gracefully."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live

__all__ = ["Ending", "draw"]

_SLICE = 0.1
_SECONDS = 0.5
"""Between two pictures on a terminal."""
_SECONDS_PLAIN = 5.0
"""Between two pictures in a file or pipe."""


class Ending:
    """Whether somebody wants the process to end, by SIGINT (Ctrl-C) or SIGTERM.

    The first signal only sets `wanted`, so that batches in flight commit; the second ends the
    process at once, which loses nothing either: the next run goes on from the last commit.
    """

    def __init__(self) -> None:
        # no threading.Event: the handler could find its lock taken by its own thread
        self.wanted = False
        self._before: dict[int, signal.Handlers | Callable[..., object] | int | None] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._asked)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _asked(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self.wanted:
            sys.stdout.flush()
            os._exit(128 + number)
        self.wanted = True

    def wait(self, seconds: float) -> bool:
        """Sleep, at most until an end is wanted; tell whether it is."""
        until = time.monotonic() + seconds
        while not self.wanted and (left := until - time.monotonic()) > 0:
            time.sleep(min(_SLICE, left))
        return self.wanted


def draw(
    picture: Callable[[], RenderableType],
    console: Console,
    ending: Ending,
    going_on: Callable[[], bool],
) -> None:
    """Draw until an end is wanted or nothing is going on any more.

    On a terminal the picture is renewed in place, twice a second; elsewhere it is printed anew
    every few seconds and at the end.
    """
    if not console.is_terminal:
        _print(picture, console, ending, going_on)
        return
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            last = not going_on()
            live.update(picture(), refresh=True)
            if last or ending.wait(_SECONDS):
                return


def _print(
    picture: Callable[[], RenderableType],
    console: Console,
    ending: Ending,
    going_on: Callable[[], bool],
) -> None:
    while going_on():
        next_picture = time.monotonic() + _SECONDS_PLAIN
        while going_on() and time.monotonic() < next_picture:
            if ending.wait(_SLICE):
                return
        console.print(picture())
