"""One process owns a workspace; a dead one owns nothing."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from streamops_nb.model.errors import StorageError, WorkspaceOwned
from streamops_nb.store import Owner, WorkspaceLock

_HOLD = (
    "import sys; from pathlib import Path; from streamops_nb.store import WorkspaceLock\n"
    "lock = WorkspaceLock(Path(sys.argv[1])).acquire(1_000_000_000.0)\n"
    "print('held', flush=True); sys.stdin.read()\n"
)


def holder(folder: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def test_the_owner_is_written_down_and_gone_after_release(tmp_path):
    folder = tmp_path / "plant.streamops"
    lock = WorkspaceLock(folder)
    assert not folder.exists()
    with lock.acquire(12.5):
        assert lock.noted() == Owner(pid=os.getpid(), host=socket.gethostname(), since=12.5)
    assert lock.noted() is None
    lock.release()
    lock.acquire(13.0).release()


def test_a_second_owner_is_refused_with_the_name_of_the_first(tmp_path):
    child = holder(tmp_path)
    try:
        with pytest.raises(WorkspaceOwned) as owned:
            WorkspaceLock(tmp_path).acquire(5.0)
    finally:
        child.communicate()
    assert str(owned.value) == (
        f"the workspace {tmp_path} is owned by process {child.pid} on {socket.gethostname()}"
        " since 2001-09-09 01:46:40+00:00 - connect to that process, or end it first"
    )


def test_a_killed_owner_owns_nothing_at_once(tmp_path):
    child = holder(tmp_path)
    child.kill()
    child.communicate()
    lock = WorkspaceLock(tmp_path)
    assert lock.noted() == Owner(pid=child.pid, host=socket.gethostname(), since=1e9)
    with lock.acquire(6.0):
        assert lock.noted() == Owner(pid=os.getpid(), host=socket.gethostname(), since=6.0)


@pytest.mark.parametrize("same", [True, False])
def test_within_one_process_a_workspace_is_owned_once(tmp_path, same):
    with WorkspaceLock(tmp_path).acquire(1.0) as first:
        second = first if same else WorkspaceLock(tmp_path)
        with pytest.raises(WorkspaceOwned, match=f"owned by process {os.getpid()} on"):
            second.acquire(2.0)
        assert first.noted() == Owner(pid=os.getpid(), host=socket.gethostname(), since=1.0)


def test_a_note_that_cannot_be_read_does_not_hide_the_refusal(tmp_path):
    with WorkspaceLock(tmp_path).acquire(1.0):
        (tmp_path / "owner.json").write_text("{half")
        with pytest.raises(WorkspaceOwned, match="is owned by another process - connect"):
            WorkspaceLock(tmp_path).acquire(2.0)


def test_a_folder_that_cannot_be_one_is_an_error_that_says_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"cannot be locked: .* use a folder that can be"):
        WorkspaceLock(tmp_path / "file").acquire(1.0)
