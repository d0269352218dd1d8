"""YAML read safely, with the place of every setting.

Only plain data comes out: text, numbers, true, false, null, lists and groups. Tags make no objects,
dates stay text, a key is the text that was written (``0`` and ``null`` too), and size, depth and
what aliases unfold to are bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from streamops_nb.model.errors import Fault, SpecRefused
from streamops_nb.model.wording import cut, dotted

__all__ = ["Document", "read_yaml"]

_TAG = "tag:yaml.org,2002:"
_LARGEST = 1_000_000
_DEEPEST = 40
_MOST_NODES = 50_000

Path = tuple[str | int, ...]


@dataclass(slots=True)
class Document:
    """What a YAML text says.

    Parameters
    ----------
    data
        The plain data.
    places
        Line and column, from 1, of each setting, by its path as `dotted` writes it.
    faults
        What was left out of the data: repeated keys, tags, values that are no data.
    """

    data: Any = None
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def read_yaml(text: str) -> Document:
    """Read one YAML document.

    Raises
    ------
    SpecRefused
        If it is not YAML, is more than one document, or unfolds to more than a specification
        can be; what is wrong inside one that can be read stands in `Document.faults`.
    """
    if len(text) > _LARGEST:
        raise SpecRefused(f"a specification of {len(text)} characters is too long (1,000,000)")
    try:
        _bound(text)
        node = _yaml().compose(text)
    except MarkedYAMLError as error:
        raise SpecRefused([_syntax_fault(error)]) from None
    except YAMLError as error:
        raise SpecRefused(f"this is not YAML: {cut(str(error).splitlines()[0], 200)}") from None
    reader = _Reader()
    document = reader.document
    if node is not None:
        document.data = reader.value(node, ())
    return document


def _yaml() -> YAML:
    return YAML(typ="safe", pure=True)


def _bound(text: str) -> None:
    """Refuse what is nested too deeply before anything recursive looks at it."""
    depth, documents = 0, 0
    for event in _yaml().parse(text):
        if isinstance(event, (MappingStartEvent, SequenceStartEvent)):
            depth += 1
        elif isinstance(event, (MappingEndEvent, SequenceEndEvent)):
            depth -= 1
        documents += isinstance(event, DocumentStartEvent)
        if depth > _DEEPEST:
            raise SpecRefused([_at(event, f"nested deeper than {_DEEPEST} levels")])
        if documents > 1:
            what = "a second document begins"
            raise SpecRefused([_at(event, what, "write one job per file")])


def _at(event: Any, what: str, remedy: str = "") -> Fault:
    mark = event.start_mark
    return Fault(what=what, where=f"line {mark.line + 1}:{mark.column + 1}", remedy=remedy)


def _syntax_fault(error: MarkedYAMLError) -> Fault:
    # the full message quotes the line, which may hold anything: only the problem is told
    mark = error.problem_mark or error.context_mark
    where = f"line {mark.line + 1}:{mark.column + 1}" if mark else ""
    problem = cut(str(error.problem or error.context), 200)
    remedy = "indent with spaces, not tabs" if "\\t" in problem else "check quotes and indentation"
    return Fault(what=f"this is not YAML: {problem}", where=where, remedy=remedy)


class _Reader:
    """Turns nodes into plain data and notes where everything stands."""

    def __init__(self) -> None:
        self.document = Document()
        self._constructor = _yaml().constructor
        self._left = _MOST_NODES

    def value(self, node: Node, path: Path) -> Any:
        """Give the data of a node; an alias is a node that is met again."""
        self._left -= 1
        if self._left < 0:
            raise SpecRefused(f"a specification of more than {_MOST_NODES} values is too long")
        if len(path) > _DEEPEST:
            raise SpecRefused([self._fault(node, (), "an alias leads into itself")])
        if isinstance(node, MappingNode) and node.tag == f"{_TAG}map":
            return self._mapping(node, path)
        if isinstance(node, SequenceNode) and node.tag == f"{_TAG}seq":
            return [
                self.value(item, self._note(item, (*path, at)))
                for at, item in enumerate(node.value)
            ]
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        return self._refuse(node, path)

    def _note(self, node: Node, path: Path) -> Path:
        mark = node.start_mark
        self.document.places.setdefault(dotted(path), (mark.line + 1, mark.column + 1))
        return path

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, inner in self._entries(node, path):
            where = self._note(key, (*path, key.value))
            if key.value in found:
                what = f"`{cut(key.value)}` is written twice"
                self.document.faults.append(self._fault(key, where, what, "keep one of them"))
                continue
            found[key.value] = self.value(inner, where)
        return found

    def _entries(self, node: MappingNode, path: Path) -> Iterator[tuple[ScalarNode, Node]]:
        for key, inner in node.value:
            if not isinstance(key, ScalarNode):
                what = "a list or group cannot be the name of a setting"
                self.document.faults.append(self._fault(key, path, what, "write `name: value`"))
            elif key.tag == f"{_TAG}merge":
                what = "merge keys are not read"
                self.document.faults.append(
                    self._fault(key, path, what, "use an alias for a whole value: `format: *name`")
                )
            else:
                yield key, inner

    def _scalar(self, node: ScalarNode, path: Path) -> Any:
        kind = str(node.tag).removeprefix(_TAG)
        if kind in ("str", "timestamp"):
            return node.value
        if kind == "null":
            return None
        try:
            if kind == "bool":
                return self._constructor.construct_yaml_bool(node)
            if kind == "int":
                return self._constructor.construct_yaml_int(node)
            if kind == "float":
                return self._constructor.construct_yaml_float(node)
        except (ValueError, KeyError):
            what = f'"{cut(node.value)}" cannot be read as {kind}'
            self.document.faults.append(self._fault(node, path, what, "put text in quotes"))
            return None
        return self._refuse(node, path)

    def _refuse(self, node: Node, path: Path) -> None:
        what = f"the tag {cut(str(node.tag).replace(_TAG, '!!'))} is not read"
        remedy = "write plain text, numbers, lists and groups"
        self.document.faults.append(self._fault(node, path, what, remedy))

    def _fault(self, node: Node, path: Path, what: str, remedy: str = "") -> Fault:
        mark = node.start_mark
        place = f"line {mark.line + 1}:{mark.column + 1}"
        where = f"{dotted(path)} ({place})" if path else place
        return Fault(what=what, where=where, remedy=remedy)
