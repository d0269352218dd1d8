"""The parts of a specification that plug-ins check: the settings of sources, formats, sinks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from streamops_nb import plugins
from streamops_nb.model.errors import Fault, SpecRefused
from streamops_nb.model.faults import faults_of
from streamops_nb.model.part import plain
from streamops_nb.model.wording import choice_of, dotted

__all__ = ["plug_in_faults"]

Path = tuple[str, ...]


def plug_in_faults(data: Any) -> list[Fault]:
    """Check every source, format and sink against the plug-in that it names.

    Parameters
    ----------
    data
        The specification as plain data; what is wrong with it otherwise is not told here.
    """
    return [
        fault
        for kind, path, value in _places(data)
        for fault in _settings_faults(kind, path, value)
    ]


def _places(data: Any) -> Iterator[tuple[plugins.Kind, Path, Any]]:
    if not isinstance(data, Mapping):
        return
    streams = data.get("streams")
    for name, stream in streams.items() if isinstance(streams, Mapping) else ():
        if isinstance(stream, Mapping):
            if "source" in stream:
                yield "source", ("streams", str(name), "source"), stream["source"]
            if "format" in stream:
                yield "format", ("streams", str(name), "format"), stream["format"]
    if "sink" in data:
        yield "sink", ("sink",), data["sink"]


def _settings_faults(kind: plugins.Kind, path: Path, value: Any) -> list[Fault]:
    written = {"type": value} if isinstance(value, str) else value
    if not isinstance(written, Mapping):
        return []
    name = written.get("type")
    if not isinstance(name, str):
        if "type" in written:
            return []
        remedy = choice_of(plugins.names(kind))
        return [Fault(what="`type` is missing", where=dotted((*path, "type")), remedy=remedy)]
    try:
        model = plugins.load(kind, name).Settings
        settings = plain({key: inner for key, inner in written.items() if key != "type"})
        model.model_validate(settings)
    except SpecRefused as refusal:
        where = dotted((*path, "type") if isinstance(value, Mapping) else path)
        return [Fault(what=f.what, where=f.where or where, remedy=f.remedy) for f in refusal.faults]
    except PydanticCustomError:
        return []
    except ValidationError as error:
        return faults_of(error, settings, model, path)
    return []
