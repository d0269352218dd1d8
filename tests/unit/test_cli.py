"""The commands that run nothing: help, validate, explain, schema, and looking at workspaces."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from streamops_nb.plan.schema import SCHEMA_FILE
from tests.streamops import streamops

GOOD = """\
name: by_device
streams:
  readings:
    source: {type: files, path: ../readings.jsonl, follow: false}
    schema: {ts: TIMESTAMPTZ, device: VARCHAR, temp: DOUBLE}
    event_time: ts
query: |
  SELECT window_start, device, count(*) AS n
  FROM tumble(readings, ts, INTERVAL 10 SECONDS)
  GROUP BY ALL
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "job.yaml"
    path.write_text(GOOD)
    return path


def changed(spec: Path, old: str, new: str) -> Path:
    text = spec.read_text()
    assert old in text
    spec.write_text(text.replace(old, new))
    return spec


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["demo", "--help"]])
def test_help_loads_neither_a_database_nor_frames_nor_screens(arguments: list[str]) -> None:
    script = (
        "import json, sys\n"
        "from streamops_nb.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: code = end.code\n"
        "print(json.dumps([code, sorted({m.partition('.')[0] for m in sys.modules})]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True
    )
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0
    assert "Usage: streamops" in done.stdout
    assert not set(modules) & {"bokeh", "duckdb", "numpy", "pandas", "panel", "pyarrow"}


def test_validate_says_that_a_job_is_good_and_what_comes_out(spec: Path) -> None:
    done = streamops("validate", spec.name, folder=spec.parent)
    assert (done.returncode, done.stderr) == (0, "")
    good = (
        "job.yaml: good\n"
        "  output: window_start TIMESTAMP WITH TIME ZONE, device VARCHAR, n BIGINT\n"
        "  sink: table\n"
    )
    readings = spec.parent / "readings.jsonl"
    lacking = f"{readings} does not exist: create it, or correct the path of the source"
    assert done.stdout == f"{good}  note: streams.readings: {lacking}\n"
    assert list(spec.parent.iterdir()) == [spec]
    readings.touch()
    assert streamops("validate", spec.name, folder=spec.parent).stdout == good


def test_validate_tells_every_fault_of_a_specification_with_line_and_column(spec: Path) -> None:
    changed(spec, "name: by_device", "name: By Device")
    changed(spec, "event_time: ts", "event_tme: ts")
    changed(spec, "temp: DOUBLE", "temp: DOUBEL")
    done = streamops("validate", spec.name, folder=spec.parent)
    assert (done.returncode, done.stdout) == (2, "")
    first, *faults, note = done.stderr.splitlines()
    assert first == "The specification was refused, 3 faults:"
    assert [fault.partition(": ")[0].strip() for fault in faults] == [
        "name (line 1:1)",
        "streams.readings.schema.temp (line 5:48)",
        "streams.readings.event_tme (line 6:5)",
    ]
    assert "did you mean `event_time`?" in faults[2]
    assert note == "SpecRefused: `streamops error SpecRefused` says what causes it and what to do"


def test_validate_tells_every_fault_of_a_query_with_its_place_in_the_file(spec: Path) -> None:
    changed(spec, "SELECT window_start,", "SELECT window_start, random() AS r,")
    changed(spec, "count(*) AS n", "\n         read_text('/etc/passwd') AS n")
    done = streamops("validate", spec.name, folder=spec.parent)
    assert (done.returncode, done.stdout) == (2, "")
    assert [fault.partition(": ")[0].strip() for fault in done.stderr.splitlines()[1:-1]] == [
        "query 1:22 (line 8:24)",
        "query 2:8 (line 9:10)",
    ]


def test_validate_tells_the_faults_of_settings_and_query_together(spec: Path) -> None:
    changed(spec, "name: by_device", "name: By Device")
    changed(spec, "event_time: ts", "event_time: ts\n    idle_timeoot: 3s")
    changed(spec, "count(*)", "cuont(*)")
    done = streamops("validate", spec.name, folder=spec.parent)
    assert (done.returncode, done.stdout) == (2, "")
    assert [fault.partition(": ")[0].strip() for fault in done.stderr.splitlines()[1:-1]] == [
        "name (line 1:1)",
        "streams.readings.idle_timeoot (line 7:5)",
        "query 1:30 (line 9:32)",
    ]
    assert list(spec.parent.iterdir()) == [spec]


