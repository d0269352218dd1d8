"""``streamops preview``: a specification or a job, its rows, its faults, its exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import streamops_nb as so
from streamops_nb.plan import specfile
from tests.streamops import read_json, streamops

SPEC = """
name: hot
streams:
  readings:
    source: {type: files, path: ../readings.jsonl}
    schema: {ts: TIMESTAMPTZ, device: VARCHAR, temp: DOUBLE}
    event_time: ts
params:
  threshold: 30.0
query: |
  WITH hot AS (SELECT device, temp FROM readings WHERE temp > $threshold)
  SELECT device, temp * 2 AS double FROM hot
"""
RECEIPT = (
    "read readings: 4 records, 2024-01-01 00:00:00Z to 2024-01-01 00:00:02Z (latest 1,000 rows) - "
    "no sink, consumer group, position or state could change"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [("d1", 29.0), ("\x1b[31md2", 31.0), ("d3", 33.0)]
    lines = [
        json.dumps({"ts": f"2024-01-01T00:00:0{i}Z", "device": device, "temp": temp})
        for i, (device, temp) in enumerate(rows)
    ]
    (tmp_path / "readings.jsonl").write_text("\n".join([*lines, "broken", ""]))
    (tmp_path / "hot.yaml").write_text(SPEC)
    return tmp_path


def test_a_specification_is_previewed_and_nothing_is_left_behind(folder: Path) -> None:
    done = streamops("preview", "hot.yaml", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.rstrip() for line in done.stdout.splitlines() if line.strip(" ─")] == [
        "Preview of hot - latest 1,000 rows: readings 4 · threshold = 30.0",
        "  hot     3 in, 2 out, 1 dropped",
        "  result  2 in, 2 out",
        "  1 reject, the first one: not JSON: broken",
        "device      double",
        "\\x1b[31md2      62",
        "d3              66",
        RECEIPT,
    ]
    assert sorted(path.name for path in folder.iterdir()) == ["hot.yaml", "readings.jsonl"]


def test_values_rows_and_the_last_stage_are_chosen(folder: Path) -> None:
    arguments = ("preview", "hot.yaml", "--set", "threshold=20", "--upto", "hot", "-n", "1")
    done = streamops(*arguments, folder=folder)
    assert "  hot  3 in, 3 out\n" in done.stdout
    assert "\n2 more rows\n" in done.stdout
    assert "double" not in done.stdout


def test_json_has_all_of_it(folder: Path) -> None:
    found = read_json("preview", "hot.yaml", folder=folder)
    assert found["rows"] == [
        {"device": "\x1b[31md2", "double": 62.0},
        {"device": "d3", "double": 66.0},
    ]
    assert [(s["stage"], s["rows_in"], s["rows_out"]) for s in found["stages"]] == [
        ("hot", 3, 2),
        ("result", 2, 2),
    ]
    assert [reject["raw"] for reject in found["rejects"]] == ["broken\n"]
    assert (found["output"], found["faults"], found["late"]) == ("result", [], [])


def test_the_good_part_is_shown_and_the_fault_with_its_line_in_the_file(folder: Path) -> None:
    (folder / "hot.yaml").write_text(SPEC.replace("temp * 2", "tmep * 2"))
    done = streamops("preview", "hot.yaml", folder=folder)
    assert done.returncode == 2
    assert "  hot  3 in, 2 out, 1 dropped\n" in done.stdout
    assert 'fault: query 2:16 (line 12:18): Referenced column "tmep" not found' in done.stdout


def test_a_job_is_previewed_by_its_name(folder: Path) -> None:
    with so.connect(folder / "plant", memory="512MB") as workspace:
        workspace.save(specfile.load(SPEC))
    for words in (("plant", "hot"), ("hot", "--workspace", "plant")):
        done = streamops("preview", *words, folder=folder)
        assert (done.returncode, done.stderr) == (0, "")
        assert "the job's files are as before, at batch 0" in done.stdout


def test_a_saved_job_is_checked_and_explained_by_its_name(folder: Path) -> None:
    with so.connect(folder / "plant", memory="512MB") as workspace:
        workspace.save(specfile.load(SPEC))
    good = streamops("validate", "plant", "hot", folder=folder)
    assert (good.returncode, good.stderr, good.stdout) == (
        0, "", "hot: good\n  output: device VARCHAR, double DOUBLE\n  sink: table\n",
    )  # fmt: skip
    assert streamops("validate", "hot.yaml", folder=folder).stdout == good.stdout.replace(
        "hot: good", "hot.yaml: good"
    )
    by_name = streamops("explain", "plant", "hot", folder=folder)
    by_file = streamops("explain", "hot.yaml", folder=folder)
    assert (by_name.returncode, by_name.stdout) == (0, by_file.stdout)
    missing = streamops("explain", "plant", "cold", folder=folder)
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "there is no job `cold` in this workspace - accepted: `hot`" in missing.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nope",), "there is no file nope - check the path; a saved job is WORKSPACE JOB"),
        (("hot.yaml", "--set", "limit=3"), "the job has no parameter `limit`"),
        (("hot.yaml", "--set", "threshold"), "`--set threshold` is not of the form name=value"),
        (("hot.yaml", "--upto", "nope"), "the query has no stage `nope`"),
        (("hot.yaml", "--last", "soon"), '"soon" is not a length of time'),
        (("hot", "--workspace", "nowhere"), "nowhere is no workspace"),
    ],
)
def test_what_is_wrong_is_refused_with_exit_code_2(
    folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = streamops("preview", *arguments, folder=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["hot.yaml", "readings.jsonl"]
