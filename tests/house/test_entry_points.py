"""What the package plugs in goes through the door that strangers use."""

from __future__ import annotations

import tomllib
from importlib.metadata import distribution

import pytest

from streamops_nb import plugins
from tests.house.layout import ROOT

DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "entry-points"
]


def test_the_table_of_built_in_plugins_says_what_pyproject_declares() -> None:
    table = {plugins.group(kind): dict(names) for kind, names in plugins.BUILT_IN.items()}
    assert table == DECLARED


def test_the_installed_package_offers_what_pyproject_declares() -> None:
    # fails after an entry point was added by hand without `make setup`
    installed: dict[str, dict[str, str]] = {}
    for point in distribution("streamops-nb").entry_points:
        installed.setdefault(point.group, {})[point.name] = point.value
    assert {group: installed.get(group, {}) for group in DECLARED} == DECLARED


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in plugins.BUILT_IN.items() for name in names]
)
def test_a_built_in_plugin_loads(kind: plugins.Kind, name: str) -> None:
    _, _, target = plugins.BUILT_IN[kind][name].partition(":")
    assert plugins.load(kind, name).__name__ == target
