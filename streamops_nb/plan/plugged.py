"""The parts of a specification that belong to plug-ins: checked early, resolved late."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from streamops_nb import plugins
from streamops_nb.model import secrets
from streamops_nb.model.errors import Fault, SpecRefused
from streamops_nb.model.faults import faults_of
from streamops_nb.model.part import PlugIn, plain
from streamops_nb.model.spec import JobSpec
from streamops_nb.model.wording import choice_of, dotted

__all__ = ["plug_in_faults", "resolved", "with_defaults"]

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


def resolved(
    kind: plugins.Kind, plug_in: PlugIn, environ: Mapping[str, str], path: Path = ()
) -> tuple[Any, Any]:
    """Load a plug-in and its settings, secrets put in, right before it is built.

    Parameters
    ----------
    kind
        ``source``, ``format`` or ``sink``.
    plug_in
        The plug-in as the specification names it.
    environ
        Where the values of references are, normally `os.environ`.
    path
        Where it stands in the specification, for refusals.

    Returns
    -------
    (type, Settings)
        The class and a valid instance of its settings.

    Raises
    ------
    SpecRefused
        If the plug-in or a variable is missing, or a value does not fit; no message has a value.
    """
    found = plugins.load(kind, plug_in.type)
    settings = secrets.resolve(plug_in.settings, environ, path)
    try:
        return found, found.Settings.model_validate(settings)
    except ValidationError as error:
        faults = faults_of(error, settings, found.Settings, path)
    raise SpecRefused(
        Fault(
            what=secrets.mask(fault.what, plug_in.settings, environ),
            where=fault.where,
            remedy=secrets.mask(fault.remedy, plug_in.settings, environ),
        )
        for fault in faults
    )


def with_defaults(spec: JobSpec) -> JobSpec:
    """Write out what the plug-ins of a specification take by default; what was written stays."""
    streams = {
        name: stream.model_copy(
            update={
                "source": _written_out("source", stream.source),
                "format": _written_out("format", stream.format),
            }
        )
        for name, stream in spec.streams.items()
    }
    return spec.model_copy(update={"streams": streams, "sink": _written_out("sink", spec.sink)})


def _written_out(kind: plugins.Kind, plug_in: PlugIn) -> PlugIn:
    settings = plugins.load(kind, plug_in.type).Settings.model_validate(plug_in.settings)
    defaults = settings.model_dump(mode="json", by_alias=True)
    return PlugIn(**{"type": plug_in.type, **plain(defaults), **plug_in.settings})
