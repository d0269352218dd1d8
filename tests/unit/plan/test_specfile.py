"""Loading specifications: from text, files and keywords, with every fault and its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from streamops_nb import plugins
from streamops_nb.model.errors import SpecRefused
from streamops_nb.model.wording import choice_of
from streamops_nb.plan import specfile

WRONG = """\
schema_version: 1
name: Hot Minutes
streams:
  readings:
    source: {type: simulator, devices: many, rat: 3, password: geheim}
    format: {type: cvs, delimiter: ";"}
    watermark_dely: 5s
    schema: {ts: TIMESTAMPTZ, place: STRUCT(lat DOUBLE, lon DOUBLE)}
    event_time: st
params:
  threshold: {type: DOUBLE, default: 5, max: 3}
errors: {policy: fial}
sink:
  type: table
  retention:
    age: 7
    row: 5
"""
MINIMAL = "name: a\nstreams: {s: {source: simulator}}\nquery: SELECT 1\n"


def faults(source: Any) -> list[str]:
    with pytest.raises(SpecRefused) as refusal:
        specfile.load(source)
    return [str(fault) for fault in refusal.value.faults]


def test_every_fault_is_told_with_line_and_column_in_the_order_of_the_text() -> None:
    found = faults(WRONG)
    assert [fault.split(": ")[0] for fault in found] == [
        "query (line 1:1)",
        "name (line 2:1)",
        "streams.readings.source.devices (line 5:31)",
        "streams.readings.source.rat (line 5:46)",
        "streams.readings.source.password (line 5:54)",
        "streams.readings.format.type (line 6:14)",
        "streams.readings.watermark_dely (line 7:5)",
        "streams.readings.schema.place (line 8:31)",
        'streams.readings.schema["lon DOUBLE)"] (line 8:57)',
        "streams.readings.event_time (line 9:5)",
        "params.threshold.default (line 11:29)",
        "errors.policy (line 12:10)",
        "sink.retention.age (line 16:5)",
        "sink.retention.row (line 17:5)",
    ]
    assert found[6] == (
        "streams.readings.watermark_dely (line 7:5): there is no setting `watermark_dely` here "
        "- did you mean `watermark_delay`?"
    )
    assert found[3].endswith("there is no setting `rat` here - did you mean `rate`?")
    assert found[5].endswith('there is no format of type "cvs" - did you mean `csv`?')
    assert "geheim" not in "".join(found)
    assert "pydantic" not in "".join(found)


def test_the_same_faults_are_told_of_plain_data_without_places() -> None:
    with pytest.raises(SpecRefused) as refusal:
        specfile.Job(
            name="a",
            streams={"s": {"source": {"type": "simulatr"}, "watermark_dely": "5s"}},
            sink={"type": "table", "retention": {"age": 7}},
        )
    assert [fault.where for fault in refusal.value.faults] == [
        "streams.s.watermark_dely",
        "query",
        "streams.s.source.type",
        "sink.retention.age",
    ]


def test_a_job_is_loaded_from_text_a_file_plain_data_and_keywords(tmp_path: Path) -> None:
    fields: dict[str, Any] = {"name": "a", "streams": {"s": {"source": "simulator"}}}
    file = tmp_path / "a.yaml"
    # as an editor on Windows may save it
    file.write_bytes(b"\xef\xbb\xbf" + MINIMAL.replace("\n", "\r\n").encode())
    expected = specfile.Job(**fields, query="SELECT 1")
    assert specfile.load(MINIMAL) == expected
    assert specfile.load(file) == expected
    assert specfile.load(str(file)) == expected
    assert specfile.load({**fields, "query": "SELECT 1"}) == expected


def test_json_is_read_as_the_yaml_it_is(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(specfile.load(MINIMAL).model_dump_json())
    assert specfile.load(str(file)) == specfile.load(MINIMAL)


def test_a_file_that_cannot_be_read_is_refused_by_name(tmp_path: Path) -> None:
    missing, latin = tmp_path / "missing.yaml", tmp_path / "latin.yaml"
    latin.write_bytes("name: ä".encode("latin-1"))
    assert faults(str(missing)) == [
        (
            f"{missing} cannot be read: No such file or directory "
            "- give the path of a YAML file, or the YAML text itself"
        )
    ]
    assert faults(latin) == [f"{latin} is not UTF-8 text (byte 6) - save it as UTF-8"]
    assert faults(tmp_path)[0].startswith(f"{tmp_path} cannot be read: ")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "the text is empty"),
        ("# nothing", "the text is empty"),
        ("hot_minutes", '"hot_minutes" is not a job'),
        ("- a\n- b", "\"['a', 'b']\" is not a job"),
    ],
)
def test_a_text_that_is_no_job_says_what_a_job_has(text: str, what: str) -> None:
    assert faults(text) == [f"{what} - a job has at least `name: …`, `streams: …` and `query: …`"]


def test_settings_are_kept_as_written_but_checked() -> None:
    source = {"type": "simulator", "devices": "${env:DEVICES}", "rate": 5}
    job = specfile.Job(name="a", streams={"s": {"source": source}}, query="SELECT 1")
    # what a reference stands for is checked when it is known
    assert job.streams["s"].source.settings == {"devices": "${env:DEVICES}", "rate": 5}


def test_a_plug_in_without_a_type_is_refused_with_the_types() -> None:
    (fault,) = faults(
        {"name": "a", "streams": {"s": {"source": {"devices": 3}}}, "query": "SELECT 1"}
    )
    assert fault == (
        "streams.s.source.type: `type` is missing - " + choice_of(plugins.names("source"))
    )


def test_names_that_need_quotes_find_their_place() -> None:
    text = MINIMAL + 'sink:\n  type: kafka\n  options:\n    sasl.password: "geheim"\n'
    assert any(
        fault.startswith('sink.options["sasl.password"] (line 7:5): a secret must not')
        for fault in faults(text)
    )
