"""`streamops run`: to the end, interrupted and gone on with, failed, refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from streamops_nb.shell.foreground import Ending
from tests.streamops import read_json, start_streamops, streamops

SPEC = """\
name: hot
streams:
  readings:
    source: {type: files, path: ../readings.jsonl, follow: false}
    schema: {ts: TIMESTAMPTZ, device: VARCHAR, temp: DOUBLE}
    event_time: ts
params: {least: {type: DOUBLE, default: 20, min: 0}}
query: |
  WITH hot AS (SELECT * FROM readings WHERE temp >= $least)
  SELECT window_start, device, count(*) AS n
  FROM tumble(hot, ts, INTERVAL 10 SECONDS)
  GROUP BY ALL
trigger: {rows: 500, interval: 1ms}
"""
Counts = Counter[tuple[str, str]]


def readings(rows: int) -> list[dict[str, Any]]:
    """Rows a second apart, of three devices in turn."""
    return [
        {
            "ts": f"2024-01-01T{i // 3600:02}:{i // 60 % 60:02}:{i % 60:02}Z",
            "device": f"d{i % 3}",
            "temp": i % 40,
        }
        for i in range(rows)
    ]


def expected(rows: list[dict[str, Any]], least: float) -> Counts:
    """Count in plain Python what the query counts."""
    return Counter((f"{row['ts'][:18]}0", row["device"]) for row in rows if row["temp"] >= least)


def written(folder: Path) -> Counts:
    """Give what the job wrote; a window that came twice would show in the number of rows."""
    rows = read_json("output", "hot.streamops", "hot", "-n", "100000", folder=folder)
    found = Counter({(row["window_start"][:19], row["device"]): row["n"] for row in rows})
    assert len(found) == len(rows)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with a job and 3,000 rows of input."""
    write_input(tmp_path, readings(3_000))
    (tmp_path / "hot.yaml").write_text(SPEC)
    return tmp_path


