"""The page ``docs/specification.md``, written from the models.

``python -m streamops_nb.shell.specification`` writes it anew after a change of the models or of a
built-in plug-in's settings.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import streamops_nb.plan
from streamops_nb.model.duration import duration_text, parse_duration
from streamops_nb.plan.schema import job_schema

__all__ = ["PAGE", "page_text"]

PAGE = Path(streamops_nb.plan.__file__).parents[2] / "docs" / "specification.md"
"""Where the page lies in a checkout."""

_HEAD = """\
# Specification

Every setting of a job, generated from the models (`python -m streamops_nb.shell.specification`);
`streamops schema` prints the same as JSON Schema, for editors. A job is YAML text, or `so.Job(…)`
with the same names in Python. A source, format or sink without settings may be written by its name
alone: `source: simulator`. Lengths of time are written `500ms`, `5s`, `2m`, `1h 30m`, `7d`; sizes
`32MiB`. Relative paths are relative to the workspace's folder. Secrets are references,
`${env:KAFKA_PASSWORD}`: they are resolved when the job starts and never stored.
"""

_PARTS = (
    ("Stream", "`streams.<name>`"),
    ("Reference", "`references.<name>`"),
    ("Param", "`params.<name>`"),
    ("Trigger", "`trigger`"),
    ("Resources", "`resources`"),
    ("Errors", "`errors`"),
    ("Retries", "`errors.retries`"),
    ("Start", "`start`"),
    ("Positions", "`start.at`, as positions"),
)

Schema = dict[str, Any]


def page_text() -> str:
    """Write the page."""
    schema = job_schema()
    parts: dict[str, Schema] = schema["$defs"]
    sections = [_HEAD, *_section("A job", schema, 2)]
    for name, title in _PARTS:
        sections += _section(title, parts[name], 2)
    for kind in ("source", "format", "sink"):
        sections.append(f"## {kind.capitalize()}s\n")
        for name, part in parts.items():
            if name.startswith(f"{kind}_"):
                sections += _section(_title(name), part, 3)
    return "\n".join(sections)


def _title(name: str) -> str:
    """Name a plug-in by its type, and a group inside its settings by its place."""
    plug_in, _, inner = name.partition(".")
    kind = plug_in.partition("_")[2]
    return f"`{kind}`: {inner}" if inner else f"`type: {kind}`"


def _section(title: str, part: Schema, level: int) -> Iterator[str]:
    # a parameter may be written as its default alone
    part = next((case for case in part.get("anyOf", ()) if "properties" in case), part)
    yield f"{'#' * level} {title}\n"
    if part.get("description"):
        yield f"{_line(part['description'])}\n"
    settings = {name: value for name, value in part["properties"].items() if "const" not in value}
    if "schema_version" in part["properties"]:
        settings = {"schema_version": part["properties"]["schema_version"]} | settings
    if not settings:
        return
    yield "| setting | default | what it is |"
    yield "|---|---|---|"
    required = part.get("required", ())
    # settings that are described together stand together
    for meaning, alike in groupby(settings.items(), lambda setting: _meaning(setting[1])):
        rows = list(alike)
        for several in [rows] if meaning else [[row] for row in rows]:
            names = ", ".join(f"`{name}`" for name, _ in several)
            defaults = [_default(name, value, required) for name, value in several]
            same = len(set(defaults)) == 1
            yield f"| {names} | {defaults[0] if same else ', '.join(defaults)} | {meaning} |"
    yield ""


def _default(name: str, value: Schema, required: list[str] | tuple[str, ...]) -> str:
    if name in required:
        return "*required*"
    default = value.get("default")
    if default in (None, "", {}, []):
        return "none"
    if isinstance(default, dict):
        return f"`{default['type']}`" if list(default) == ["type"] else "see below"
    if not isinstance(default, str):
        return f"`{json.dumps(default)}`"
    is_length = default.startswith("P") and "(P" in str(value)
    return f"`{duration_text(parse_duration(default)) if is_length else default}`"


def _meaning(value: Schema) -> str:
    said = _line(value.get("description", ""))
    choices = [f"`{choice}`" for choice in _choices(value)]
    if choices and not all(choice in said for choice in choices):
        said = f"{said} One of {', '.join(choices)}.".strip()
    return said.replace("|", "\\|")


def _choices(value: Schema) -> list[Any]:
    cases = [value, *value.get("anyOf", ())]
    return [choice for case in cases for choice in case.get("enum", ())]


def _line(text: str) -> str:
    return " ".join(text.replace("``", "`").split())


def main() -> None:
    """Write the page into the checkout."""
    PAGE.write_text(page_text(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")


if __name__ == "__main__":
    main()
