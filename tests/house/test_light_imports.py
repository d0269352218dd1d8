"""What importing loads; counted in modules, the time is in the benchmarks."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.house.layout import PACKAGE, ROOMS

TOOLKITS = {"IPython", "bokeh", "ipywidgets", "panel", "panel_material_ui", "param"}
HEADLESS = [room for room in ROOMS if room not in {"app.py", "cli.py", "ui"}]


def loaded_by(*modules: str) -> set[str]:
    """Give the top-level names of what a fresh Python has loaded after importing `modules`."""
    script = (
        "import importlib, json, sys\n"
        "before = set(sys.modules)\n"
        "for module in sys.argv[1:]: importlib.import_module(module)\n"
        "print(json.dumps(sorted({m.partition('.')[0] for m in set(sys.modules) - before})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *modules],
        capture_output=True,
        text=True,
        cwd=PACKAGE.parent,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def modules_of(room: str) -> list[str]:
    path = PACKAGE / room
    files = path.rglob("*.py") if path.is_dir() else [path]
    return [
        ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        for file in files
    ]


def test_importing_the_package_loads_nothing_but_the_standard_library() -> None:
    assert loaded_by("streamops_nb") - set(sys.stdlib_module_names) == {"streamops_nb"}


def test_the_model_loads_neither_a_database_nor_frames() -> None:
    assert not loaded_by(*modules_of("model")) & {"duckdb", "numpy", "pandas", "pyarrow"}


def test_what_hands_out_tokens_loads_no_engine() -> None:
    assert not loaded_by("streamops_nb.shell.tokens") & {"duckdb", "fastapi", "pandas", "pyarrow"}


@pytest.mark.parametrize("room", HEADLESS)
def test_a_headless_room_loads_no_toolkit(room: str) -> None:
    assert not loaded_by(*modules_of(room)) & TOOLKITS
