"""The one place where threads meet screens.

One thread per workspace looks at it twice a second while a screen is open, whatever the number of
screens (`Watch`). A `Screen` carries what threads found to where its widgets may be changed: the
next tick of its document when it is served; in a notebook the kernel's screens take turns, each
once the browser shows it (see `streamops_nb.ui.panel.cell`).
"""

from __future__ import annotations

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any, TypeVar

from streamops_nb.client.patience import hurrying
from streamops_nb.ui.state.picture import Door, Picture, Reader

__all__ = ["CELLS", "EVERY", "Screen", "Watch", "here", "watch"]

T = TypeVar("T")

EVERY = 0.5
"""Seconds between two looks at a workspace: a screen is refreshed at most twice a second."""

CELLS = threading.RLock()
"""Who holds it may change the cells of this kernel: Panel there is made for one thread."""

_FIRST = 0.2
"""Seconds for which a screen waits for the first look."""


class Watch:
    """Looks at a workspace again and again, and shows the picture to all screens on it.

    Screens are held weakly, so one that is forgotten ends its subscription; the thread ends with
    the last of them.

    Parameters
    ----------
    door
        The workspace.
    now
        The clock, seconds since the epoch.
    """

    def __init__(self, door: Door, now: Callable[[], float] = time.time) -> None:
        self._reader = Reader(door, now)
        self._lock = threading.Lock()
        self._screens: weakref.WeakSet[Screen] = weakref.WeakSet()
        self._thread: threading.Thread | None = None
        self._looked = threading.Event()
        self.picture = Picture()

    def join(self, screen: Screen, *, made: bool = False) -> None:
        """Show pictures to a screen from now on, the present one at once.

        The first look at a workspace of many jobs may take seconds: it is waited for shortly, so
        that a screen of a small one is drawn once, and comes later otherwise.

        Parameters
        ----------
        made
            The screen is being made, here: it is drawn with the picture, not once more.
        """
        with self._lock:
            self._screens.add(screen)
            if self._thread is None:
                self._thread = threading.Thread(target=self._look_often, name="watch", daemon=True)
                self._thread.start()
        if self._looked.wait(_FIRST):
            (screen.draw if made else screen.show)(self.picture)

    def leave(self, screen: Screen) -> None:
        """Show it nothing any more."""
        with self._lock:
            self._screens.discard(screen)

    @property
    def screens(self) -> int:
        """How many screens are open."""
        return len(self._screens)

    def look(self) -> Picture:
        """Look now; a workspace that does not answer leaves the picture as it was, and says so."""
        try:
            with hurrying():
                self.picture = self._reader.look()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is shown, and tried again
            before = self.picture
            self.picture = Picture(
                at=before.at,
                rows=before.rows,
                resources=before.resources,
                trouble=str(error) or type(error).__name__,
            )
        return self.picture

    def _look_often(self) -> None:
        while True:
            picture = self.look()
            self._looked.set()
            with self._lock:
                screens = list(self._screens)
                if not screens:
                    self._thread = None
                    self._looked.clear()  # the next screen waits for what is then
                    return
            for screen in screens:
                with suppress(Exception):  # a screen that cannot even say what failed
                    screen.show(picture)
            del screens, picture
            time.sleep(EVERY)


_WATCHES: weakref.WeakKeyDictionary[Any, Watch] = weakref.WeakKeyDictionary()
_WATCHING = threading.Lock()


def watch(door: Door) -> Watch:
    """Give the watch of a workspace; all screens on it share one."""
    with _WATCHING:
        found = _WATCHES.get(door)
        if found is None:
            # a proxy, so that the watch alone does not keep the workspace
            found = _WATCHES[door] = Watch(weakref.proxy(door))
        return found


