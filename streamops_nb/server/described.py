"""The description of the interface (OpenAPI), made from the table of calls."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field, create_model

from streamops_nb.wire.calls import CALLS, Call, Gives
from streamops_nb.wire.frames import ARROW
from streamops_nb.wire.values import JSON, PARTS

__all__ = ["describe", "given_in", "model_of", "operation"]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


@cache
def _model(name: str) -> type[BaseModel]:
    call = CALLS[name]
    fields: dict[str, Any] = {}
    for parameter in call.parameters:
        default = ... if parameter.required else _plain(parameter.default)
        # `schema` and others are names that a model has for itself
        field = Field(default, alias=parameter.name)
        fields[f"{parameter.name}_"] = (parameter.shape.json, field)
    return create_model(name.replace(".", "_"), __base__=_Asked, **fields)


def model_of(call: Call) -> type[BaseModel]:
    """Give the model of a call's JSON."""
    return _model(call.name)


def given_in(model: BaseModel) -> dict[str, Any]:
    """Give what was given of a call's JSON, by the names of the parameters."""
    return {name.removesuffix("_"): getattr(model, name) for name in model.model_fields_set}


def _plain(default: Any) -> Any:
    return list(default) if isinstance(default, tuple) else default


_ERROR = {
    "type": "object",
    "required": ["error", "message", "retryable", "faults"],
    "properties": {
        "error": {"type": "string", "description": "The class, as in the package."},
        "message": {"type": "string"},
        "retryable": {"type": "boolean"},
        "faults": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["what", "where", "remedy"],
                "properties": {k: {"type": "string"} for k in ("what", "where", "remedy")},
            },
        },
    },
}
_REFUSED = {
    "description": "Refused or failed; nothing was changed by what was refused.",
    "content": {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}},
}
_BINARY = {"schema": {"type": "string", "format": "binary"}}


def operation(call: Call) -> dict[str, Any]:
    """Give what the description says of a call."""
    about: dict[str, Any] = {
        "summary": call.summary,
        "description": f"For the role {call.role} and above. Gives: {call.gives}.",
        "operation_id": call.name.replace(".", "_"),
        "response_model": None,
        "responses": {
            200: {"description": "Done.", "content": _content(call)},
            "default": _REFUSED,
        },
    }
    if call.gives is Gives.STREAM:
        since = {"type": "string", "pattern": "^[0-9]{1,18}$"}
        parameter = {"name": "since", "in": "query", "required": False, "schema": since}
        return {**about, "openapi_extra": {"parameters": [parameter]}}
    body = {"$ref": f"#/components/schemas/{model_of(call).__name__}"}
    asked = {"required": True, "content": {JSON: {"schema": body}}}
    return {**about, "openapi_extra": {"requestBody": asked}}


def _content(call: Call) -> dict[str, Any]:
    if call.gives in (Gives.FRAME, Gives.TABLE):
        return {ARROW: _BINARY}
    if call.gives in (Gives.PREVIEW, Gives.HEAL):
        return {PARTS: _BINARY}
    if call.gives is Gives.STREAM:
        return {"text/event-stream": {"schema": {"type": "string"}}}
    return {JSON: {"schema": {}}}


def describe(app: FastAPI) -> None:
    """Complete the description: models of the calls, the error, how to say who asks."""
    made = app.openapi
    whole: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not whole:
            found = made()
            parts = found.setdefault("components", {})
            schemas = parts.setdefault("schemas", {})
            schemas["Error"] = _ERROR
            for call in CALLS.values():
                if call.gives is not Gives.STREAM:
                    model = model_of(call)
                    schemas[model.__name__] = model.model_json_schema()
            parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            found["security"] = [{"token": []}]
            whole.update(found)
        return whole

    app.openapi = openapi  # type: ignore[method-assign]