def write_input(folder: Path, rows: list[dict[str, Any]]) -> None:
    (folder / "readings.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_a_job_runs_to_the_end_and_its_output_is_that_of_the_query(folder: Path) -> None:
    done = streamops("run", "hot.yaml", "--until-end", "--rows", "2", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Starting hot in hot.streamops\n")
    assert "hot: FINISHED after " in done.stdout
    assert "\nwindow_start         device  n\n" in done.stdout
    assert written(folder) == expected(readings(3_000), 20)


def test_the_jobs_of_a_workspace_are_listed_with_their_counts(folder: Path) -> None:
    streamops("run", "hot.yaml", "--until-end", folder=folder)
    (job,) = read_json("jobs", "hot.streamops", folder=folder)
    assert (job["job"], job["version"], job["status"]) == ("hot", 1, "FINISHED")
    assert (job["rows_in"], job["rejects"], job["late"]) == (3_000, 0, 0)
    assert job["rows_out"] == len(expected(readings(3_000), 20))
    told = streamops("jobs", "hot.streamops", folder=folder).stdout
    assert told.splitlines()[1].split()[:5] == ["hot", "FINISHED", "1", "7", "3,000"]


def test_a_finished_job_goes_on_with_what_has_come_since(folder: Path) -> None:
    write_input(folder, readings(2_000))
    streamops("run", "hot.yaml", "--until-end", folder=folder)
    write_input(folder, readings(3_000))
    again = streamops("run", "hot.yaml", "--until-end", folder=folder)
    assert (again.returncode, again.stderr) == (0, "")
    (job,) = read_json("jobs", "hot.streamops", folder=folder)
    assert (job["status"], job["rows_in"], job["late"]) == ("FINISHED", 3_000, 0)
    # 2,000 rows end with a whole window
    rows = written(folder)
    assert rows == expected(readings(3_000), 20)
    nothing = streamops("run", "hot.yaml", "--until-end", folder=folder).stdout
    assert "nothing new: the streams had been read to their end" in nothing
    assert f"wrote {len(rows)} rows - --from earliest" in " ".join(nothing.split())


def test_a_first_run_says_of_what_it_reads_only_what_comes(folder: Path) -> None:
    (folder / "hot.yaml").write_text(SPEC.replace("follow: false", "follow: true"))
    with start_streamops("run", "hot.yaml", folder=folder) as running:
        assert running.stdout is not None
        said = [running.stdout.readline() for _ in range(2)]
        running.send_signal(signal.SIGINT)
        rest = running.communicate(timeout=60)[0]
    assert said[0].startswith("Starting hot")
    assert said[1].startswith(
        "Of readings it reads only what comes from now on; with --from earliest"
    )
    assert "hot: interrupted" in rest


def test_a_start_point_may_be_given_as_positions(folder: Path) -> None:
    (folder / "hot.yaml").write_text(
        SPEC.replace(SPEC[SPEC.index("  SELECT") : SPEC.index("trigger")], "  SELECT * FROM hot\n")
    )
    begin = sum(len(json.dumps(row)) + 1 for row in readings(2_990))
    start = json.dumps({"readings": {"readings.jsonl": begin}})
    done = streamops("run", "hot.yaml", "--until-end", "--from", start, folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    (job,) = read_json("jobs", "hot.streamops", folder=folder)
    assert job["rows_in"] == 10


def test_a_parameter_given_on_the_command_line_is_used(folder: Path) -> None:
    done = streamops("run", "hot.yaml", "--until-end", "--set", "least=35", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert written(folder) == expected(readings(3_000), 35)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--set", "least=-1"], "params.least: the number -1 is below `min`"),
        (["--set", "leest=1"], "did you mean `least`?"),
        (["--set", "least"], "`--set least` is not of the form name=value"),
        (["--from", "ealiest"], "did you mean `earliest`?"),
        (["--from", '{"reeding": {"0": 1}}'], "there is no stream `reeding`"),
    ],
)
def test_a_wrong_argument_is_refused_and_nothing_is_made(
    arguments: list[str], told: str, folder: Path
) -> None:
    done = streamops("run", "hot.yaml", *arguments, folder=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert not (folder / "hot.streamops").exists()


def test_a_job_that_never_ends_is_refused_where_an_end_is_asked_for(folder: Path) -> None:
    (folder / "hot.yaml").write_text(SPEC.replace(", follow: false", ""))
    done = streamops("run", "hot.yaml", "--until-end", folder=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--until-end: the stream readings never ends - write `follow: false`" in done.stderr
    assert not (folder / "hot.streamops").exists()


def test_a_failed_job_ends_the_command_with_exit_code_1_and_its_reason(folder: Path) -> None:
    (folder / "hot.yaml").write_text(SPEC + "errors: {policy: fail}\n")
    with (folder / "readings.jsonl").open("a") as records:
        records.write("no JSON\n")
    done = streamops("run", "hot.yaml", "--until-end", folder=folder)
    assert done.returncode == 1
    assert "FAILED" in done.stdout
    assert "not JSON: no JSON" in done.stdout


def test_rejects_are_printed_with_their_reason_and_bytes(folder: Path) -> None:
    with (folder / "readings.jsonl").open("a") as records:
        records.write("no JSON\n")
    streamops("run", "hot.yaml", "--until-end", folder=folder)
    (reject,) = read_json("rejects", "hot.streamops", "hot", folder=folder)
    assert (reject["stage"], reject["kind"], reject["raw"].strip()) == (
        "readings",
        "decode",
        "no JSON",
    )
    told = streamops("rejects", "hot.streamops", "hot", folder=folder).stdout
    assert "not JSON: no JSON" in told


def test_an_interrupted_job_goes_on_without_loss_or_doubles(folder: Path) -> None:
    rows = readings(30_000)
    write_input(folder, rows)
    (folder / "hot.yaml").write_text(SPEC + "resources: {read_rate: 2000}\n")
    with start_streamops("run", "hot.yaml", folder=folder) as running:
        assert running.stdout is not None
        # the board is printed every few seconds: it shows that batches have been committed
        seen = next(line for line in running.stdout if line.startswith("hot "))
        assert seen.split()[1] == "RUNNING"
        running.send_signal(signal.SIGINT)
        last = running.stdout.readlines()[-1]
    assert running.returncode == 0
    assert last.startswith("hot: interrupted after ")
    assert last.endswith("The same command goes on from there.\n")
    (between,) = read_json("jobs", "hot.streamops", folder=folder)
    assert 0 < between["rows_in"] < 30_000
    # the second run reads as fast as it can: a changed specification is saved and used
    (folder / "hot.yaml").write_text(SPEC)
    done = streamops("run", "hot.yaml", "--until-end", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Going on with hot")
    (job,) = read_json("jobs", "hot.streamops", folder=folder)
    assert (job["version"], job["status"], job["rows_in"]) == (2, "FINISHED", 30_000)
    assert written(folder) == expected(rows, 20)


def test_a_run_from_the_start_again_says_that_rows_are_added(folder: Path) -> None:
    write_input(folder, readings(100))
    (folder / "hot.yaml").write_text(SPEC)
    first = streamops("run", "hot.yaml", "--until-end", "--from", "earliest", folder=folder)
    again = streamops("run", "hot.yaml", "--until-end", "--from", "earliest", folder=folder)
    assert (first.returncode, again.returncode) == (0, 0)
    (rows,) = (job["rows_out"] for job in read_json("jobs", "hot.streamops", folder=folder))
    assert "already" not in first.stdout
    assert again.stdout.startswith(
        f"The output has {rows // 2} rows already: what comes out now is added; "
        "with a `key` below `sink` it would replace older rows (to begin with none: "
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_asks_for_an_end_and_the_handlers_are_put_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with Ending() as ending:
        assert not ending.wait(0)
        os.kill(os.getpid(), number)
        assert ending.wait(60)
    assert signal.getsignal(number) is before


def test_a_second_signal_ends_the_process_at_once() -> None:
    script = (
        "import os, signal\n"
        "from streamops_nb.shell.foreground import Ending\n"
        "with Ending() as ending:\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    print('still here', ending.wait(60), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    print('too late', flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (130, "still here True\n")
