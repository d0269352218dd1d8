"""What is dumped loads back equal, whatever the specification says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamops_nb.model.spec import JobSpec
from streamops_nb.plan import specfile
from streamops_nb.plan.yaml_text import read_yaml

# Every text that Unicode can encode, and more often those that YAML or Python could trip over.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    ["", " ", "a\n", "\na", "a\n\n", "  a\n b", "a \nb", "'''\n\"\"\"", "\\\n", 'a\n"', "\t\n\t",
     "\r\n", "a\x85b\nc", "\u2028\n", "# no\nyes", "- a\n- b", "null", "~", "true", "yes", "0x1F",
     "1_000", "1e3", "2024-01-01", "12:30", "<<", "=", "@a", "*a", "&a b", "!tag", "%YAML", "---",
     "...", "{a: b}", "[a]", "a: b", "a #b", "🙂\n🙂", "\ufeffa", "\x00", "\x7f\n"]
)  # fmt: skip
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
DURATIONS = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400))
FIELD_NAMES = TEXT.filter(lambda name: name.isprintable() and name and not name.startswith("_"))
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT.filter(lambda text: "${" not in text),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def _unique(names: Any) -> bool:
    return len({name.lower() for name in names}) == len(names)


def _plug_ins(
    types: st.SearchStrategy[str], keys: st.SearchStrategy[str]
) -> st.SearchStrategy[Any]:
    settings = st.dictionaries(
        keys.filter(lambda key: key not in ("type", "key")), PLAIN, max_size=3
    )
    return st.builds(lambda kind, more: {**more, "type": kind}, types, settings)


# keys of one letter: none looks like a secret's
STRANGE = _plug_ins(TEXT, st.characters(exclude_categories=["Cs"]))
SOURCES = st.sampled_from(
    ["simulator", {"type": "simulator", "devices": 3, "rate": 10, "seed": 4},
     {"type": "kafka", "servers": "${env:SERVERS}", "topic": "a"}]
)  # fmt: skip
FORMATS = st.sampled_from(["json", {"type": "csv", "delimiter": ";"}, {"type": "raw"}])
SINKS = st.sampled_from(
    ["none", {"type": "table", "key": ["device"], "retention": {"age": "7d", "rows": 1000}},
     {"type": "parquet", "path": "out"}]
)  # fmt: skip


def _streams(sources: Any, formats: Any) -> st.SearchStrategy[Any]:
    schemas = st.dictionaries(
        FIELD_NAMES,
        st.sampled_from(["TIMESTAMPTZ", "EPOCH_MS", "STRUCT(lat DOUBLE, lon DOUBLE)", "JSON"]),
        min_size=1,
        max_size=3,
    ).filter(_unique)
    stream = st.fixed_dictionaries(
        {"source": sources},
        optional={
            "format": formats,
            "schema": st.just("infer") | schemas,
            "watermark_delay": DURATIONS,
            "idle_timeout": st.none() | DURATIONS,
            "max_ahead": st.none() | DURATIONS,
        },
    )
    return st.dictionaries(NAMES, stream, min_size=1, max_size=2).filter(_unique)


PARAMS = st.dictionaries(
    NAMES,
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT.filter(lambda text: "${" not in text)
    | st.just({"type": "DOUBLE", "default": 3, "min": 0, "max": 5.5, "choices": [1, 3]}),
    max_size=3,
).filter(_unique)
STARTS = (
    st.sampled_from([None, "earliest", "latest", "stopped"])
    | st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(lambda t: t.replace(tzinfo=UTC))  # noqa: DTZ001
)  # fmt: skip
OPTIONAL = {
    "description": TEXT,
    "owner": TEXT,
    "tags": st.lists(TEXT, max_size=3),
    "params": PARAMS,
    "references": st.just({"r_1": {"type": "duckdb", "path": "a b.db", "table": "t"}}),
    "trigger": st.fixed_dictionaries(
        {}, optional={"interval": DURATIONS, "bytes": st.integers(1, 2**50)}
    ),
    "resources": st.fixed_dictionaries({}, optional={"cu": st.floats(0.001, 1000)}),
    "errors": st.fixed_dictionaries(
        {}, optional={"policy": st.just("fail"), "retries": st.just({"first": "1ms"})}
    ),
    "start": st.fixed_dictionaries({"at": STARTS}),
}


def specs(sources: Any, formats: Any, sinks: Any) -> st.SearchStrategy[JobSpec]:
    required = {
        "name": st.from_regex(r"[a-z][a-z0-9_]{0,62}", fullmatch=True),
        "streams": _streams(sources, formats),
        "query": TEXT.filter(lambda text: bool(text.strip())),
    }
    return st.fixed_dictionaries(required, optional={**OPTIONAL, "sink": sinks}).map(
        JobSpec.model_validate
    )


@given(specs(SOURCES, FORMATS, SINKS), st.booleans())
def test_a_dumped_specification_loads_back_equal(spec: JobSpec, defaults: bool) -> None:
    text = specfile.dump(spec, defaults)
    loaded = specfile.load(text)
    assert loaded == spec
    assert specfile.dump(loaded, defaults) == text


@given(specs(STRANGE, STRANGE, STRANGE), st.booleans())
def test_settings_of_any_plug_in_survive_yaml(spec: JobSpec, defaults: bool) -> None:
    document = read_yaml(specfile.dump(spec, defaults))
    assert document.faults == []
    assert JobSpec.model_validate(document.data) == spec


@given(specs(STRANGE, STRANGE, STRANGE))
def test_the_python_expression_evaluates_to_an_equal_specification(spec: JobSpec) -> None:
    so = SimpleNamespace(Job=lambda **fields: JobSpec.model_validate(fields))
    assert eval(spec.to_python(), {"so": so}) == spec


@given(specs(STRANGE, STRANGE, STRANGE))
def test_json_round_trips_equal(spec: JobSpec) -> None:
    assert JobSpec.model_validate_json(spec.model_dump_json()) == spec


@given(specs(SOURCES, FORMATS, SINKS))
def test_a_checked_specification_stays_equal(spec: JobSpec) -> None:
    assert specfile.check(spec) == spec
    assert specfile.load(spec.model_dump()) == spec


def test_a_specification_reads_well_as_yaml() -> None:
    spec = specfile.Job(
        name="hot_minutes",
        streams={
            "readings": {
                "source": {"type": "simulator", "devices": 100},
                "schema": {"ts": "TIMESTAMPTZ", "type": "VARCHAR"},
                "event_time": "ts",
                "watermark_delay": timedelta(seconds=5),
                "idle_timeout": None,
            }
        },
        params={"threshold": 30},
        query="SELECT *\nFROM readings\nWHERE temp > $threshold\n",
        sink="none",
        trigger={"bytes": 33_554_432 * 2},
    )
    assert specfile.dump(spec) == (
        "schema_version: 1\n"
        "name: hot_minutes\n"
        "streams:\n"
        "  readings:\n"
        "    source:\n"
        "      type: simulator\n"
        "      devices: 100\n"
        "    schema:\n"
        "      ts: TIMESTAMPTZ\n"
        "      type: VARCHAR\n"
        "    event_time: ts\n"
        "    watermark_delay: 5s\n"
        "    idle_timeout: null\n"
        "params:\n"
        "  threshold:\n"
        "    type: BIGINT\n"
        "    default: 30\n"
        "query: |\n"
        "  SELECT *\n"
        "  FROM readings\n"
        "  WHERE temp > $threshold\n"
        "sink: none\n"
        "trigger:\n"
        "  bytes: 64MiB\n"
    )
    assert spec.to_python() == (
        "so.Job(\n"
        '    name="hot_minutes",\n'
        "    streams={\n"
        '        "readings": {\n'
        '            "source": {"type": "simulator", "devices": 100},\n'
        '            "schema": {"ts": "TIMESTAMPTZ", "type": "VARCHAR"},\n'
        '            "event_time": "ts",\n'
        '            "watermark_delay": "5s",\n'
        '            "idle_timeout": None,\n'
        "        },\n"
        "    },\n"
        '    params={"threshold": {"type": "BIGINT", "default": 30}},\n'
        '    query="""SELECT *\n'
        "FROM readings\n"
        "WHERE temp > $threshold\n"
        '""",\n'
        '    sink={"type": "none"},\n'
        '    trigger={"bytes": "64MiB"},\n'
        ")"
    )


@pytest.mark.parametrize("defaults", [False, True])
def test_dumping_keeps_references_to_secrets(
    defaults: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_PASSWORD", "geheim")
    source = {"type": "simulator", "kind": "${env:KAFKA_PASSWORD}"}
    spec = specfile.Job(name="a", streams={"s": {"source": source}}, query="SELECT 1")
    for text in (specfile.dump(spec, defaults), spec.to_python(), repr(spec)):
        assert "${env:KAFKA_PASSWORD}" in text
        assert "geheim" not in text
