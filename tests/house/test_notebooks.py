"""Notebooks are saved clean: no widget state, short outputs; each has a line in the list."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.house.layout import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def outputs(notebook: dict[str, Any]) -> list[tuple[str, Any]]:
    return [
        ("".join(cell["source"]), cell["outputs"])
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_saved_without_widgets_and_with_short_outputs(path: Path) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    cells = outputs(notebook)
    assert [code for code, shown in cells if "widget-view" in json.dumps(shown)] == []
    assert [code for code, shown in cells if len(json.dumps(shown)) > 20_000] == []
    assert any(shown for _, shown in cells)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_a_line_in_the_list(path: Path) -> None:
    assert f"]({path.name}) |" in (ROOT / "notebooks" / "README.md").read_text(encoding="utf-8")