class Screen:
    """One page or cell, as threads see it.

    Parameters
    ----------
    shown
        Takes a picture; called where widgets may be changed.
    failed
        Takes an error that `shown` raised, likewise.
    schedule
        Calls something where widgets may be changed; default at once, under `lock`.
    hold
        What is entered around a change of widgets, so that it goes out as one message.
    lock
        Held while widgets are changed; default one of its own.
    """

    def __init__(
        self,
        shown: Callable[[Picture], None],
        failed: Callable[[Exception], None],
        *,
        schedule: Callable[[Callable[[], None]], object] | None = None,
        hold: Callable[[], AbstractContextManager[Any]] = nullcontext,
        lock: AbstractContextManager[Any] | None = None,
    ) -> None:
        self._shown = shown
        self._failed = failed
        self._schedule = schedule
        self._hold = hold
        self._waiting: Picture | None = None
        self._coming = self._closed = self._hidden = False
        self._later: deque[Callable[[], None]] = deque()
        self.lock = threading.RLock() if lock is None else lock

    @property
    def served(self) -> bool:
        """Whether a server shows it, not a notebook."""
        return self._schedule is not None

    def call(self, what: Callable[[], None]) -> None:
        """Call something where widgets may be changed; from any thread."""
        if self._closed:
            return
        if self._schedule is not None:
            self._schedule(lambda: self._enter(what))
            return
        self._later.append(what)
        self._catch_up()

    def wait(self) -> None:
        """Change nothing until it goes on: what it is shown on is being made."""
        self._hidden = True

    def go_on(self) -> None:
        """It can be seen: do what waits, in order."""
        self._hidden = False
        self._catch_up()

    def _catch_up(self) -> None:
        with self.lock:
            while self._later and not self._hidden:
                self._enter(self._later.popleft())

    def _enter(self, what: Callable[[], None]) -> None:
        with self.lock:
            if self._closed:
                return
            try:
                with self._hold():
                    what()
            except Exception as error:  # noqa: BLE001 - whatever it is, the person must see it
                self._failed(error)

    def draw(self, picture: Picture) -> None:
        """Show a picture where the screen is being made."""
        self._enter(lambda: self._shown(picture))

    def show(self, picture: Picture) -> None:
        """Show a picture; of several that wait for a slow screen only the newest is shown."""
        with self.lock:
            self._waiting = picture
            if self._coming:
                return
            self._coming = True
        self.call(self._show_newest)

    def _show_newest(self) -> None:
        picture, self._waiting, self._coming = self._waiting, None, False
        if picture is not None:
            self._shown(picture)

    def run(
        self,
        work: Callable[[], T],
        then: Callable[[T], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Do work on a thread of its own, then call back where widgets may be changed."""

        def working() -> None:
            try:
                found = work()
            except Exception as error:  # noqa: BLE001 - told on the screen
                # the name `error` is gone when the screen's turn comes
                told = error
                self.call(lambda: failed(told))
            else:
                self.call(lambda: then(found))

        threading.Thread(target=working, name="asked at a screen", daemon=True).start()

    def close(self) -> None:
        """Call nothing any more."""
        self._closed = True


def here(shown: Callable[[Picture], None], failed: Callable[[Exception], None]) -> Screen:
    """Make the screen of the page, or notebook cell, that is being made now, in Panel."""
    import panel as pn
    from panel.io.document import hold
    from panel.io.resources import LOCAL_DIST

    document = pn.state.curdoc if pn.state.curdoc and pn.state.curdoc.session_context else None
    if document is None:
        return Screen(shown, failed, lock=CELLS)
    # Panel says so when it writes a page; for a session that comes anew, since the one before was
    # given up by then, it writes none, and its style sheets would be asked of Panel's own host
    at = f"{pn.state.rel_path}/{LOCAL_DIST}" if pn.state.rel_path else LOCAL_DIST
    document.template_variables.setdefault("dist_url", at)
    kept = weakref.ref(document)

    def schedule(what: Callable[[], None]) -> None:
        document = kept()
        if document is not None:
            document.add_next_tick_callback(what)

    return Screen(shown, failed, schedule=schedule, hold=lambda: hold(kept()))
