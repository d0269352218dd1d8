"""Which files a path means."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamops_nb.model.errors import SourceError
from streamops_nb.sources._listing import Listing, natural

FILES = [
    "a1.csv",
    "a10.csv",
    "a9.csv",
    "b.json",
    ".hidden.csv",
    "_unfinished.csv",
    "sub/a2.csv",
    "sub/deep/a3.csv",
    "_tmp/a4.csv",
    "other/b.json",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in FILES:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.touch()
    return tmp_path


@pytest.mark.parametrize(
    ("path", "names"),
    [
        (".", ["a1.csv", "a9.csv", "a10.csv", "b.json"]),
        ("a9.csv", ["a9.csv"]),
        ("*.csv", ["a1.csv", "a9.csv", "a10.csv"]),
        ("a?.csv", ["a1.csv", "a9.csv"]),
        ("*/*.csv", ["sub/a2.csv"]),
        ("s*/**/*.csv", ["sub/a2.csv", "sub/deep/a3.csv"]),
        ("sub/*", ["a2.csv"]),
        ("sub/**", ["a2.csv", "deep/a3.csv"]),
        ("_*/*.csv", ["_tmp/a4.csv"]),
        ("_*.csv", ["_unfinished.csv"]),
        (
            "**/*.csv",
            ["a1.csv", "a9.csv", "a10.csv", "sub/a2.csv", "sub/deep/a3.csv"],
        ),
        ("*.parquet", []),
    ],
)
def test_a_path_means_these_files_in_natural_order(
    folder: Path, path: str, names: list[str]
) -> None:
    assert [found.name for found in Listing(folder / path, follow=True).files()] == names


def test_a_listing_tells_what_has_changed(folder: Path) -> None:
    listing = Listing(folder / "a?.csv", follow=True)
    before = listing.files()
    assert listing.files() == before
    (folder / "a1.csv").write_text("x")
    (folder / "a0.csv").touch()
    after = {found.name: found for found in listing.files()}
    assert list(after) == ["a0.csv", "a1.csv", "a9.csv"]
    assert (after["a1.csv"].size, after["a9.csv"]) == (1, before[1])


def test_a_relative_path_that_is_there_from_the_present_directory_is_told_as_it_should_be(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    workspace = folder / "w.streamops"
    for path, said in (
        ("sub/*.csv", f"for {folder}/sub/*.csv write `../sub/*.csv`"),
        ("a1.csv", "write `../a1.csv`"),
        ("nothing", "correct the path of the source"),
        ("../nothing", "correct the path of the source"),
    ):
        with pytest.raises(SourceError) as caught:
            Listing(Path(path), follow=True, within=workspace).files()
        assert str(caught.value).endswith(said)


def test_a_folder_that_does_not_exist_is_worth_waiting_for_only_when_following(
    folder: Path,
) -> None:
    for follow in (True, False):
        with pytest.raises(SourceError, match="does not exist") as caught:
            Listing(folder / "missing" / "*.csv", follow=follow).files()
        assert caught.value.retryable is follow


def test_numbers_in_names_sort_as_numbers() -> None:
    names = ["b", "a10", "a9", "a09", "a", "9", "10", "a9b2", "a9b10"]
    assert sorted(names, key=natural) == ["9", "10", "a", "a09", "a9", "a9b2", "a9b10", "a10", "b"]
