"""From pydantic's errors to faults in words for people who have never seen pydantic."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from streamops_nb.model.errors import Fault
from streamops_nb.model.secrets import has_reference, hides
from streamops_nb.model.wording import choice_of, did_you_mean, dotted, shown

__all__ = ["faults_of"]

Path = tuple[str | int, ...]
Words = tuple[str, str]


def faults_of(
    error: ValidationError, data: Any, model: type[BaseModel], prefix: Path = ()
) -> list[Fault]:
    """Translate what pydantic found.

    Parameters
    ----------
    error
        The error.
    data
        What was validated; paths are told in its terms.
    model
        The model it was validated against.
    prefix
        Where `data` lies in the specification.

    Returns
    -------
    list of Fault
        One per place. Values that are references to secrets are left out: what they stand for
        is checked when it is known, before the job starts.
    """
    words: dict[Path, list[Words]] = {}
    found = error.errors(include_url=False)
    paths = {_data_path(details, data) for details in found}
    for details in found:
        if has_reference(details["input"]):
            continue
        path = _data_path(details, data)
        if _other_branch(details, path, paths):
            continue
        said = _words(details, model, prefix + path)
        if said not in words.setdefault(path, []):
            words[path].append(said)
    return [_fault(prefix + path, said) for path, said in words.items()]


def _fault(path: Path, said: list[Words]) -> Fault:
    """One fault per place: the branches of a union are told as alternatives."""
    whats = dict.fromkeys(what for what, _ in said)
    remedies = dict.fromkeys(remedy for _, remedy in said if remedy)
    return Fault(what=", or ".join(whats), where=dotted(path), remedy="; or ".join(remedies))


def _data_path(details: ErrorDetails, data: Any) -> Path:
    """Keep the steps that lead through the data; pydantic's mix in names of union branches."""
    path: list[str | int] = []
    steps = details["loc"]
    for at, step in enumerate(steps):
        inside = _child(data, step)
        if inside is not _NOTHING:
            path.append(step)
            data = inside
        elif at == len(steps) - 1 and details["type"] == "missing":
            path.append(step)
    return tuple(path)


def _other_branch(details: ErrorDetails, path: Path, paths: Iterable[Path]) -> bool:
    """Tell the complaint of a union's branch that the value was not meant for.

    A group whose entries were looked at is of the right kind: only the entries are at fault.
    """
    if details["type"] != "literal_error" and not details["type"].endswith("_type"):
        return False
    return any(len(other) > len(path) and other[: len(path)] == path for other in paths)


_NOTHING = object()


def _child(data: Any, step: str | int) -> Any:
    if isinstance(data, Mapping):
        return data.get(step, _NOTHING)
    if isinstance(data, Sequence) and not isinstance(data, str) and isinstance(step, int):
        return data[step] if step < len(data) else _NOTHING
    if isinstance(data, BaseModel) and isinstance(step, str):
        return getattr(data, step, _NOTHING)
    return _NOTHING


def _words(details: ErrorDetails, model: type[BaseModel], path: Path) -> Words:
    kind, context = details["type"], details.get("ctx", {})
    key = next((step for step in reversed(path) if isinstance(step, str)), "")
    value = "what is written here" if hides(key) else shown(details["input"])
    if kind == "refused":
        return context["what"], context["remedy"]
    if kind == "missing":
        return f"`{details['loc'][-1]}` is missing", _example(model, details["loc"])
    if kind == "extra_forbidden":
        accepted = _keys(model, details["loc"][:-1])
        return f"there is no setting `{details['loc'][-1]}` here", did_you_mean(
            str(details["loc"][-1]), accepted
        )
    if kind in ("literal_error", "enum"):
        return f"{value} is not accepted here", _accepted(context["expected"], details["input"])
    if kind in ("value_error", "assertion_error"):
        return str(context.get("error", "this value is not accepted")), ""
    for pattern, said in _SENTENCES:
        if re.fullmatch(pattern, kind):
            return said(value, context), _example(model, details["loc"])
    message = details["msg"].removeprefix("Input should be ").removeprefix("Value should ")
    return f"{value} is not accepted: expected {message}", _example(model, details["loc"])


