"""What the pages tell a user to type does what they say; the generated page is in step."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from streamops_nb.cli.page import PAGE as CLI_PAGE
from streamops_nb.cli.page import page_text as cli_page_text
from streamops_nb.shell import functions
from streamops_nb.shell.specification import PAGE, page_text
from tests.house.layout import ROOT
from tests.streamops import streamops


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def run_python(script: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, cwd=folder
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_python_of_the_readme_runs(tmp_path: Path) -> None:
    (example,) = blocks("README.md", "python")
    assert len(example.splitlines()) <= 12
    verbs = "print(hot.status); hot.output.df(); hot.pause(); hot.stop(); hot.start()"
    # it ends while the job runs: nothing is closed, and the process is not aborted
    said = run_python(f"{example}\n{verbs}\nprint(hot.status)", tmp_path)
    assert re.search(r"window_start +device +n +peak", said)
    assert said.endswith("RUNNING\nRUNNING\n")


def test_the_page_on_finding_out_why_says_what_comes_out(tmp_path: Path) -> None:
    said = run_python("\n".join(blocks("docs/find-out-why.md", "python")), tmp_path)
    shown = blocks("docs/find-out-why.md", "text")
    assert len(shown) == 3
    assert [text for text in shown if text not in said] == []
    assert (tmp_path / "tests" / "test_hot_seconds.py").exists()


def page_does_what_it_says(page: str, folder: Path) -> str:
    """Run the Python of a page, then its commands; give what the Python said."""
    said = run_python("\n".join(blocks(page, "python")), folder)
    commands = re.findall(r"^streamops (.+)$", "".join(blocks(page, "sh")), re.MULTILINE)
    assert len(commands) >= 2
    for command in commands:
        done = streamops(*command.split(), folder=folder)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout
    return said


def test_the_page_on_previews_does_what_it_says(tmp_path: Path) -> None:
    said = page_does_what_it_says("docs/previews.md", tmp_path)
    assert "Preview of hot_lines - latest 1,000 rows: readings 1,000 of more" in said
    assert "\n62.0\n" in said
    assert "from a preview on the latest 1,000 rows" in said
    assert said.rstrip().endswith('params={"threshold": 60.0},\n)')


def test_the_page_on_operating_does_what_it_says(tmp_path: Path) -> None:
    said = page_does_what_it_says("docs/operate.md", tmp_path)
    assert "PAUSED\n" in said
    assert "version 2 waits" in said


def test_the_page_on_files_and_frames_does_what_it_says(tmp_path: Path) -> None:
    said = run_python("\n".join(blocks("docs/how-to-files.md", "python")), tmp_path)
    assert '1 reject, the first one: field ms: "n/a" is not a DOUBLE' in said
    assert "1 of 3 rows are early" in said
    assert "RUNNING\n" in said
    assert "/buy  1  190.0" in said


def test_the_page_on_running_results_does_what_it_says(tmp_path: Path) -> None:
    said = page_does_what_it_says("docs/running-results.md", tmp_path)
    for part in (
        "no output: the job has not been started yet",
        "records    in 15  out 7  rejected 2",
        "stage      warm: 13 → 7, 46.2% dropped",
        "2 errors of 2 kinds",
        "healed 1 of 2 rejects",
        "Output of warm: 8 rows",
    ):
        assert part in said


def test_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    (spec,) = blocks("docs/tutorial.md", "yaml")
    (tmp_path / "hottest.yaml").write_text(spec)
    commands = re.findall(
        r"^streamops (.+)$", "".join(blocks("docs/tutorial.md", "sh")), re.MULTILINE
    )
    assert [command.split()[0] for command in commands] == [
        "validate", "explain", "run", "output", "rejects", "jobs",
        "preview", "run", "versions", "diff", "delete", "run", "output",
    ]  # fmt: skip
    for command in commands:
        done = streamops(*command.split(), folder=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout
    (script,) = blocks("docs/tutorial.md", "python")
    assert "2024-01-01 00:00:" in run_python(script, tmp_path)


def test_the_backup_of_the_operations_guide_is_restored_as_it_says(tmp_path: Path) -> None:
    run_python("import streamops_nb as so; so.connect('plant.streamops').close()", tmp_path)
    commands = re.findall(
        r"^streamops (.+)$", "".join(blocks("docs/operations.md", "sh")), re.MULTILINE
    )
    assert [command.split()[0] for command in commands] == ["backup", "restore"]
    for command in commands:
        done = streamops(*command.split(), folder=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "again.streamops" / "catalog.db").exists()


def test_the_source_of_the_page_on_extending_passes_the_suite_of_sources(tmp_path: Path) -> None:
    for name in ("acme_sqlite.py", "test_acme_sqlite.py"):
        (code,) = blocks("docs/how-to-extend.md", f"python {re.escape(name)}")
        (tmp_path / name).write_text(code)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},  # a stranger has none of them
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"^\d\d passed", done.stdout, re.MULTILINE)


def test_the_page_on_commands_is_that_of_the_commands() -> None:
    # after a change of a command: python -m streamops_nb.cli.page
    assert CLI_PAGE.read_text(encoding="utf-8") == cli_page_text()


def test_the_specification_page_is_that_of_the_models() -> None:
    # after a change of the models: python -m streamops_nb.shell.specification
    assert PAGE.read_text(encoding="utf-8") == page_text()


def test_the_page_on_functions_is_that_of_the_list() -> None:
    # after a change of the list: python -m streamops_nb.shell.functions
    assert functions.PAGE.read_text(encoding="utf-8") == functions.page_text()
