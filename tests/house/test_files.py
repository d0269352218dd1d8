"""The files of the package: small, used, well named and shipped."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import streamops_nb
from tests.house.layout import MODULES, PACKAGE, ROOT

DATA = sorted(
    path
    for path in PACKAGE.rglob("*")
    if path.is_file() and path.suffix not in {".py", ".pyc"} and "__pycache__" not in path.parts
)
VAGUE = {"common", "helper", "helpers", "manager", "misc", "util", "utils"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl"))


def test_the_tests_run_the_code_of_this_checkout() -> None:
    assert Path(streamops_nb.__file__).parent == PACKAGE


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {name_of(path): path.read_text(encoding="utf-8").count("\n") for path in MODULES}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_no_module_or_folder_has_a_name_that_says_nothing() -> None:
    words = {word for path in MODULES for word in path.relative_to(ROOT).with_suffix("").parts}
    assert not {part for word in words for part in word.split("_")} & VAGUE


def test_every_sql_file_is_named_by_code_of_its_own_folder() -> None:
    unused = [
        name_of(path)
        for path in DATA
        if path.suffix == ".sql"
        and not any(
            re.search(rf"[\"']{re.escape(path.name)}[\"']", module.read_text(encoding="utf-8"))
            for module in path.parent.glob("*.py")
        )
    ]
    assert unused == []


def test_the_wheel_holds_all_code_and_data_and_says_that_it_is_typed(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name for name in archive.namelist() if name.startswith("streamops_nb/")}
    page = "streamops_nb/errors.md"  # which `streamops error` prints
    assert shipped == {page, *(name_of(path) for path in [*MODULES, *DATA])}
    assert "streamops_nb/py.typed" in shipped


def test_the_wheel_has_the_version_of_the_package(wheel: Path) -> None:
    assert wheel.name.split("-")[1] == streamops_nb.__version__


def test_the_wheel_carries_the_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        licence = next(name for name in archive.namelist() if name.endswith("/LICENSE"))
        assert archive.read(licence) == (ROOT / "LICENSE").read_bytes()
