"""The scripts behind `make setup`: which Python is taken, and what is said if none is there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

CI = Path(__file__).parents[2] / ".ci"


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """Give a folder of fake commands, the only one that is searched."""
    for name in ("dirname", "id", "sh"):
        real = subprocess.run(["/bin/sh", "-c", f"command -v {name}"], capture_output=True)
        (tmp_path / name).symlink_to(real.stdout.decode().strip())
    return tmp_path


def add(folder: Path, name: str, script: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def add_python(folder: Path, name: str, version: str, *, ensurepip: bool = True) -> Path:
    """Add a command that answers as a Python of that version answers the script's questions."""
    too_old = tuple(map(int, version.split("."))) < (3, 11)
    return add(
        folder,
        name,
        f'case "$2" in *ensurepip*) exit {int(not ensurepip)};; *exit*) exit {int(too_old)};; '
        f"*) echo {version};; esac",
    )


def run(script: str, *args: str, path: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [CI / script, *args], capture_output=True, text=True, env={"PATH": str(path), **env}
    )


def test_python3_is_taken_if_it_is_new_enough(commands: Path) -> None:
    new = add_python(commands, "python3", "3.12")
    add_python(commands, "python3.13", "3.13")
    assert run("find-python", path=commands).stdout == f"{new}\n"


def test_an_old_python3_is_passed_over_for_a_newer_one(commands: Path) -> None:
    add_python(commands, "python3", "3.9")
    new = add_python(commands, "python3.11", "3.11")
    assert run("find-python", path=commands).stdout == f"{new}\n"


def test_a_command_that_only_pretends_to_be_python_is_passed_over(commands: Path) -> None:
    add(commands, "python3.13", "echo 'python3.13: not installed'; exit 127")
    new = add_python(commands, "python3.12", "3.12")
    assert run("find-python", path=commands).stdout == f"{new}\n"


def test_only_the_python_that_was_asked_for_is_tried(commands: Path) -> None:
    add_python(commands, "python3", "3.12")
    old = add_python(commands, "mine", "3.10")
    done = run("find-python", path=commands, PYTHON=str(old))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"No Python >= 3.11 here. {old} is 3.10." in done.stderr


def test_no_python_at_all_is_said_with_the_remedy(commands: Path) -> None:
    done = run("find-python", path=commands)
    assert (done.returncode, done.stdout) == (1, "")
    assert "No Python >= 3.11 here. Install one, or name it: make PYTHON=" in done.stderr


def test_a_python_without_ensurepip_names_the_package_that_is_missing(commands: Path) -> None:
    add_python(commands, "python3", "3.11", ensurepip=False)
    done = run("find-python", path=commands)
    assert done.returncode == 1
    assert "It needs the system packages: python3.11-venv" in done.stderr


def test_what_is_there_needs_nothing(commands: Path) -> None:
    add(commands, "java", "")
    done = run("need", "the Kafka suites", "java:default-jre", path=commands)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_is_missing_and_cannot_be_installed_is_named_in_one_loud_line(commands: Path) -> None:
    done = run("need", "the Kafka suites", "java:default-jre", "mvn:maven", path=commands)
    assert done.returncode == 1
    assert done.stderr == (
        "==== SKIPPED: the Kafka suites. It needs the system packages: default-jre maven ====\n"
    )


def test_what_is_missing_is_installed_where_the_user_may(commands: Path) -> None:
    (commands / "id").unlink()
    add(commands, "id", "echo 0")
    add(commands, "apt-get", 'echo "apt-get $*" >&2')
    done = run("need", "the Kafka suites", "java:default-jre", "mvn:maven", path=commands)
    assert done.returncode == 0
    assert done.stderr.splitlines()[-1] == (
        "apt-get install -qq -y --no-install-recommends default-jre maven"
    )
