"""One call: who asks may, what is given is read, the door is asked, the answer is written."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
import pyarrow as pa
from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from pydantic import ValidationError

from streamops_nb.engine.preview.sample import Sample
from streamops_nb.model.errors import Fault, Forbidden, Refused, Unavailable
from streamops_nb.model.wording import dotted
from streamops_nb.ops.core import acting_as
from streamops_nb.ops.healing import Heal
from streamops_nb.ops.preview.preview import Preview
from streamops_nb.ops.workspace import Workspace
from streamops_nb.server.described import given_in, model_of
from streamops_nb.server.people import Person
from streamops_nb.server.strangers import Strangers
from streamops_nb.server.works import Samples, Works
from streamops_nb.wire.calls import Call, Gives
from streamops_nb.wire.frames import ARROW, pieces
from streamops_nb.wire.heals import Heals, Tried
from streamops_nb.wire.parameters import Pinned
from streamops_nb.wire.previews import Alarmed, Carried, Previewed, Streams
from streamops_nb.wire.values import pack, unpack

__all__ = ["Answering"]

_AT_ONCE = 32
"""Calls that are worked on at a time; the others wait."""


class Answering:
    """Answers calls.

    Parameters
    ----------
    seconds
        After so long a call is answered with `Unavailable`; it goes on, a preview is cancelled.
    """

    def __init__(
        self,
        workspace: Workspace,
        strangers: Strangers,
        works: Works,
        samples: Samples,
        seconds: float,
    ) -> None:
        self._strangers = strangers
        self._works = works
        self._samples = samples
        self._seconds = seconds
        self._limiter: anyio.CapacityLimiter | None = None
        self._targets: dict[str, Any] = {"": workspace, "alarms": workspace.alarms}
        self._targets |= {"resources": workspace.resources}
        self._targets |= {"samples": workspace.samples, "tokens": workspace.tokens}
        self._said = {"alarms.rules": Alarmed(workspace), "alarms.df": Alarmed(workspace)}
        self._targets |= {"stream": Streams(workspace), "previews": Previewed(workspace)}
        self._targets |= {"heals": Heals(workspace), "failures": workspace.failures}

    def cancel(self, person: Person, number: str) -> bool:
        """Cancel a preview that a person asked for; say whether it was going on."""
        return self._works.cancel(person.name, number)

    async def run(self, do: Callable[[], Any]) -> Any:
        """Do something on a thread, a few at a time."""
        if self._limiter is None:  # it belongs to the loop
            self._limiter = anyio.CapacityLimiter(_AT_ONCE)
        return await anyio.to_thread.run_sync(do, limiter=self._limiter, abandon_on_cancel=True)

    async def answer(self, call: Call, person: Person, request: Request) -> Response:
        """Answer a call."""
        if person.role < call.role:
            raise Forbidden(
                f"`{call.name}` is for the role {call.role} - {person.name} is {person.role}"
            )
        body, number = await request.body(), request.headers.get("x-request-id", "")[:64]
        number = number or uuid.uuid4().hex
        task: asyncio.Future[Response] = asyncio.ensure_future(
            self.run(partial(self._do, call, person, body, number))
        )
        gone: asyncio.Future[None] = asyncio.ensure_future(_gone(request))
        try:
            waited: set[asyncio.Future[Any]] = {task, gone}
            await asyncio.wait(waited, timeout=self._seconds, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            self._works.cancel(person.name, number)
            went = "the client went away" if gone.done() else f"after {self._seconds:g} s"
            raise Unavailable(f"`{call.name}` was not answered: {went}; what it began goes on")
        finally:
            gone.cancel()
            task.add_done_callback(lambda done: done.cancelled() or done.exception())

    def _do(self, call: Call, person: Person, body: bytes, number: str) -> Response:
        given, tables = unpack(body or b"{}")
        arguments = self._arguments(call, given, tables)
        if not person.same_user:
            self._strangers.look_at(call.name, person, arguments)
        with ExitStack() as around:
            if not person.same_user:
                around.enter_context(acting_as(person.name))
            named = self._put_sample(person, arguments)
            if call.gives is Gives.PREVIEW:
                work = self._works.going_on(person.name, number)
                arguments["work"] = around.enter_context(work)
            result = self._call(call, arguments)
            return self._response(call, person, result, named=named)

    def _call(self, call: Call, arguments: Mapping[str, Any]) -> Any:
        place, _, name = call.name.rpartition(".")
        target = self._said.get(call.name, self._targets[place])
        more = arguments.get("shown") or {}
        given = {key: value for key, value in arguments.items() if key != "shown"}
        if clash := more.keys() & {"query", "outputs"}:
            raise Refused(f"a table cannot be called `{min(clash)}` here")
        return getattr(target, name)(**given, **more)

    @staticmethod
    def _arguments(call: Call, given: Any, tables: Sequence[pa.Table]) -> dict[str, Any]:
        try:
            checked = model_of(call).model_validate(given, strict=True)
        except ValidationError as error:
            raise Refused(
                Fault(what=str(e["msg"]), where=dotted((call.name, *e["loc"])))
                for e in error.errors(include_url=False, include_input=False, include_context=False)
            ) from None
        except RecursionError:
            raise Refused("the data is nested too deeply") from None
        named = {p.name: p for p in call.parameters}
        return {
            name: named[name].shape.receive(value, tables)
            for name, value in given_in(checked).items()
        }

    def _put_sample(self, person: Person, arguments: dict[str, Any]) -> bool:
        """Put a person's sample in place of its name; say whether it was named."""
        sample = arguments.get("sample")
        if isinstance(sample, Pinned):
            arguments["sample"] = self._samples.of(person.name, sample.id)
        elif isinstance(sample, Sample):
            self._samples.keep(person.name, sample)
        return isinstance(sample, (Pinned, Sample))

    def _response(self, call: Call, person: Person, result: Any, *, named: bool) -> Response:
        if call.gives in (Gives.FRAME, Gives.TABLE):
            table = result if isinstance(result, pa.Table) else pa.Table.from_pandas(result)
            return StreamingResponse(pieces(table), media_type=ARROW)
        if isinstance(result, Preview):
            self._samples.keep(person.name, result.sample)
            result = Carried.of(result, named=named)
        elif isinstance(result, Heal):
            self._samples.keep(person.name, result.preview.sample)
            result = Tried.of(result)
        elif call.gives is Gives.JOB:
            result = result.name
        elif call.gives is Gives.JOBS:
            result = [job.name for job in result]
        media_type, content = pack(result)
        return Response(content, media_type=media_type)


async def _gone(request: Request) -> None:
    """Wait until the client has gone away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
