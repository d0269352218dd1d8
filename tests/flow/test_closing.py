"""An instance is closed while its sessions work: they are interrupted."""

from __future__ import annotations

import threading
import time

from streamops_nb.db import open_instance
from streamops_nb.model.errors import Interrupted, StreamopsError


def test_what_a_session_does_when_its_instance_is_closed_is_interrupted() -> None:
    instance = open_instance(None, threads=1)
    session = instance.session()
    begun = threading.Event()
    raised: list[StreamopsError] = []

    def work() -> None:
        begun.set()
        try:
            session.rows("SELECT max(hash(i)) FROM range(1_000_000_000_000) AS r(i)")
        except StreamopsError as error:
            raised.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    begun.wait()
    time.sleep(0.2)  # by now DuckDB has the query
    instance.close()
    thread.join(20)
    assert [type(error) for error in raised] == [Interrupted]
