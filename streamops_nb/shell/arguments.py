"""Arguments of the command line that change a specification for one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from streamops_nb.model.errors import Refused
from streamops_nb.model.spec import JobSpec, Param
from streamops_nb.plan.yaml_text import read_yaml

__all__ = ["named_values", "read_values", "with_params", "with_start"]


def named_values(arguments: Sequence[str]) -> dict[str, str]:
    """Read the ``name=value`` arguments of ``--set``."""
    pairs = [argument.partition("=") for argument in arguments]
    for (name, sign, _), argument in zip(pairs, arguments, strict=True):
        if not sign or not name:
            raise Refused(f"`--set {argument}` is not of the form name=value")
    return {name: value for name, _, value in pairs}


def with_params(spec: JobSpec, given: Mapping[str, str]) -> JobSpec:
    """Give the specification with other values for some parameters.

    Parameters
    ----------
    given
        Values as text; one that is no text in the specification is read as YAML would.

    Raises
    ------
    SpecRefused
        If a parameter is unknown or a value does not fit, with every fault.
    """
    values = read_values(given, spec.params)
    data = spec.model_dump(mode="json")
    spec.param_values(values)
    for name, value in values.items():
        data["params"][name]["default"] = value
    return JobSpec.model_validate(data)


def read_values(given: Mapping[str, str], params: Mapping[str, Param]) -> dict[str, object]:
    """Read values as YAML would, or as text where only that suits the parameter."""
    values = {name: _value(text) for name, text in given.items()}
    for name, text in given.items():
        param = params.get(name)
        if param is not None and param.fault(values[name]) and not param.fault(text):
            values[name] = text
    return values


def _value(text: str) -> object:
    return read_yaml(f"value: {text}").data["value"] if text.strip() else text


def with_start(spec: JobSpec, at: str) -> JobSpec:
    """Give the specification with another start point: a word, a time, or positions as JSON.

    Raises
    ------
    SpecRefused
        If it is none of these, or names a stream that the job does not have.
    """
    data = spec.model_dump(mode="json")
    value: object = at
    if at.lstrip().startswith("{"):
        value = read_yaml(at).data
        if isinstance(value, dict) and "positions" not in value:
            value = {"positions": value}
    data["start"]["at"] = value
    return JobSpec.model_validate(data)
