"""Runs previews: in a sealed database that is kept warm, bounded in memory, threads and time.

There is no sink, no checkpoint and no job's file here: what could write is not within reach.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import pyarrow as pa

from streamops_nb.db import Instance, Session, sealed
from streamops_nb.engine.assembly import Surroundings, shapes_of
from streamops_nb.engine.preview.evaluate import Evaluation
from streamops_nb.engine.preview.flows import Flow, decode
from streamops_nb.engine.preview.kept import Kept
from streamops_nb.engine.preview.result import Result
from streamops_nb.engine.preview.sample import Drawn, Sample, origin_of
from streamops_nb.engine.preview.work import Work
from streamops_nb.engine.references import read_reference
from streamops_nb.model.errors import (
    Fault,
    Interrupted,
    QueryError,
    QueryRefused,
    Refused,
    SpecRefused,
    StorageError,
)
from streamops_nb.model.size import parse_size
from streamops_nb.model.spec import JobSpec, Stream
from streamops_nb.plan.outline import Outline
from streamops_nb.plan.patience import limited
from streamops_nb.plan.planner import Param, load_macros

__all__ = ["Bounds", "Previewer"]

T = TypeVar("T")

_SECOND = 1_000_000
_OUTLINES = 64
"""So many outlines are kept: planning takes ten times as long as a preview of 1,000 rows."""
_FLOWS = 128 * 2**20
"""So many bytes of decoded rows are kept: decoding is half of a preview of 1,000 rows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """What a preview may take.

    Parameters
    ----------
    seconds
        Of one evaluation.
    memory
        DuckDB's; and as much again for the rows of all stages.
    threads
        DuckDB's.
    """

    seconds: float = 30.0
    memory: str = "1GB"
    threads: int = 2


