"""The public face: one list of names, loaded when used."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

import streamops_nb
from streamops_nb.model import errors
from tests.house.layout import MODULES, PACKAGE

NAMES = sorted(set(streamops_nb.__all__) - {"__version__"})


def imports_of(path: Path) -> list[ast.ImportFrom]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_is_public_in_the_module_it_comes_from(name: str) -> None:
    module = import_module(streamops_nb._PUBLIC[name])
    assert name in module.__all__
    assert getattr(streamops_nb, name) is getattr(module, name)


def test_type_checkers_and_python_read_the_same_list() -> None:
    typed = {
        alias.asname: node.module
        for node in imports_of(PACKAGE / "__init__.py")
        if node.module and node.module.startswith("streamops_nb")
        for alias in node.names
    }
    assert typed == streamops_nb._PUBLIC


def test_every_error_is_public() -> None:
    assert set(errors.__all__) <= set(NAMES)


def test_dir_shows_the_public_names() -> None:
    assert set(NAMES) <= set(dir(streamops_nb))


def test_an_unknown_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="'streamops_nb' has no attribute 'conect'"):
        streamops_nb.conect  # noqa: B018 - the access is the test


def test_no_module_imports_the_public_face_from_inside() -> None:
    # rooms import rooms; through the root every room would know every other
    offenders = [
        f"{path.relative_to(PACKAGE)}:{node.lineno} imports {alias.name}"
        for path in MODULES
        for node in imports_of(path)
        if node.module == "streamops_nb"
        for alias in node.names
        if alias.name in NAMES
    ]
    assert offenders == []