def test_validate_samples_a_stream_whose_schema_is_to_be_inferred(spec: Path) -> None:
    changed(spec, "    schema: {ts: TIMESTAMPTZ, device: VARCHAR, temp: DOUBLE}\n", "")
    records = spec.parent / "readings.jsonl"
    records.write_text('{"ts": "2024-01-01T00:00:00Z", "device": 17}\n')
    done = streamops("validate", spec.name, folder=spec.parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert "device BIGINT, n BIGINT" in done.stdout
    assert sorted(spec.parent.iterdir()) == [spec, records]


def test_validate_says_why_no_schema_or_another_one_was_inferred(spec: Path) -> None:
    changed(spec, "    schema: {ts: TIMESTAMPTZ, device: VARCHAR, temp: DOUBLE}\n", "")
    records = spec.parent / "readings.jsonl"
    records.write_text("ts,device\n")
    done = streamops("validate", spec.name, folder=spec.parent)
    assert done.stderr.startswith(
        "streams.readings.format (line 3:3): no fields were found in 1 record, of which one is the"
        ' text "ts,device" - say what they are (`format: csv`, `parquet`, `raw`), or declare'
    )
    records.write_text('{"ts": "2024-01-01T00:00:00Z", "device": "17"}\n')
    text = spec.read_text()
    query = "query: SELECT device FROM readings WHERE device > 3\n"
    spec.write_text(text[: text.index("query:")] + query)
    done = streamops("validate", spec.name, folder=spec.parent)
    assert done.stderr.startswith(f"query 1:35 (line {query_line(spec)}:42): Cannot compare")
    assert "and not all values of `device` are numbers" in done.stderr


def query_line(spec: Path) -> int:
    lines = spec.read_text().splitlines()
    return next(n for n, line in enumerate(lines, start=1) if line.startswith("query:"))


def test_validate_checks_what_the_sink_asks_of_the_query(spec: Path) -> None:
    changed(spec, "query:", "sink: {type: table, key: [machine]}\nquery:")
    done = streamops("validate", spec.name, folder=spec.parent)
    assert done.returncode == 2
    assert done.stderr == (
        "sink.key (line 7:21): the query has no column machine - it has window_start, device, n\n"
        "SpecRefused: `streamops error SpecRefused` says what causes it and what to do\n"
    )


def test_validate_needs_no_secret_and_shows_none(spec: Path) -> None:
    sink = "{type: kafka, servers: 'nowhere:1', topic: t, options: {sasl.password: '${env:NONE}'}}"
    changed(spec, "query:", f"sink: {sink}\nquery:")
    done = streamops("validate", spec.name, folder=spec.parent)
    assert (done.returncode, done.stderr) == (0, "")


def test_validate_names_a_missing_reference(spec: Path) -> None:
    references = "references:\n  devices: {type: csv, path: ../nowhere.csv}\n"
    changed(spec, "query:", references + "query:")
    done = streamops("validate", spec.name, folder=spec.parent)
    assert done.returncode == 2
    assert done.stderr.startswith("references.devices.path (line 8:24): there is no file ")


def test_a_specification_that_is_not_there_is_refused(tmp_path: Path) -> None:
    done = streamops("validate", "nowhere.yaml", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "there is no file nowhere.yaml - check the path; a saved job is WORKSPACE JOB\n"
        "SpecRefused: `streamops error SpecRefused` says what causes it and what to do\n"
    )


def test_debug_shows_the_traceback_wherever_it_stands(tmp_path: Path) -> None:
    for arguments in (["--debug", "validate", "no.yaml"], ["validate", "no.yaml", "--debug"]):
        done = streamops(*arguments, folder=tmp_path)
        assert done.returncode == 2
        assert done.stderr.startswith("Traceback (most recent call last):")
        assert done.stderr.endswith(
            "check the path; a saved job is WORKSPACE JOB\n"
            "SpecRefused: `streamops error SpecRefused` says what causes it and what to do\n"
        )


def test_explain_says_what_is_kept_and_when_rows_come_out(spec: Path) -> None:
    done = streamops("explain", spec.name, folder=spec.parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert "result    <- readings: tumbling windows of 10 s  [state: partials" in done.stdout
    assert "rows of a window come out once, when the watermark passes its end" in done.stdout


def test_schema_prints_the_json_schema_of_the_package(tmp_path: Path) -> None:
    done = streamops("schema", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, SCHEMA_FILE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("command", [["jobs", "."], ["output", ".", "x"], ["rejects", ".", "x"]])
def test_a_folder_that_is_no_workspace_is_refused_and_stays_empty(
    command: list[str], tmp_path: Path
) -> None:
    done = streamops(*command, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    said, note = done.stderr.splitlines()
    assert said == ". is no workspace - `streamops import` and `so.connect` make one"
    assert note == "Refused: `streamops error Refused` says what causes it and what to do"
    assert list(tmp_path.iterdir()) == []
