"""The specification: its shape, its defaults, and refusals that hold every fault."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from streamops_nb.model.errors import SpecRefused
from streamops_nb.model.spec import JobSpec, Positions, Start, Stream, Trigger

MINIMAL: dict[str, Any] = {
    "name": "hot_minutes",
    "streams": {"readings": {"source": {"type": "simulator", "devices": 3}}},
    "query": "SELECT * FROM readings",
}


def faults(**changes: Any) -> list[str]:
    """Give the faults of the minimal job with changes; none if it is accepted."""
    try:
        JobSpec.model_validate({**MINIMAL, **changes})
    except SpecRefused as refusal:
        return [str(fault) for fault in refusal.faults]
    return []


def stream_faults(**changes: Any) -> list[str]:
    return faults(streams={"readings": {"source": "simulator", **changes}})


def test_what_is_left_out_has_its_default() -> None:
    spec = JobSpec.model_validate(MINIMAL)
    stream = spec.streams["readings"]
    assert spec.schema_version == 1
    assert (stream.source.type, stream.source.settings) == ("simulator", {"devices": 3})
    assert (stream.format.type, stream.fields, stream.event_time) == ("json", None, None)
    assert stream.watermark_delay == timedelta(0)
    assert (stream.idle_timeout, stream.max_ahead) == (timedelta(minutes=1), timedelta(days=1))
    assert (spec.sink.type, spec.sink.settings) == ("table", {})
    assert spec.trigger == Trigger(interval=timedelta(seconds=1), rows=200_000, bytes=2**25)
    assert (spec.resources.cu, spec.resources.read_rate) == (0.1, None)
    assert (spec.errors.policy, spec.errors.late, spec.errors.keep) == ("reject", "count", 1000)
    assert spec.start == Start(at=None, cut_off="drop", lookback=None)


@pytest.mark.parametrize(
    ("path", "form"),
    [("in/*.csv", "csv"), ("/data/a.CSV.gz", "csv"), ("a.parquet", "parquet")],
)
def test_files_whose_names_say_what_they_are_are_not_taken_for_json(path: str, form: str) -> None:
    source = {"type": "files", "path": path}
    assert Stream.model_validate({"source": source}).format.type == form
    assert Stream.model_validate({"source": source, "format": "raw"}).format.type == "raw"
    assert Stream.model_validate({"source": {"type": "files", "path": "in"}}).format.type == "json"
    (fault,) = stream_faults(source=source, format="json")
    assert fault == (
        f"streams.readings.format: the files are {form} by their name, and the format is json"
        f" - write `format: {form}`, or leave it out"
    )


def test_a_specification_is_frozen() -> None:
    spec = JobSpec.model_validate(MINIMAL)
    with pytest.raises(ValidationError, match="frozen"):
        spec.name = "other"
    with pytest.raises(ValidationError, match="frozen"):
        spec.streams["readings"].source.type = "kafka"


def test_the_short_form_of_a_plug_in_equals_the_long_one() -> None:
    short = JobSpec.model_validate({**MINIMAL, "sink": "none"})
    assert short == JobSpec.model_validate({**MINIMAL, "sink": {"type": "none"}})


def test_a_schema_is_declared_or_inferred() -> None:
    declared = Stream.model_validate({"source": "s", "schema": {"ts": "EPOCH_MS", "v": "DOUBLE[]"}})
    assert declared.fields == {"ts": "EPOCH_MS", "v": "DOUBLE[]"}
    assert Stream.model_validate({"source": "s", "schema": "infer"}).fields is None
    assert Stream.model_validate({"source": "s", "idle_timeout": None}).idle_timeout is None


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (None, None),
        ("earliest", "earliest"),
        ("2024-01-31T08:30:00Z", datetime(2024, 1, 31, 8, 30, tzinfo=UTC)),
        ("2024-01-31T10:30:00+02:00", datetime(2024, 1, 31, 8, 30, tzinfo=UTC)),
        (
            datetime(2024, 1, 31, 10, 30, tzinfo=timezone(timedelta(hours=2))),
            datetime(2024, 1, 31, 8, 30, tzinfo=UTC),
        ),
        (
            {"positions": {"readings": {0: 12, "1": 5}}},
            Positions(positions={"readings": {"0": 12, "1": 5}}),
        ),
    ],
)
def test_a_start_point_is_a_word_a_time_or_positions(at: Any, expected: Any) -> None:
    assert JobSpec.model_validate({**MINIMAL, "start": {"at": at}}).start.at == expected


@pytest.mark.parametrize(
    "name",
    ["Hot", "9a", "_a", "a-b", "../etc/passwd", "x; DROP TABLE y", "", "ä", "a" * 10_000, "a\n"],
)
def test_a_name_that_is_a_path_sql_or_endless_is_refused_shortly(name: str) -> None:
    (fault,) = faults(name=name)
    assert fault.startswith('name: "')
    assert "cannot be the name of a job" in fault
    assert fault.endswith("for example `name: hot_minutes`")
    assert len(fault) < 300


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": 5}, "name: expected text, got the number 5 - for example `name: hot_minutes`"),
        ({"query": " \n"}, "query: the query is empty - write one SELECT over the streams"),
        (
            {"query": "x" * 200_001},
            "query: a query of 200001 characters is too long - at most 200000",
        ),
        (
            {"schema_version": 2},
            (
                "schema_version: this specification has schema version 2, newer than this "
                "streamops_nb reads - upgrade streamops-nb, or write `schema_version: 1`"
            ),
        ),
        (
            {"streams": {}},
            (
                "streams: a group of settings has too few entries: at least 1 "
                "- for example `streams: {readings: {source: simulator}}`"
            ),
        ),
        (
            {"streams": {"a-b": {"source": "simulator"}}},
            (
                'streams.a-b: the text "a-b" cannot be a name in a query '
                "- a letter or _, then up to 62 letters, digits and _"
            ),
        ),
        (
            {"tags": "plant"},
            'tags: expected a list, got the text "plant" - write `tags: [plant]`',
        ),
        (
            {"trigger": {"rows": "5"}},
            'trigger.rows: expected a whole number, got the text "5" - for example `rows: 200000`',
        ),
        (
            {"trigger": {"rows": True}},
            "trigger.rows: expected a whole number, got true - for example `rows: 200000`",
        ),
        (
            {"trigger": {"bytes": 0}},
            "trigger.bytes: expected 1 or more, got the number 0 - for example `bytes: 32MiB`",
        ),
        (
            {"resources": {"cu": 0}},
            "resources.cu: expected more than 0.0, got the number 0 - for example `cu: 0.1`",
        ),
        (
            {"errors": {"policy": "fial"}},
            'errors.policy: the text "fial" is not accepted here - did you mean `fail`?',
        ),
        (
            {"errors": {"max_reject_share": 5}},
            (
                "errors.max_reject_share: expected 1.0 or less, got the number 5 "
                "- for example `max_reject_share: 0.05`"
            ),
        ),
        (
            {"errors": {"retries": {"first": "2m"}}},
            (
                "errors.retries.first: the first back-off is longer than the longest "
                "- make `first` at most `longest`"
            ),
        ),
        (
            {"errors": []},
            "errors: expected a group of settings, got a list",
        ),
        (
            {"start": {"at": "earlist"}},
            'start.at: the text "earlist" is not a start point - did you mean `earliest`?',
        ),
        (
            {"start": {"at": "2024-01-31T08:30:00"}},
            (
                "start.at: the time 2024-01-31T08:30:00 has no zone "
                "- write `2024-01-31T08:30:00Z` for UTC"
            ),
        ),
        (
            {"start": {"at": {"positions": {"readngs": {"0": 1}}}}},
            "start.at.positions.readngs: there is no stream `readngs` - did you mean `readings`?",
        ),
        (
            {"start": {"lookback": "1h"}},
            "start.lookback: a lookback has no effect here - write `cut_off: lookback` beside it",
        ),
        (
            {"references": {"READINGS": {"type": "csv", "path": "a.csv"}}},
            (
                "references.READINGS: the name `READINGS` is already used by streams.readings "
                "- rename one: a query tells streams and references apart by name only"
            ),
        ),
        (
            {"references": {"d": {"type": "duckdb", "path": "a.db"}}},
            (
                "references.d.table: `table` is missing "
                "- name the table in the DuckDB file, for example `table: devices`"
            ),
        ),
        (
            {"references": {"d": {"type": "csv", "path": "${env:DATA}/a.csv"}}},
            (
                "references.d.path: a reference to an environment variable is not resolved here "
                "- only the settings of sources, formats and sinks may hold `${env:…}`"
            ),
        ),
        (
            {"sink": {"type": "table", "key": ["device", ""]}},
            "sink.key[1]: expected the name of an output column, got an empty text",
        ),
        (
            {"sink": {"type": "table", "key": ["device", "device"]}},
            "sink.key[1]: the column `device` is named twice",
        ),
        (
            {"sink": None},
            "sink: expected a group of settings, got nothing (null)",
        ),
        (
            {"sink": {"type": "table", "x": float("nan")}},
            "sink: expected a finite number, got the number nan",
        ),
        (
            {"description": "\ud800"},
            "description: this text is not valid Unicode",
        ),
        (
            {"trigger": {"interval": "1s", "intervall": "2s"}},
            "trigger.intervall: there is no setting `intervall` here - did you mean `interval`?",
        ),
    ],
)
def test_a_fault_says_where_what_and_the_remedy(changes: dict[str, Any], expected: str) -> None:
    assert faults(**changes) == [expected]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"watermark_delay": 5},
            (
                "watermark_delay: the number 5 has no unit of time "
                '- write "5s" for seconds or "5ms" for milliseconds'
            ),
        ),
        ({"schema": {}}, "schema: a schema without fields - declare a field or write `infer`"),
        (
            {"schema": "inferred"},
            (
                'schema: the text "inferred" is not a schema '
                "- write `infer` or the fields: `{ts: TIMESTAMPTZ, device: VARCHAR}`"
            ),
        ),
        (
            {"schema": {"ts": "TIMESTAMPZ"}},
            'schema.ts: there is no type "TIMESTAMPZ" - did you mean `TIMESTAMPTZ`?',
        ),
        (
            {"schema": {"_offset": "BIGINT"}},
            "schema._offset: the name _offset is used by streamops_nb itself - choose another",
        ),
        (
            {"schema": {"a": "BIGINT", "A": "BIGINT"}},
            (
                "schema.A: the field `A` differs from `a` by capitals only "
                "- DuckDB does not tell them apart: declare one of them"
            ),
        ),
        (
            {"schema": {"ts": "TIMESTAMPTZ"}, "event_time": "tss"},
            "event_time: the schema has no field `tss` - did you mean `ts`?",
        ),
        (
            {"schema": {"ts": ["TIMESTAMPTZ"]}, "event_time": "ts"},
            "schema.ts: expected the name of a type, got a list - for example DOUBLE",
        ),
        (
            {"schema": {"ts": "VARCHAR"}, "event_time": "ts"},
            (
                "event_time: an event time is a timestamp, but `ts` is declared as VARCHAR "
                "- declare `ts: TIMESTAMPTZ`; EPOCH_S, EPOCH_MS or EPOCH_US for numbers, "
                "TIMESTAMPTZ('%d/%m/%Y %H:%M') for another form"
            ),
        ),
    ],
)
def test_a_fault_of_a_stream_says_where_what_and_the_remedy(
    changes: dict[str, Any], expected: str
) -> None:
    assert stream_faults(**changes) == [f"streams.readings.{expected}"]


def test_an_inferred_schema_leaves_the_event_time_to_the_sample() -> None:
    assert stream_faults(event_time="ts") == []


def test_every_fault_is_told_at_once_also_between_parts_of_which_one_is_wrong() -> None:
    with pytest.raises(SpecRefused) as refusal:
        JobSpec.model_validate(
            {
                "name": "Hot",
                "streams": {
                    "readings": {
                        "sorce": "simulator",
                        "schema": {"ts": "TIMESTAMPTZ", "v": "DUBLE"},
                        "event_time": "tx",
                    }
                },
                "references": {"Readings": {"type": "cvs", "path": "a"}},
                "params": {"threshold": {"type": "DOUBLE", "default": 5, "max": 3, "step": 1}},
                "sink": {"type": "kafka", "options": {"sasl.password": "geheim"}},
            }
        )
    assert {fault.where for fault in refusal.value.faults} == {
        "name",
        "query",
        "streams.readings.source",
        "streams.readings.sorce",
        "streams.readings.schema.v",
        "streams.readings.event_time",
        "references.Readings.type",
        "references.Readings",
        "params.threshold.step",
        "params.threshold.default",
        'sink.options["sasl.password"]',
    }
    assert "pydantic" not in str(refusal.value)
    assert "geheim" not in str(refusal.value)


def test_the_classes_may_be_used_in_place_of_plain_data() -> None:
    stream = Stream.model_validate(MINIMAL["streams"]["readings"])
    assert JobSpec.model_validate({**MINIMAL, "streams": {"readings": stream}}) == (
        JobSpec.model_validate(MINIMAL)
    )
    wrong = stream.model_copy(update={"schema_": {"ts": "DATE"}, "event_time": "ts"})
    assert [fault[:27] for fault in faults(streams={"readings": wrong})] == [
        "streams.readings.event_time"
    ]


def test_the_model_is_light() -> None:
    code = (
        "import sys, streamops_nb.model.spec; "
        "print(sorted({'duckdb', 'pandas', 'pyarrow', 'numpy', 'ruamel'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