class Previewer:
    """Runs specifications over samples; thread-safe.

    Parameters
    ----------
    around
        The folder of references, the planner and where secrets are; its engine is not used.
    """

    def __init__(self, around: Surroundings, bounds: Bounds | None = None) -> None:
        self._around = around
        self._bounds = bounds or Bounds()
        self._instance: Instance | None = None
        self._idle: list[Session] = []
        self._outlines = Kept[Outline](_OUTLINES)
        self._flows = Kept[tuple[Drawn, Flow]](_FLOWS, lambda each: each[1].inflow.table.nbytes)
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="preview")
        self._lock = threading.Lock()
        self._closed = False

    def run(
        self,
        spec: JobSpec,
        sample: Sample,
        *,
        params: Mapping[str, Any] | None = None,
        upto: str | None = None,
        work: Work | None = None,
    ) -> Result:
        """Run a specification's query over a sample.

        It runs in a thread of its own; a KeyboardInterrupt of the caller's cancels it.

        Parameters
        ----------
        params
            Values of parameters that differ from their defaults.
        upto
            The last stage of interest; the others that it does not need are left out.

        Raises
        ------
        Refused
            If the sample lacks a stream, a parameter does not fit, there is no such stage, or not
            even one stage can be evaluated.
        Interrupted
            If it was cancelled, or the time was up.
        StreamopsError
            If the query fails for another reason than its rows.
        """
        return self.within(
            lambda session: self._evaluated(spec, sample, params, upto, session),
            work=work,
            opened=self._warm,
        )

    def within(
        self,
        do: Callable[[Session], T],
        *,
        what: str = "the preview",
        seconds: float | None = None,
        work: Work | None = None,
        opened: Callable[[], AbstractContextManager[Session]] | None = None,
    ) -> T:
        """Do something in a session of the sealed database, bounded in time.

        It runs in a thread of its own; a KeyboardInterrupt of the caller's cancels it.

        Parameters
        ----------
        what
            What it is, for the message when the time is up.
        seconds
            How long it may take; default as long as a preview.
        opened
            Opens the session; default `session`.

        Raises
        ------
        Refused
            If the workspace is closed.
        Interrupted
            If it was cancelled, or the time was up.
        """
        work = work or Work()
        if self._closed:
            raise Refused(f"{what} needs its workspace, which is closed - connect to it again")
        bound = seconds or self._bounds.seconds
        future = self._threads.submit(self._do, do, what, bound, work, opened or self.session)
        try:
            return future.result()
        except BaseException:
            if not future.done():
                work.cancel()
            raise

    def close(self) -> None:
        """Cancel nothing, wait for what goes on, and close the database."""
        self._closed = True
        self._threads.shutdown(wait=True)
        with self._lock:
            if self._instance is not None:
                self._instance.close()

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a session of the sealed database, with the window macros."""
        session = self._sealed().session()
        try:
            yield session
        except StorageError:
            self._forget()  # an internal error invalidates the whole database
            raise
        finally:
            session.close()

    @contextmanager
    def _warm(self) -> Iterator[Session]:
        """Give a session in which an earlier preview's relations keep their places, empty.

        Making a relation readable takes 0.4 ms, which was a quarter of a preview of five stages;
        in its place another one takes nothing.
        """
        instance = self._sealed()
        with self._lock:
            session = self._idle.pop() if self._idle else None
        if session is None:
            session = instance.session()
        try:
            yield session
        except BaseException as error:
            session.close()
            if isinstance(error, StorageError):
                self._forget()
            raise
        session.rest()
        with self._lock:
            if self._instance is instance:
                self._idle.append(session)

    def _sealed(self) -> Instance:
        with self._lock:
            if self._instance is None:
                bounds = self._bounds
                self._instance = sealed(memory=bounds.memory, threads=bounds.threads)
                session = self._instance.session()
                load_macros(session)
                session.close()
            return self._instance

    def _forget(self) -> None:
        with self._lock:
            self._instance = None
            self._idle.clear()

    def _do(
        self,
        do: Callable[[Session], T],
        what: str,
        seconds: float,
        work: Work,
        opened: Callable[[], AbstractContextManager[Session]],
    ) -> T:
        try:
            with (
                opened() as session,
                work.going_on(session),
                limited(session, seconds),
            ):
                return do(session)
        except QueryError as error:
            if "Out of Memory" not in str(error):
                raise
            raise QueryError(
                f"{what} needs more memory than its {self._bounds.memory} - take fewer rows, or "
                "preview up to an earlier stage"
            ) from error
        except Interrupted:
            work.check()
            raise Interrupted(
                f"{what} took longer than {seconds:g} s - take fewer rows, preview up "
                "to an earlier stage, or allow more time"
            ) from None

    def _evaluated(
        self,
        spec: JobSpec,
        sample: Sample,
        params: Mapping[str, Any] | None,
        upto: str | None,
        session: Session,
    ) -> Result:
        begun = time.perf_counter()
        references = self.references(spec)
        outline = self.outline(spec, sample, params, references, session)
        _check_stage(upto, outline)
        planned = time.perf_counter()
        flows = self.flows(spec, sample, session)
        decoded = time.perf_counter()
        evaluation = Evaluation(
            outline,
            flows,
            references,
            now=int(sample.at * _SECOND),
            session=session,
            most=parse_size(self._bounds.memory),
        )
        result = evaluation.run(upto)
        phases = {"plan": planned - begun, "decode": decoded - planned, **result.seconds}
        return replace(result, seconds=phases)

    def references(self, spec: JobSpec) -> dict[str, pa.Table]:
        """Read what a specification's query may join."""
        folder = self._around.folder
        return {name: read_reference(name, r, folder) for name, r in spec.references.items()}

    def flows(self, spec: JobSpec, sample: Sample, session: Session) -> dict[str, Flow]:
        """Decode a sample as the specification says.

        Raises
        ------
        SpecRefused
            If it lacks a stream, or a stream's source is not the one that it was drawn from.
        """
        missing = [name for name in spec.streams if name not in sample.streams]
        if missing:
            what = f"the sample {sample.id} holds nothing of the stream `{missing[0]}`"
            where = f"streams.{missing[0]}"
            raise SpecRefused([Fault(where=where, what=what, remedy="draw a fresh sample")])
        for name, stream in spec.streams.items():
            _check_origin(name, stream, sample)
        return {
            name: self._flow(name, stream, sample, session) for name, stream in spec.streams.items()
        }

    def _flow(self, name: str, stream: Stream, sample: Sample, session: Session) -> Flow:
        drawn, now = sample.streams[name], int(sample.at * _SECOND)
        # whatever the sources' settings are, what was drawn decodes the same
        how = stream.model_copy(update={"source": stream.format})
        _, flow = self._flows.get(
            (name, id(drawn), now, how.model_dump_json()),
            lambda: (
                drawn,  # as long as it is kept, nothing else has its id
                decode(name, stream, drawn, now=now, session=session, environ=self._around.environ),
            ),
        )
        return flow

    def outline(
        self,
        spec: JobSpec,
        sample: Sample,
        params: Mapping[str, Any] | None,
        references: Mapping[str, pa.Table],
        session: Session,
    ) -> Outline:
        """Plan a specification's query over the streams of a sample, as far as that goes."""
        schemas = {
            name: stream.fields or dict(sample.streams[name].schema)
            for name, stream in spec.streams.items()
            if name in sample.streams
        }
        described = {}
        for name, table in references.items():
            with session.registered(_reference=table.slice(0, 0)):
                described[name] = session.describe("FROM _reference")
        values = spec.param_values(params)
        given = {name: Param(type=p.type, value=values[name]) for name, p in spec.params.items()}
        shapes = shapes_of(spec, schemas)
        return self._outlines.get(
            repr((spec.query, shapes, described, given)),
            lambda: self._around.planner.outline(
                spec.query, shapes, references=described, params=given
            ),
        )


def _check_origin(name: str, stream: Stream, sample: Sample) -> None:
    origin = sample.streams[name].origin
    if origin in ("", origin_of(stream)):
        return
    what = f"the sample {sample.id} was drawn when the source of `{name}` was another one"
    remedy = "draw a fresh sample; other formats and schemas can be tried on this one"
    raise SpecRefused([Fault(where=f"streams.{name}.source", what=what, remedy=remedy)])


def _check_stage(upto: str | None, outline: Outline) -> None:
    if not outline.stages:
        raise QueryRefused(outline.faults)
    if upto is None or upto in outline.by_name:
        return
    if upto in outline.failed:
        raise QueryRefused(outline.faults)
    known = ", ".join(f"`{stage.name}`" for stage in outline.stages)
    what = f"the query has no stage `{upto}`"
    raise SpecRefused([Fault(where="upto", what=what, remedy=f"its stages are {known}")])
