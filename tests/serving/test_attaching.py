"""Two real processes on one workspace: the second attaches, and outlives the first."""

from __future__ import annotations

import json
import signal
import stat
import threading
from pathlib import Path

import pytest

import streamops_nb as so
from streamops_nb.client.workspace import RemoteWorkspace
from streamops_nb.model.events import RunStarted
from streamops_nb.model.lifecycle import Status
from streamops_nb.store.lock import WorkspaceLock
from tests.ops.operated import plant, until
from tests.serving.processes import begun, owner


def test_a_second_process_gets_the_same_door_without_asking_for_it(tmp_path: Path) -> None:
    with owner(tmp_path / "w") as process, so.connect(tmp_path / "w") as ws:
        job = ws.save(plant("a"))
        assert isinstance(ws, RemoteWorkspace)
        assert (job.name, job.status, [*ws.jobs]) == ("a", Status.PUBLISHED, ["a"])
        job.start()
        assert job.status is Status.RUNNING
        assert json.loads((tmp_path / "w" / "owner.json").read_text())["pid"] == process.pid


def test_the_address_is_for_this_user_alone_and_goes_with_its_owner(tmp_path: Path) -> None:
    address = tmp_path / "w" / "owner.address"
    with so.connect(tmp_path / "w", memory="512MB"):
        assert stat.S_IMODE(address.stat().st_mode) == 0o600
    assert not address.exists()


def test_an_address_that_others_could_have_written_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamops_nb.connecting._YOUNG", 0.3)
    with so.connect(tmp_path / "w", memory="512MB"):
        (tmp_path / "w" / "owner.address").chmod(0o644)
        with pytest.raises(so.WorkspaceOwned, match="is owned by process"):
            so.connect(tmp_path / "w")


def test_an_owner_that_is_just_ending_is_waited_for_and_followed(tmp_path: Path) -> None:
    with so.connect(tmp_path / "w", memory="512MB"):
        pass
    ending = WorkspaceLock(tmp_path / "w").acquire(0.0)  # its address is gone, its lock not yet
    threading.Timer(0.3, ending.release).start()
    with so.connect(tmp_path / "w", memory="512MB") as ws:
        assert not isinstance(ws, RemoteWorkspace)


def test_a_client_goes_on_with_the_next_owner_and_says_that_one_was_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = begun(tmp_path / "w")
    with so.connect(tmp_path / "w") as ws:
        ws.save(plant("a")).start()
        first.send_signal(signal.SIGKILL)
        first.communicate()
        threading.Timer(0.5, lambda: found.append(begun(tmp_path / "w"))).start()
        found: list = []
        assert ws.job("a").status in (Status.STARTING, Status.RUNNING)
        assert (ws.name, [*ws.jobs]) == ("", ["a"])
        said = [r.message for r in caplog.records if r.name == "streamops_nb.client"]
        assert "does not answer, trying again" in said[0]
        assert said[-1].endswith("answers again")
        found[0].kill()
        found[0].communicate()


def test_a_client_that_asks_for_it_takes_over_and_the_jobs_go_on(tmp_path: Path) -> None:
    first = begun(tmp_path / "w")
    with so.connect(tmp_path / "w", takeover=True, memory="512MB") as ws:
        ws.save(plant("a")).start()
        first.kill()
        first.communicate()
        runs: list[int] = []
        pages = ws.follow(since=0)
        while 2 not in runs:
            runs += [e.run for e in next(pages).events if isinstance(e, RunStarted)]
        assert runs == [1, 2]
        until(lambda: ws.job("a").status is Status.RUNNING)
    with so.connect(tmp_path / "w", resume=False, memory="512MB") as after:
        assert after.found == {"a": Status.RUNNING}


def test_without_an_owner_a_client_gives_up_after_its_patience(tmp_path: Path) -> None:
    first = begun(tmp_path / "w")
    with so.connect(tmp_path / "w", patience=0.3) as ws:
        first.kill()
        first.communicate()
        with pytest.raises(so.Unavailable, match="makes its caller the owner"):
            ws.views()
        assert not ws.connected
        assert repr(ws).endswith("its owner does not answer)")