Sentence = Callable[[str, Mapping[str, Any]], str]
_SENTENCES: tuple[tuple[str, Sentence], ...] = (
    (r"string_too_short", lambda value, c: f"{value} is too short: at least {c['min_length']}"),
    (r"string_too_long", lambda value, c: f"{value} is too long: at most {c['max_length']}"),
    (r"too_short", lambda value, c: f"{value} has too few entries: at least {c['min_length']}"),
    (r"too_long", lambda value, c: f"{value} has too many entries: at most {c['max_length']}"),
    (r"string_pattern_mismatch", lambda value, c: f"{value} does not match {c['pattern']}"),
    (r"string_unicode", lambda value, c: "this text is not valid Unicode"),
    (r"string_\w+", lambda value, c: f"expected text, got {value}"),
    (r"int_\w+", lambda value, c: f"expected a whole number, got {value}"),
    (r"finite_number", lambda value, c: f"expected a finite number, got {value}"),
    (r"(float|decimal)_\w+", lambda value, c: f"expected a number, got {value}"),
    (r"bool_\w+", lambda value, c: f"expected true or false, got {value}"),
    (r"greater_than", lambda value, c: f"expected more than {c['gt']}, got {value}"),
    (r"greater_than_equal", lambda value, c: f"expected {c['ge']} or more, got {value}"),
    (r"less_than", lambda value, c: f"expected less than {c['lt']}, got {value}"),
    (r"less_than_equal", lambda value, c: f"expected {c['le']} or less, got {value}"),
    (r"(list|tuple|set|frozen_set)_type", lambda value, c: f"expected a list, got {value}"),
    (
        r"(dict|mapping|model|model_attributes|dataclass)_type",
        lambda value, c: f"expected a group of settings, got {value}",
    ),
    (r"none_required", lambda value, c: f"expected null, got {value}"),
    (r"(datetime|date|time)_\w+", lambda value, c: f"expected a time (ISO 8601), got {value}"),
)


def _accepted(expected: str, given: Any) -> str:
    """Suggest one of the values of pydantic's ``'a', 'b' or 'c'``."""
    values = re.findall(r"'((?:[^'\\]|\\.)*)'", expected) or [expected]
    return did_you_mean(given, values) if isinstance(given, str) else choice_of(values)


def _example(model: type[BaseModel], steps: Path) -> str:
    """Give an example from the field's declaration, if it has one."""
    for parent in _models(model, steps[:-1]) if steps else ():
        for name, field in parent.model_fields.items():
            if (field.alias or name) == steps[-1] and field.examples:
                return f"for example `{steps[-1]}: {field.examples[0]}`"
    return ""


def _keys(model: type[BaseModel], steps: Path) -> set[str]:
    return {
        field.alias or name
        for found in _models(model, steps)
        for name, field in found.model_fields.items()
    }


def _models(annotation: Any, steps: Path) -> Iterator[type[BaseModel]]:
    """Follow the steps of an error through type annotations to the models that may stand there."""
    if get_origin(annotation) is Annotated:
        yield from _models(get_args(annotation)[0], steps)
    elif get_origin(annotation) in (Union, UnionType):
        # a step may name the branch; following it in each branch finds the same models
        for branch in get_args(annotation):
            yield from _models(branch, steps)
            yield from _models(branch, steps[1:]) if steps else ()
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from _in_model(annotation, steps)
    elif steps and get_args(annotation):
        item = get_args(annotation)
        yield from _models(item[0] if isinstance(steps[0], int) else item[-1], steps[1:])


def _in_model(model: type[BaseModel], steps: Path) -> Iterator[type[BaseModel]]:
    if not steps:
        yield model
        return
    for name, field in model.model_fields.items():
        if (field.alias or name) == steps[0]:
            yield from _models(field.annotation, steps[1:])
