"""Telling alarms to the outside: a thread and a short queue for each sink, so that none waits.

A sink that is slow or away holds up nobody: not the engine, not the alarms, not another sink. What
does not fit into its queue is dropped and counted, and both that and what could not be delivered
after all tries is an entry of the error log.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import queue
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from streamops_nb.model.alarms import Notice
from streamops_nb.model.errors import Refused
from streamops_nb.model.secrets import mask, resolve

__all__ = ["Delivery", "Tell", "check_address", "to_log", "webhook"]

Tell = Callable[[Notice], None]
"""Tells a notice; raises if that did not work."""

_log = logging.getLogger("streamops_nb.alarms")

_QUEUE = 1_000
_TRIES = 5
_PATIENCE = 10.0
"""Seconds that a webhook may take to answer."""
_GRACE = 2.0
"""Seconds that closing waits for what is still to be told."""


class Delivery:
    """One sink's thread and queue; the thread begins with the first notice.

    Parameters
    ----------
    failed
        Told of a notice that was not delivered, and why.
    wait
        Waits so many seconds between two tries, or until the delivery is closed: returns whether
        it is.
    """

    def __init__(
        self,
        name: str,
        tell: Tell,
        failed: Callable[[Notice, str], None],
        *,
        tries: int = _TRIES,
        wait: Callable[[float], bool] | None = None,
    ) -> None:
        self.name = name
        self._tell = tell
        self._failed = failed
        self._tries = tries
        self._queue: queue.Queue[Notice | None] = queue.Queue(_QUEUE)
        self._over = threading.Event()
        self._wait = wait or self._over.wait
        self._thread: threading.Thread | None = None

    def put(self, notice: Notice) -> None:
        """Have a notice told; returns at once."""
        if self._thread is None:
            # a daemon: a sink that hangs does not keep the process from ending
            self._thread = threading.Thread(
                target=self._work, name=f"alarms to {self.name}", daemon=True
            )
            self._thread.start()
        try:
            self._queue.put_nowait(notice)
        except queue.Full:
            self._failed(notice, f"{_QUEUE} notices wait for it already")

    def _work(self) -> None:
        while (notice := self._queue.get()) is not None:
            self._try(notice)

    def _try(self, notice: Notice) -> None:
        for attempt in range(1, self._tries + 1):
            try:
                self._tell(notice)
            except Exception as error:  # noqa: BLE001 - a user's callback may raise anything
                why = f"{type(error).__name__}: {error}"
                hopeless = isinstance(error, Refused)
                if hopeless or attempt == self._tries or self._wait(2.0 ** (attempt - 1)):
                    self._failed(notice, f"after {attempt} tries: {why}")
                    return
            else:
                return

    def close(self) -> None:
        """Tell what waits, if that is quick; a sink that hangs is left alone."""
        if self._thread is None:
            return
        with suppress(queue.Full):
            self._queue.put_nowait(None)
        self._thread.join(_GRACE)
        self._over.set()


def to_log(notice: Notice) -> None:
    """Tell the Python log ``streamops_nb.alarms``."""
    level = logging.INFO if notice.what == "over" else logging.WARNING
    _log.log(level, "%s: %s", notice.job or "workspace", notice.message)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A signed message goes where it was addressed to, and nowhere else."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def webhook(
    settings: Mapping[str, str], environ: Mapping[str, str], *, patience: float = _PATIENCE
) -> Tell:
    """Make what posts notices as JSON to an address.

    With a secret, the header ``X-Streamops-Signature`` is ``sha256=`` and the HMAC of
    ``<X-Streamops-Timestamp>.<body>`` by it, in hexadecimal.

    Parameters
    ----------
    settings
        ``url``, and ``secret`` or an empty text; both may have references (``${env:NAME}``), which
        are resolved with each message.
    """
    opener = urllib.request.build_opener(_NoRedirects)

    def tell(notice: Notice) -> None:
        known = resolve(settings, environ, ("alarms",))
        check_address(known["url"])
        body = json.dumps(asdict(notice), ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "streamops_nb"}
        if known["secret"]:
            stamp = f"{notice.at:.6f}"
            headers["X-Streamops-Timestamp"] = stamp
            headers["X-Streamops-Signature"] = signature(known["secret"], stamp, body)
        request = urllib.request.Request(known["url"], body, headers, method="POST")  # noqa: S310
        try:
            with opener.open(request, timeout=patience):
                pass
        except urllib.error.HTTPError as error:
            error.close()
            said = f"it answered {error.code} {error.reason}"
            # to ask again helps only if it is the other side that has a problem
            passes = error.code >= 500 or error.code == 429
            raise (OSError(said) if passes else Refused(said)) from None
        except (OSError, ValueError) as error:
            raise OSError(mask(str(error), dict(settings), environ)) from None

    return tell


def signature(secret: str, stamp: str, body: bytes) -> str:
    """Sign a message, so that its receiver knows from whom and from when it is."""
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={digest.hexdigest()}"


def check_address(url: str) -> None:
    """Refuse what is not an address on the web: `urllib` would open files, too."""
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise Refused("a webhook's address begins with http:// or https://")
