"""The door as an application: a route per call of the table, events, life signs."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.exceptions import HTTPException

from streamops_nb.model.errors import Refused, StreamopsError, Unavailable
from streamops_nb.model.prometheus import exposition
from streamops_nb.ops.workspace import Workspace
from streamops_nb.plan.reader import Reader
from streamops_nb.server.allowing import Allowed
from streamops_nb.server.answering import Answering
from streamops_nb.server.described import describe, operation
from streamops_nb.server.feed import Feed
from streamops_nb.server.guard import LOG, Bounds, Guard
from streamops_nb.server.people import People, Person
from streamops_nb.server.strangers import Strangers
from streamops_nb.server.works import Samples, Works
from streamops_nb.wire.calls import CALLS, Call, Gives
from streamops_nb.wire.faults import status_of, to_plain

__all__ = ["Served", "make_app"]


@dataclass(frozen=True, kw_only=True)
class Served:
    """What is served, and to whom.

    Parameters
    ----------
    allowed
        What specifications of others than the owner's user may name.
    hosts
        Names under which the server is asked for, besides those of the loopback.
    told
        The level at which requests are logged.
    """

    workspace: Workspace
    people: People
    allowed: Allowed
    bounds: Bounds = field(default_factory=Bounds)
    hosts: tuple[str, ...] = ()
    told: int = logging.INFO


def make_app(served: Served) -> Guard:
    """Make the ASGI application of a workspace."""
    feed, reader = Feed(served.workspace), Reader()
    strangers = Strangers(served.workspace, served.allowed, reader)
    answering = Answering(served.workspace, strangers, Works(), Samples(), served.bounds.call)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        feed.close()
        reader.close()

    app = FastAPI(
        title="streamops_nb",
        version=import_module("streamops_nb").__version__,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    for call in CALLS.values():
        if call.gives is Gives.STREAM:
            _add_stream(app, call, feed, served)
        else:
            _add(app, call, answering)
    _add_rest(app, served.workspace, answering)
    _add_errors(app)
    describe(app)
    guard = Guard(app, served.people, served.bounds, served.hosts, served.told)
    guard.end = feed.end
    return guard


def person_of(request: Request) -> Person:
    """Say who asks; the guard has made sure of it."""
    person: Person = request.state.person
    return person


def token_of(request: Request) -> str:
    """Give the token that came with a request."""
    return request.headers.get("authorization", "").partition(" ")[2].strip()


def _add(app: FastAPI, call: Call, answering: Answering) -> None:
    async def answer(request: Request) -> Response:
        return await answering.answer(call, person_of(request), request)

    app.add_api_route(f"/v1/{call.name}", answer, methods=["POST"], **operation(call))


def _add_stream(app: FastAPI, call: Call, feed: Feed, served: Served) -> None:
    open_now, most = 0, served.bounds.streams

    async def answer(request: Request) -> Response:
        nonlocal open_now
        if open_now >= most:
            raise Unavailable(f"{most} streams of events are open - close one")
        since, token = _since(request), token_of(request)

        async def text() -> AsyncIterator[str]:
            nonlocal open_now
            open_now += 1
            try:
                async for message in feed.listen(since):
                    if served.people.whose(token) is None:
                        return  # taken out meanwhile
                    yield message
            finally:
                open_now -= 1

        return StreamingResponse(text(), media_type="text/event-stream")

    app.add_api_route(f"/v1/{call.name}", answer, methods=["GET"], **operation(call))


def _since(request: Request) -> int | None:
    text = request.headers.get("last-event-id") or request.query_params.get("since")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Refused("`since` is the number of an event, as `id` of a message has it")
    return int(text)


def _add_rest(app: FastAPI, workspace: Workspace, answering: Answering) -> None:
    async def about(request: Request) -> Response:
        person = person_of(request)
        found = {name: status.value for name, status in workspace.found.items()}
        said = {
            "version": app.version,
            "folder": workspace.folder.name,
            "found": found,
            "name": person.name,
            "role": str(person.role),
        }
        return JSONResponse(said)

    async def cancel(number: str, request: Request) -> Response:
        return JSONResponse({"cancelled": answering.cancel(person_of(request), number)})

    async def metrics() -> Response:
        views = await answering.run(workspace.views)
        return PlainTextResponse(
            exposition(views, workspace.now(), workspace.resources.status().booking)
        )

    async def live() -> Response:
        return PlainTextResponse("live\n")

    async def ready() -> Response:
        await answering.run(workspace.views)
        return PlainTextResponse("ready\n")

    app.add_api_route("/v1/about", about, methods=["GET"], summary="Say what is served, to whom.")
    app.add_api_route(
        "/v1/work/{number}", cancel, methods=["DELETE"], summary="Cancel a preview of one's own."
    )
    app.add_api_route("/metrics", metrics, methods=["GET"], summary="Numbers, for Prometheus.")
    app.add_api_route("/live", live, methods=["GET"], summary="Say that the process is there.")
    app.add_api_route("/ready", ready, methods=["GET"], summary="Say that the engine answers.")


def _add_errors(app: FastAPI) -> None:
    async def told(_: Request, error: Exception) -> Response:
        assert isinstance(error, StreamopsError)
        return JSONResponse(to_plain(error), status_of(error))

    async def bug(request: Request, error: Exception) -> Response:
        LOG.error("%r failed", request.url.path, exc_info=error)
        said = StreamopsError("the server failed - its log says how")
        return JSONResponse(to_plain(said), 500)

    async def nothing(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        said = Refused(f"there is no such call: {error.detail} - /openapi.json lists them")
        return JSONResponse(to_plain(said), error.status_code, headers=error.headers)

    app.add_exception_handler(HTTPException, nothing)
    app.add_exception_handler(StreamopsError, told)
    app.add_exception_handler(Exception, bug)
