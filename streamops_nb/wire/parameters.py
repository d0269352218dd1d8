"""How the parameters of a call travel: by what the door's own signature says of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from pydantic_core import PydanticCustomError

from streamops_nb.engine.preview.sample import Sample
from streamops_nb.model.errors import Refused
from streamops_nb.model.events import ErrorRaised
from streamops_nb.model.part import plain
from streamops_nb.model.spec import JobSpec, Positions
from streamops_nb.ops.preview.asking import Asked
from streamops_nb.wire.values import load

__all__ = ["SHAPES", "Parameter", "Pinned", "Shape", "parameters_of"]

_FILES = (".yaml", ".yml", ".json", ".zip")
_FUNCTION = (
    "a Python function cannot be handed to another process - only the process that owns a workspace"
    " runs functions"
)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How values of a kind travel.

    Parameters
    ----------
    json
        The type of what is in the JSON, for its check and for the description of the interface.
    send
        Makes of a value what goes into the JSON, at the client.
    receive
        Makes a value of it again, at the server.
    """

    json: Any
    send: Callable[[Any], Any] = lambda value: value
    receive: Callable[[Any, Sequence[pa.Table]], Any] = lambda value, _: value


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter of a call; `default` is `inspect.Parameter.empty` if it must be given."""

    name: str
    shape: Shape
    default: Any

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.default is inspect.Parameter.empty


def _plain(value: Any) -> Any:
    if callable(value) and not isinstance(value, type):
        raise Refused(_FUNCTION)
    if isinstance(value, Positions):
        return value.model_dump(mode="json")
    try:
        return plain(value)
    except PydanticCustomError as error:
        raise Refused(str(error)) from None


def _names(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else [str(one) for one in value]


def _spec(value: Any) -> Any:
    """A specification by its content: files are read where the person is who names them."""
    if isinstance(value, JobSpec):
        return value.model_dump(mode="json", exclude_defaults=True)
    if isinstance(value, Path) or (isinstance(value, str) and _names_file(value)):
        return _read(Path(value)).decode("utf-8-sig") + "\n"
    return _plain(value) if not isinstance(value, str) else value


def _bundle(value: Any) -> Any:
    if isinstance(value, bytes):
        return value
    if isinstance(value, Path) or _names_file(value):
        content = _read(Path(value))
        zipped = Path(value).suffix.lower() == ".zip"
        return content if zipped else content.decode("utf-8-sig") + "\n"
    return value


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}") from error


def _names_file(text: str) -> bool:
    return "\n" not in text and text.strip().lower().endswith(_FILES)


def _content(value: Any, tables: Sequence[pa.Table]) -> Any:
    """What `_spec` and `_bundle` sent; never a file of the server's."""
    if isinstance(value, str) and _names_file(value):
        raise Refused(f"`{value[:100]}` is a file's name - send what is in it")
    if isinstance(value, Mapping) and set(value) == {"$bytes"}:
        return load(bytes, value, tables)
    return value


def _rows(value: Any) -> Any:
    if isinstance(value, pa.Table):
        return value
    if isinstance(value, list):
        return pa.Table.from_pylist(value)
    return pa.Table.from_pandas(value, preserve_index=False)


def _table(value: Any, tables: Sequence[pa.Table]) -> pa.Table:
    if not (isinstance(value, Mapping) and set(value) == {"$table"}):
        raise Refused('rows travel as an Arrow table beside the JSON: {"$table": 0}')
    return load(pa.Table, value, tables)


@dataclass(frozen=True, slots=True)
class Pinned:
    """The id of a sample that the server has from a call before."""

    id: str


def _sample(value: Any, tables: Sequence[pa.Table]) -> Any:
    """A sample, the name of one that is kept, or the id of one that the server has."""
    if value is None or isinstance(value, str):
        return value
    if set(value) == {"$sample"}:
        return Pinned(str(value["$sample"]))
    return load(Sample, value, tables)


def _local(value: Any) -> Any:
    if value is not None:
        raise Refused(_FUNCTION)


def _some_rows(value: Any) -> Any:
    return value if value is None or isinstance(value, bool) else _rows(value)


def _some_table(value: Any, tables: Sequence[pa.Table]) -> Any:
    return _table(value, tables).to_pandas() if isinstance(value, Mapping) else value


def _data(value: Any) -> Any:
    """Rows of a user's: frames travel, files do not."""
    if isinstance(value, (str, Path)):
        raise Refused(f"the owner of the workspace does not read {value} here - read it to a frame")
    if isinstance(value, Mapping):
        return {str(name): _data(rows) for name, rows in value.items()}
    return value if value is None else _rows(value)


def _some_tables(value: Any, tables: Sequence[pa.Table]) -> Any:
    if isinstance(value, Mapping) and set(value) != {"$table"}:
        return {name: _table(rows, tables) for name, rows in value.items()}
    return None if value is None else _table(value, tables)


