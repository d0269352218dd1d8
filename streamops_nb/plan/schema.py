"""The JSON Schema of a job's specification, for editors and other tools.

``python -m streamops_nb.plan.schema`` writes it anew after a change of the models or of a built-in
plug-in's settings.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import streamops_nb.model
from streamops_nb import plugins
from streamops_nb.model.spec import (
    Errors,
    JobSpec,
    Param,
    Positions,
    Reference,
    Resources,
    Retries,
    Start,
    Stream,
    Trigger,
)
from streamops_nb.plan.yaml_text import read_yaml

__all__ = ["SCHEMA_FILE", "job_schema", "schema_text"]

SCHEMA_FILE = Path(streamops_nb.model.__file__).parent / "schema" / "job.schema.json"
"""Where the generated schema lies in the package."""

Schema = dict[str, Any]

_REFERENCE = {
    "type": "string",
    "pattern": r"\$\{env:[A-Za-z_][A-Za-z0-9_]*\}",
    "description": "A reference to an environment variable, resolved when the job starts.",
}
_KINDS: tuple[plugins.Kind, ...] = ("source", "format", "sink")
_PARTS: tuple[type[BaseModel], ...] = (
    Stream, Reference, Param, Trigger, Resources, Retries, Errors, Start, Positions,
)  # fmt: skip


def job_schema() -> Schema:
    """Generate the schema from the models, built-in plug-ins' settings included.

    Raises
    ------
    SpecRefused
        If a library that a built-in plug-in needs is not installed.
    """
    schema = JobSpec.model_json_schema()
    parts: dict[str, Schema] = schema.pop("$defs")
    for model in _PARTS:
        _describe(parts[model.__name__], model)
    _describe(schema, JobSpec)
    del parts["PlugIn"]
    for kind in _KINDS:
        parts |= _plug_ins(kind)
    streams = parts["Stream"]["properties"]
    streams["source"] = _at(streams["source"], "source")
    streams["format"] = _at(streams["format"], "format")
    schema["properties"]["sink"] = _at(schema["properties"]["sink"], "sink")
    parts["Param"]["required"] = ["default"]
    parts["Param"] = {"anyOf": [{"type": ["boolean", "number", "string"]}, parts["Param"]]}
    parts["env_reference"] = _REFERENCE
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_tidy(schema),
        "title": "A job of streamops_nb",
        "$defs": {name: _tidy(part) for name, part in sorted(parts.items())},
    }


def _tidy(value: Any) -> Any:
    """Allow no other names than those of the patterns, and give examples as data, not as YAML."""
    if isinstance(value, list):
        return [_tidy(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    tidied = {key: _tidy(inner) for key, inner in value.items()}
    if "patternProperties" in tidied:
        tidied["additionalProperties"] = False
    if isinstance(value.get("examples"), list):
        tidied["examples"] = [
            read_yaml(example).data if isinstance(example, str) else example
            for example in value["examples"]
        ]
    return tidied


def _at(place: Schema, kind: str) -> Schema:
    """Let a place that takes any plug-in take those of one kind, and keep what is said of it."""
    return {**place, "$ref": f"#/$defs/{kind}"}


def _plug_ins(kind: plugins.Kind) -> dict[str, Schema]:
    """Describe a kind: the built-in types with their settings, any other type with any settings."""
    built_in = sorted(plugins.BUILT_IN[kind])
    parts: dict[str, Schema] = {}
    for name in built_in:
        parts |= _settings(kind, name)
    cases = [
        {
            "if": {"properties": {"type": {"const": name}}},
            "then": {"$ref": f"#/$defs/{kind}_{name}"},
        }
        for name in built_in
    ]
    parts[kind] = {
        "description": f"A {kind} by its type, with its own settings.",
        "anyOf": [
            {"type": "string", "examples": built_in},
            {
                "type": "object",
                "properties": {"type": {"type": "string", "examples": built_in}},
                "required": ["type"],
                "allOf": cases,
            },
        ],
    }
    return parts


def _settings(kind: plugins.Kind, name: str) -> dict[str, Schema]:
    """Describe one plug-in's settings; models inside them get names of their own."""
    model = plugins.load(kind, name).Settings
    key = f"{kind}_{name}"
    schema = model.model_json_schema(ref_template=f"#/$defs/{key}.{{model}}")
    inner = {f"{key}.{part}": value for part, value in schema.pop("$defs", {}).items()}
    _describe(schema, model)
    for part in inner.values():
        part["description"] = _first_paragraph(part.get("description", ""))
    properties = {
        field: value if value.get("type") == "string" else _or_reference(value)
        for field, value in schema.get("properties", {}).items()
    }
    schema["properties"] = {"type": {"const": name}, **properties}
    return {key: schema, **inner}


def _or_reference(value: Schema) -> Schema:
    told: Schema = {key: value[key] for key in ("title", "description", "default") if key in value}
    rest = {key: inner for key, inner in value.items() if key not in told}
    return {**told, "anyOf": [rest, {"$ref": "#/$defs/env_reference"}]}


_PARAMETERS = re.compile(r"^Parameters\n-+\n(.*?)(?=^\S[^\n]*\n-+\n|\Z)", re.DOTALL | re.MULTILINE)
_PARAMETER = re.compile(r"^(\S[^\n]*)\n((?: +[^\n]*\n?|\n)+)", re.MULTILINE)


def _describe(schema: Schema, model: type[BaseModel]) -> None:
    """Take the descriptions from the docstring: its first paragraph, and its parameters."""
    doc = inspect.getdoc(model) or ""
    schema["description"] = _first_paragraph(doc)
    section = _PARAMETERS.search(doc)
    for found in _PARAMETER.finditer(section[1] if section else ""):
        for name in found[1].split(", "):
            if name in schema.get("properties", {}):
                schema["properties"][name]["description"] = " ".join(found[2].split())


def _first_paragraph(doc: str) -> str:
    return " ".join(doc.split("\n\n", maxsplit=1)[0].split())


def schema_text() -> str:
    """Write the schema as it lies in the package."""
    return json.dumps(job_schema(), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the schema into the package."""
    SCHEMA_FILE.parent.mkdir(exist_ok=True)
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
    sys.stdout.write(f"wrote {SCHEMA_FILE}\n")


if __name__ == "__main__":
    main()
