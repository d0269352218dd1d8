"""Errors and docs agree: each class has its section, each message listed is one of the package."""

from __future__ import annotations

import ast
import re
import traceback
from functools import cache

import pytest

from streamops_nb.model import errors
from streamops_nb.model.errors import StreamopsError
from tests.house.layout import MODULES, ROOT

PAGE = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
MESSAGES = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")


def classes(base: type[StreamopsError] = StreamopsError) -> list[type[StreamopsError]]:
    found = [base]
    for below in base.__subclasses__():
        if below.__module__ == errors.__name__:
            found += classes(below)
    return found


TREE = classes()
LISTED = re.findall(r"^\| `(.+?)` \|", MESSAGES, re.MULTILINE)


@cache
def texts() -> str:
    """Give every text of the package; what is filled in is an ellipsis, as on the page."""
    found = []
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [str(p.value) if isinstance(p, ast.Constant) else "…" for p in node.values]
                found.append("".join(parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return "\n".join(" ".join(text.split()) for text in found)


def test_the_page_has_a_section_for_every_class_and_no_other() -> None:
    assert re.findall(r"^## (\w+)$", PAGE, re.MULTILINE) == [one.__name__ for one in TREE]


@pytest.mark.parametrize("one", TREE, ids=lambda one: one.__name__)
def test_an_error_names_its_section(one: type[StreamopsError]) -> None:
    (note,) = one("what happened").__notes__
    assert note == f"{one.__name__}: docs/errors.md#{one.__name__.lower()}"
    assert "".join(traceback.format_exception_only(one("what happened"))).endswith(f"{note}\n")


@pytest.mark.parametrize("one", TREE, ids=lambda one: one.__name__)
def test_a_section_says_cause_and_remedy(one: type[StreamopsError]) -> None:
    section = re.split(r"^## ", PAGE.split(f"\n## {one.__name__}\n")[1], flags=re.MULTILINE)[0]
    assert re.findall(r"^\*\*(\w+)\.\*\*", section, re.MULTILINE) == ["Cause", "Remedy"]


def test_the_table_says_what_is_tried_again_as_the_classes_do() -> None:
    said = dict(re.findall(r"^\| \[`(\w+)`\]\(#\w+\) \| [^|]+ \| ([^|]+) \|$", PAGE, re.MULTILINE))
    instances = {"SourceError", "SinkError"}
    assert said == {
        one.__name__: "if waiting can help"
        if one.__name__ in instances
        else ("yes" if one.retryable else "no")
        for one in TREE
    }


def test_a_source_s_error_may_be_either() -> None:
    assert [errors.SourceError("gone", retryable=kind).retryable for kind in (True, False)] == [
        True,
        False,
    ]


@pytest.mark.parametrize("message", LISTED)
def test_every_message_listed_is_one_that_the_package_says(message: str) -> None:
    missing = [part for part in message.split("…") if part.strip(" `") not in texts()]
    assert missing == []


def test_many_messages_are_listed() -> None:
    assert len(LISTED) > 30
