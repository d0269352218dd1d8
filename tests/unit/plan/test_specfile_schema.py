"""The JSON Schema in the package is the one that the models give, and tells right from wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from streamops_nb import plugins
from streamops_nb.model.spec import JobSpec
from streamops_nb.plan import specfile
from streamops_nb.plan.schema import SCHEMA_FILE, schema_text
from tests.unit.plan.test_specfile_round_trip import FORMATS, SINKS, SOURCES, specs

JOB: dict[str, Any] = {
    "name": "a",
    "streams": {"s": {"source": {"type": "simulator", "devices": 3}, "format": "csv"}},
    "query": "SELECT 1",
}


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_the_schema_in_the_package_is_the_generated_one() -> None:
    # after a change of a model: python -m streamops_nb.plan.schema
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text()


def test_the_schema_knows_the_settings_of_every_built_in_plug_in(
    validator: Draft202012Validator,
) -> None:
    settled: tuple[plugins.Kind, ...] = ("source", "format", "sink")  # screens have no settings
    for kind in settled:
        for name in plugins.BUILT_IN[kind]:
            described = set(validator.schema["$defs"][f"{kind}_{name}"]["properties"])
            settings = plugins.load(kind, name).Settings.model_fields
            assert described == {"type", *(field.alias or key for key, field in settings.items())}


@settings(max_examples=50)
@given(specs(SOURCES, FORMATS, SINKS))
def test_what_is_dumped_is_valid(spec: JobSpec) -> None:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    data = YAML(typ="safe", pure=True).load(specfile.dump(spec))
    Draft202012Validator(schema).validate(json.loads(json.dumps(data, default=str)))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"params": {"threshold": 30, "place": {"default": "hall", "choices": ["hall"]}}},
        {"streams": {"s": {"source": {"type": "a_strangers", "anything": [1]}}}},
        {"streams": {"s": {"source": {"type": "simulator", "devices": "${env:N}"}}}},
        {"start": {"at": {"positions": {"s": {"0": 12}}}}},
        {"start": {"at": "2024-01-31T08:30:00Z"}},
        {"trigger": {"bytes": 1000, "interval": "PT1S"}},
    ],
)
def test_what_loads_is_valid(validator: Draft202012Validator, changes: dict[str, Any]) -> None:
    assert [error.message for error in validator.iter_errors({**JOB, **changes})] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Hot Minutes"},
        {"query": None},
        {"colour": "red"},
        {"streams": {}},
        {"params": {"a-b": 3}},
        {"streams": {"s": {"source": {"type": "simulator", "devices": "many"}}}},
        {"streams": {"s": {"source": {"type": "simulator", "rat": 3}}}},
        {"streams": {"s": {"source": {"devices": 3}}}},
        {"streams": {"s": {"source": "simulator", "watermark_delay": 5}}},
        {"sink": {"type": "table", "retention": {"row": 5}}},
        {"trigger": {"bytes": "32 parsecs"}},
        {"start": {"at": "earlist", "cut_off": "never"}},
        {"errors": {"max_reject_share": 2}},
    ],
)
def test_what_is_refused_is_not_valid(
    validator: Draft202012Validator, changes: dict[str, Any]
) -> None:
    assert list(validator.iter_errors({**JOB, **changes})) != []