def _error(value: Any, tables: Sequence[pa.Table]) -> Any:
    return None if value is None else load(ErrorRaised, value, tables)


_POINT = Shape(json=Any, send=_plain)
_NOTHING = Shape(json=None, send=_local)
_TEXTS = Shape(json=str | list[str], send=_names)
_CONTENT = Shape(json=str | dict[str, Any], send=_spec, receive=_content)

SHAPES: Mapping[str, Shape] = {
    "**str": Shape(json=dict[str, str] | None, send=_plain),
    "Any": _POINT,
    "When": _POINT,
    "CutOff | None": Shape(json=Literal["drop", "emit", "lookback"] | None),
    "Format": Shape(json=Literal["yaml", "json"]),
    "Literal['version', 'refuse']": Shape(json=Literal["version", "refuse"]),
    "Mapping[str, Any] | None": Shape(json=dict[str, Any] | None, send=_plain),
    "Mapping[str, str] | None": Shape(json=dict[str, str] | None, send=_plain),
    "Names": Shape(json=str | list[str] | None, send=_names),
    "Progress | None": _NOTHING,
    "Sample | str | None": Shape(json=str | dict[str, Any] | None, receive=_sample),
    "Spec": _CONTENT,
    "JobSpec | str | Path | Mapping[str, Any]": _CONTENT,
    "Spec | None": Shape(json=str | dict[str, Any] | None, send=_spec, receive=_content),
    "Status | str | Collection[Status | str]": _TEXTS,
    "Work | None": _NOTHING,
    "bool": Shape(json=bool),
    "float": Shape(json=float),
    "float | None": Shape(json=float | None),
    "int": Shape(json=int),
    "int | None": Shape(json=int | None),
    "pd.DataFrame | pa.Table | list[dict[str, Any]]": Shape(
        json=dict[str, Any], send=_rows, receive=_table
    ),
    "str": Shape(json=str),
    "str | Collection[str]": _TEXTS,
    "str | None": Shape(json=str | None),
    "str | int": Shape(json=str | int),
    "str | Iterable[str]": _TEXTS,
    "str | Path": Shape(json=str, send=lambda value: str(Path(value).resolve())),
    "str | bytes | Path": Shape(json=str | dict[str, str], send=_bundle, receive=_content),
    # of the samples behind a preview
    "JobSpec": Shape(json=dict[str, Any], send=_spec, receive=lambda v, _: load(JobSpec, v)),
    "Sample": Shape(json=dict[str, Any], receive=_sample),
    "str | Mapping[str, str] | None": Shape(json=str | dict[str, str] | None, send=_plain),
    "Standing | None": _NOTHING,
    # of the rows that a preview draws; see `ops.preview.asking.Asked`
    "ErrorRaised": Shape(json=dict[str, Any] | None, receive=_error),
    "bool | pd.DataFrame": Shape(
        json=bool | dict[str, Any] | None, send=_some_rows, receive=_some_table
    ),
    "pd.DataFrame": Shape(json=dict[str, Any], send=_rows, receive=_some_table),
    "pd.DataFrame | None": Shape(json=dict[str, Any] | None, send=_some_rows, receive=_some_table),
    "data": Shape(json=dict[str, Any] | None, send=_data, receive=_some_tables),
    "str | timedelta": _POINT,
    "str | datetime | Mapping[str, Mapping[str, int]]": _POINT,
}
"""By the annotation in the door's source; a test sees to it that none is missing."""


def parameters_of(method: Callable[..., Any], local: Mapping[str, str]) -> list[Parameter]:
    """Give the parameters of a method of the door.

    Parameters
    ----------
    local
        Parameters that do not travel, and why.
    """
    found: list[tuple[str, str, Any]] = []
    for p in list(inspect.signature(method).parameters.values())[1:]:
        if p.kind is p.VAR_KEYWORD and str(p.annotation) not in _MORE:
            found.append((p.name, f"**{p.annotation}", None))
        elif p.kind is p.VAR_KEYWORD:
            keywords = _MORE[str(p.annotation)].__annotations__
            # the data of a preview is more than plain values
            texts = {name: _text(hint) for name, hint in keywords.items()} | {"data": "data"}
            found += [(name, text, None) for name, text in texts.items()]
        else:
            found.append((p.name, str(p.annotation), p.default))
    return [
        Parameter(name=name, shape=SHAPES[annotation], default=default)
        for name, annotation, default in found
        if name not in local
    ]


_MORE = {"Unpack[Asked]": Asked}
"""Keywords that a signature takes from elsewhere."""


def _text(hint: Any) -> str:
    """The annotation of a `TypedDict` as it is written."""
    return str(getattr(hint, "__forward_arg__", hint))
