"""Previews of a workspace that another process owns."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from streamops_nb.client.line import Line
from streamops_nb.db import sealed
from streamops_nb.engine.assembly import Surroundings
from streamops_nb.engine.preview.draw import How
from streamops_nb.engine.preview.previewer import Previewer
from streamops_nb.engine.preview.sample import Limits, Sample
from streamops_nb.engine.preview.work import Work
from streamops_nb.model.batch import Position
from streamops_nb.model.errors import Refused
from streamops_nb.model.spec import JobSpec
from streamops_nb.ops.preview.preview import Preview
from streamops_nb.ops.preview.previews import Previews
from streamops_nb.ops.preview.receipt import Standing
from streamops_nb.plan.planner import Planner
from streamops_nb.wire.calls import CALLS
from streamops_nb.wire.previews import UNKNOWN_SAMPLE, Carried
from streamops_nb.wire.values import load

__all__ = ["RemotePreviews"]


class RemotePreviews(Previews):
    """Runs previews at the owner; a sample that it has is only named to it."""

    def __init__(self, line: Line, folder: Path) -> None:
        self._line = line
        self._folder = folder
        self._lock = threading.Lock()
        self._previewer: Previewer | None = None
        self._opened = ExitStack()

    @property
    def previewer(self) -> Previewer:  # type: ignore[override]
        """What compares previews: here, where their rows are."""
        with self._lock:
            if self._previewer is None:
                planner, instance = Planner(), sealed(memory="64MB", threads=1)
                around = Surroundings(
                    instance=instance, folder=self._folder, now=time.time, planner=planner
                )
                self._previewer = Previewer(around)
                for open_now in (planner, instance, self._previewer):
                    self._opened.callback(open_now.close)
            return self._previewer

    def draw(self, spec: JobSpec, how: How, limits: Limits, work: Work | None = None) -> Sample:
        """Refused: samples are drawn where the sources are."""
        raise Refused("a sample is drawn by `preview`, at the owner of the workspace")

    def run(
        self,
        spec: JobSpec,
        sample: Sample,
        *,
        params: Mapping[str, Any] | None = None,
        upto: str | None = None,
        work: Work | None = None,
        before: Standing | None = None,
    ) -> Preview:
        """Run a specification over a sample; see `Previews.run`."""
        del before  # the owner looks itself
        given = {"spec": spec, "sample": sample, "params": params, "upto": upto, "work": work}
        return self.ask("previews.run", given)

    def latest(self, spec: JobSpec, name: str) -> Position:
        """Ask the owner how far a stream reaches now."""
        sent = {
            parameter.name: parameter.shape.send(value)
            for parameter, value in zip(
                CALLS["previews.latest"].parameters, (spec, name), strict=True
            )
        }
        plain, _ = self._line.ask("previews.latest", sent, safe=True)
        return {str(partition): int(offset) for partition, offset in plain.items()}

    def ask(self, name: str, arguments: Mapping[str, Any]) -> Preview:
        """Make one of the calls that give a preview."""
        given = dict(arguments)
        work: Work = given.pop("work", None) or Work()
        sample: Sample | str | None = given.get("sample")
        call, sent = CALLS[name], {}
        for parameter in call.parameters:
            value = given.pop(parameter.name, parameter.default)
            if value is not parameter.default:
                sent[parameter.name] = parameter.shape.send(value)
        if given:
            raise TypeError(f"{name}() got an unexpected keyword argument {next(iter(given))!r}")
        if not isinstance(sample, Sample):
            return self._ask(name, sent, None, work)
        try:
            return self._ask(name, {**sent, "sample": {"$sample": sample.id}}, sample, work)
        except Refused as refusal:
            if str(refusal) != UNKNOWN_SAMPLE:
                raise
        return self._ask(name, {**sent, "sample": sample}, sample, work)

    def _ask(
        self, name: str, sent: Mapping[str, Any], sample: Sample | None, work: Work
    ) -> Preview:
        number = uuid.uuid4().hex
        with work.going_on(_Cancelling(self._line, number)):
            plain, tables = self._line.ask(name, sent, safe=True, number=number)
        carried: Carried = load(Carried, plain, tables)
        drawn = sample if sample is not None else carried.sample
        assert isinstance(drawn, Sample)
        return carried.preview(self, drawn)

    def close(self) -> None:
        """Close what compares previews."""
        self._opened.close()


class _Cancelling:
    """What `Work.cancel` interrupts: the call at the owner."""

    def __init__(self, line: Line, number: str) -> None:
        self._line = line
        self._number = number

    def interrupt(self) -> None:
        self._line.cancel(self._number)
