"""Errors and docs agree: each class has its section, each message listed is one of the package."""

from __future__ import annotations

import ast
import io
import re
import traceback
from functools import cache

import pytest
from rich.console import Console

from streamops_nb.model import errors
from streamops_nb.model.errors import StreamopsError
from streamops_nb.shell.mistakes import print_error
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
    name = one.__name__
    assert note == f"{name}: `streamops error {name}` says what causes it and what to do"
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


@pytest.mark.parametrize("one", TREE, ids=lambda one: one.__name__)
def test_the_shell_prints_the_section_without_a_checkout_s_links(one: type[StreamopsError]) -> None:
    console = Console(file=io.StringIO(), width=200)
    print_error(one.__name__, console)
    said = console.file.getvalue()
    assert said.partition("\n")[0] == one.__name__
    assert ("Cause." in said, "Remedy." in said, "](" in said) == (True, True, False)


def test_a_class_that_is_none_is_refused_with_the_nearest() -> None:
    with pytest.raises(errors.Refused, match="errors `Refuse` - did you mean `Refused`"):
        print_error("Refuse", Console(file=io.StringIO()))
