"""Specifications in and out: YAML text, files, plain data and keyword arguments."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from streamops_nb.model.crosschecks import written_out
from streamops_nb.model.errors import Fault, SpecRefused
from streamops_nb.model.spec import JobSpec
from streamops_nb.model.wording import cut, shown
from streamops_nb.plan.plugged import plug_in_faults
from streamops_nb.plan.yaml_text import Document, read_yaml

__all__ = ["Job", "check", "dump", "load"]

_SUFFIXES = (".yaml", ".yml", ".json")
_LARGEST_FILE = 4_000_000


def load(source: str | Path | Mapping[str, Any]) -> JobSpec:
    """Read a job's specification and check it, its plug-ins' settings included.

    Parameters
    ----------
    source
        A path (a `pathlib.Path`, or text that ends in ``.yaml``, ``.yml`` or ``.json``), YAML
        text, or plain data.

    Raises
    ------
    SpecRefused
        With every fault at once: its path, its line and column when it came from YAML, what is
        wrong and what would be accepted.
    """
    if isinstance(source, Mapping):
        return _checked(Document(data=source))
    if isinstance(source, Path) or _is_path(source):
        source = _read(Path(source))
    return _checked(read_yaml(source))


def Job(**fields: Any) -> JobSpec:  # noqa: N802 - users write so.Job(...) and get a value
    """Make a job's specification from keyword arguments, named and shaped as in YAML.

    Parameters
    ----------
    **fields
        ``name``, ``streams``, ``query`` and the optional parts, as `JobSpec` describes them;
        durations may be `datetime.timedelta`, times `datetime.datetime` with a zone.

    Raises
    ------
    SpecRefused
        With every fault at once.
    """
    return _checked(Document(data=fields))


def check(spec: JobSpec) -> JobSpec:
    """Check a specification that was made from the classes, plug-ins' settings included.

    Raises
    ------
    SpecRefused
        With every fault at once.
    """
    return load(spec.model_dump(mode="json"))


def dump(spec: JobSpec, defaults: bool = False) -> str:
    """Write a specification as YAML that `load` reads back equal.

    Parameters
    ----------
    spec
        The specification; references to secrets stay as they are.
    defaults
        Whether to write out what was left at its default.
    """
    data = spec.model_dump(mode="json", exclude_defaults=not defaults)
    yaml = YAML()
    yaml.Representer = _Representer
    yaml.allow_unicode = True
    # long lines of text are not folded: a diff of two versions shows what changed
    yaml.width = 2**20
    text = io.StringIO()
    yaml.dump({"schema_version": spec.schema_version} | _styled(_short(data)), text)
    return text.getvalue()


class _Representer(RoundTripRepresenter):
    """Writes null as a word: an empty place looks forgotten."""

    def represent_none(self, data: None) -> ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:null", "null")


_Representer.add_representer(type(None), _Representer.represent_none)


def _short(data: dict[str, Any]) -> dict[str, Any]:
    """Write plug-ins without settings by name only."""
    for stream in data["streams"].values():
        stream |= {plug: _name(stream[plug]) for plug in ("source", "format") if plug in stream}
    return data | {"sink": _name(data["sink"])} if "sink" in data else data


def _name(plug_in: dict[str, Any]) -> Any:
    return plug_in["type"] if list(plug_in) == ["type"] else plug_in


def _styled(value: Any) -> Any:
    """Write text of several lines, above all the query, as a block."""
    if isinstance(value, Mapping):
        return {_styled(key): _styled(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_styled(inner) for inner in value]
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    lines = text.split("\n")
    styled: str = text
    if not all(line.isprintable() for line in lines):
        # ruamel writes U+0085 and its like unescaped in the other styles and reads a line's end
        styled = DoubleQuotedScalarString(text)
    elif len(lines) > 1 and lines[0].strip():
        styled = LiteralScalarString(text)
    return styled


def _is_path(text: Any) -> bool:
    if not isinstance(text, str):
        remedy = "give YAML text, the path of a YAML file, a mapping, or so.Job(…)"
        raise SpecRefused([Fault(what=f"{shown(text)} is no job", remedy=remedy)])
    return "\n" not in text and text.strip().lower().endswith(_SUFFIXES) and ":" not in text[2:]


def _read(path: Path) -> str:
    remedy = "give the path of a YAML file, or the YAML text itself"
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise SpecRefused(f"{path} is too large for a specification")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        what = f"{path} cannot be read: {error.strerror}"
        raise SpecRefused([Fault(what=what, remedy=remedy)]) from error
    except UnicodeDecodeError as error:
        what = f"{path} is not UTF-8 text (byte {error.start})"
        raise SpecRefused([Fault(what=what, remedy="save it as UTF-8")]) from error


def _checked(document: Document) -> JobSpec:
    data = document.data
    if not isinstance(data, Mapping):
        what = "the text is empty" if data in (None, "") else f'"{cut(str(data))}" is not a job'
        raise SpecRefused([*document.faults, Fault(what=what, remedy=_REMEDY)])
    faults: list[Fault] = []
    spec = None
    try:
        spec = JobSpec.model_validate(data)
    except SpecRefused as refusal:
        faults += refusal.faults
    faults = _merged(faults, plug_in_faults(written_out(data)))
    # what could not be read is missing from the data: that it is missing needs no second telling
    unread = {fault.where.partition(" (line")[0] for fault in document.faults}
    kept = [fault for fault in faults if fault.where not in unread]
    faults = document.faults + _placed(kept, document.places)
    if spec is None or faults:
        raise SpecRefused(faults)
    return spec


_REMEDY = "a job has at least `name: …`, `streams: …` and `query: …`"


def _merged(faults: list[Fault], more: list[Fault]) -> list[Fault]:
    """Tell each place once, with a remedy if one of the two has one."""
    told = {fault.where: fault for fault in more}
    kept = [fault if fault.remedy else told.get(fault.where, fault) for fault in faults]
    known = {fault.where for fault in kept}
    return kept + [fault for fault in more if fault.where not in known]


def _placed(faults: list[Fault], places: Mapping[str, tuple[int, int]]) -> list[Fault]:
    """Add line and column, and tell the faults in the order of the text."""
    if not places:
        return faults
    found = [(_place(fault.where, places), fault) for fault in faults]
    found.sort(key=lambda pair: pair[0])
    return [
        Fault(
            what=fault.what,
            where=f"{fault.where} (line {place[0]}:{place[1]})".strip(),
            remedy=fault.remedy,
        )
        for place, fault in found
    ]


def _place(where: str, places: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
    """Find a path's place, or that of the nearest group around it."""
    while where and where not in places:
        where = where[: max(where.rfind("."), where.rfind("["), 0)]
    return places.get(where, (1, 1))
