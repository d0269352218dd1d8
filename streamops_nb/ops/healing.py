"""Healing: rejects are tried again under a changed specification, and go into the output."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from streamops_nb.db import Session
from streamops_nb.engine.attempt import Target
from streamops_nb.engine.checkpoint import JobFile
from streamops_nb.engine.external import External
from streamops_nb.engine.healing import PLACE, inject, not_healed
from streamops_nb.model.errors import Fault, MoveRefused, Refused
from streamops_nb.model.events import ActionTaken, BatchCommitted, to_json
from streamops_nb.model.lifecycle import ACTIVE, Status
from streamops_nb.model.spec import JobSpec
from streamops_nb.model.wording import cut, number_of
from streamops_nb.ops.configuring import Spec
from streamops_nb.ops.core import Core, user
from streamops_nb.ops.opening import HEALING
from streamops_nb.ops.operations import Operations
from streamops_nb.ops.preview.preview import Preview
from streamops_nb.plan import specfile
from streamops_nb.plan.plugged import resolved
from streamops_nb.sinks.base import Context

if TYPE_CHECKING:
    import pandas as pd

    from streamops_nb.ops.workspace import Workspace

__all__ = ["Heal", "Healing"]

Facts = list[dict[str, Any]]

_PATIENCE = 60.0
"""Seconds for which the batch that is going on is waited for."""


class Heal:
    """Rejects of a job that were tried again; made by `Workspace.heal`, nothing is changed yet.

    Attributes
    ----------
    preview
        The changed specification's result on them, stage by stage.
    tried
        The rejects, as an Arrow table.
    """

    def __init__(self, workspace: Workspace, name: str, preview: Preview, tried: pa.Table) -> None:
        self._workspace = workspace
        self.name = name
        self.preview = preview
        self.tried = tried
        again = preview.result.rejects
        failed = set(_places(again))
        mask = pa.array([place not in failed for place in _places(tried)], pa.bool_())
        self._healed, self._rest = tried.filter(mask), tried.filter(pa.compute.invert(mask))

    @property
    def healed(self) -> pa.Table:
        """The rejects that did not fail again."""
        return self._healed

    @property
    def rest(self) -> pd.DataFrame:
        """The rejects that failed again."""
        frame: pd.DataFrame = self._rest.to_pandas()
        return frame

    def apply(self, *, why: str = "") -> int:
        """Write the output of the healed ones as a batch of the job; return its rows.

        Exactly once: each reject is noted as healed in the transaction that writes. With a job
        that runs this is done between two of its batches.

        Raises
        ------
        MoveRefused
            If the job is just starting, pausing or stopping.
        Refused
            If its query has windows, it does not write exactly once or keeps one row per key, the
            columns are not those that it wrote, or one of the rejects was healed meanwhile;
            nothing is written.
        """
        return self._workspace.apply_heal(self, why=why)

    def export(self, to: str | Path) -> Path:
        """Write the rejects that failed again to a file, ``.parquet`` or ``.jsonl``."""
        path = Path(to)
        if path.suffix == ".parquet":
            pq.write_table(self._rest, path)
        elif path.suffix == ".jsonl":
            with path.open("w", encoding="utf-8") as file:
                file.writelines(f"{json.dumps(_written(row))}\n" for row in self._rest.to_pylist())
        else:
            raise Refused(f"{path}: rejects are exported as .parquet or .jsonl, by its suffix")
        return path

    def __str__(self) -> str:
        return f"healed {self._healed.num_rows:,} of {number_of(self.tried.num_rows, 'reject')}"

    def __repr__(self) -> str:
        return f"Heal({self.name}: {self})"


def _places(table: pa.Table) -> list[tuple[Any, ...]]:
    return list(zip(*(table[name].to_pylist() for name in PLACE[1:]), strict=True))


def _places_in(rejects: pd.DataFrame) -> pd.DataFrame:
    missing = [name for name in PLACE if name not in rejects.columns]
    if missing:
        raise Refused(f"these are no rows of `rejects`: they have no column `{missing[0]}`")
    return rejects[list(PLACE)]


def _read(spec: Spec) -> JobSpec:
    return specfile.check(spec) if isinstance(spec, JobSpec) else specfile.load(spec)


def _written(row: Mapping[str, Any]) -> dict[str, Any]:
    raw, at = row["raw"], row["at"]
    text = None if raw is None else raw.decode(errors="backslashreplace")
    return {**row, "raw": text, "at": None if at is None else at.isoformat()}


class Healing:
    """How a `streamops_nb.ops.workspace.Workspace` heals rejects."""

    _core: Core
    _operations: Operations

    def heal(
        self,
        name: str,
        *,
        stage: str | None = None,
        kind: str | None = None,
        text: str = "",
        rejects: pd.DataFrame | None = None,
        spec: Spec | None = None,
        query: str | None = None,
        changes: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Heal:
        """Try rejects of a job again, in a preview of its newest version with changes.

        Parameters
        ----------
        stage, kind, text
            Which rejects, as of `rejects`; default all that are kept.
        rejects
            Of these only those that are among these rows of `rejects`.
        spec
            What is tried instead of the newest version of the job.
        query, changes, params
            What is different: another query, other settings (nested, as in a specification), other
            values of parameters.

        Raises
        ------
        Refused
            If there are no such rejects, or the changed specification is not acceptable.
        """
        from streamops_nb.ops.workspace import Workspace

        assert isinstance(self, Workspace)
        tried = self._tried(name, stage, kind, text, rejects)
        if not tried.num_rows:
            raise Refused(f"the job `{name}` keeps no such rejects that were not healed yet")
        base = self._core.spec(name) if spec is None else _read(spec)
        if base.name != name:
            raise Refused(f"the specification is of `{cut(base.name)}`, not of `{name}`")
        preview = self.preview(
            self._core.previews.changed(base, query=query, changes=changes),
            rejects=tried.to_pandas(),
            rows=tried.num_rows,
            nbytes="1GiB",
            params=params,
        )
        _check_told_apart(preview, tried)
        return Heal(self, name, preview, tried)

    def _tried(
        self,
        name: str,
        stage: str | None,
        kind: str | None,
        text: str,
        chosen: pd.DataFrame | None,
    ) -> pa.Table:
        core = self._core
        found = self.rejects(name, stage=stage, kind=kind, text=text)  # type: ignore[attr-defined]
        if chosen is not None:
            found = found.merge(_places_in(chosen).drop_duplicates(), on=list(PLACE))
        table = pa.Table.from_pandas(found, preserve_index=False)
        table = table.filter(pa.compute.is_valid(table["offset"])) if len(found) else table
        if not table.num_rows:
            return table
        session = core.instance.session()
        try:
            with core.backend.job_file(name) as file, session.registered(_rejects=table):
                return session.table(not_healed(file, session, "_rejects"))
        finally:
            session.close()

    def apply_heal(self, heal: Heal, *, why: str = "") -> int:
        """Write what `heal` found; see `Heal.apply`."""
        core, name = self._core, heal.name
        _check_healable(heal)
        if heal.preview.spec.sink != core.spec(name, core.catalog.job(name).ran or None).sink:
            raise Refused("rows are healed into what the job writes to - leave the sink as it is")
        rows = 0
        if heal.healed.num_rows:
            made = self._between_batches(heal) or self._at_rest(heal)
            rows = int(made[0]["rows_out"])
        taken = ActionTaken(
            job=name, at=core.now(), who=user(), action="heal", why=why,
            result=f"done: {heal}, {number_of(rows)} written",
        )  # fmt: skip
        core.states.note(taken)
        core.courier.deliver()
        return rows

    def _between_batches(self, heal: Heal) -> Facts | None:
        """Have it done by the run that goes on; None if there is none."""
        core, name = self._core, heal.name
        status = core.states.state(name).observed
        if status not in (Status.RUNNING, Status.RETRYING):
            return None
        asked = core.backend.between(name, lambda file, session: self._inject(heal, file, session))
        try:
            return None if asked is None else asked.result(_PATIENCE)
        except CancelledError:
            return None  # the run ended first
        except TimeoutError:
            if asked is not None and not asked.cancel():
                return asked.result()  # it is just being done
            what = f"its batch has been going on for {_PATIENCE:.0f} s"
            raise MoveRefused([Fault(what=what, where=name, remedy="heal it later")]) from None

    def _at_rest(self, heal: Heal) -> Facts:
        core, name = self._core, heal.name
        with self._operations.deciding:  # nobody starts it meanwhile
            status = core.states.state(name).observed
            if status in ACTIVE or name in core.backend.leaving:
                fault = Fault(
                    what=f"it is {status}", where=name, remedy="heal it when that is over"
                )
                raise MoveRefused([fault])
            session = core.instance.session()
            try:
                # one session for file and rows: they are one transaction
                file = JobFile(session, core.backend.attach_job(name))
                # should the process die here: a job at rest is not looked into otherwise
                core.catalog.set(HEALING, name)
                made = self._inject(heal, file, session)
            finally:
                session.close()
            core.states.committed(name, made)
            core.courier.deliver()
            core.catalog.set(HEALING, "")
        return made

    def _inject(self, heal: Heal, file: JobFile, session: Session) -> Facts:
        core, name, spec = self._core, heal.name, heal.preview.spec
        output = heal.preview.result.stages[heal.preview.result.output]
        sink_class, settings = resolved("sink", spec.sink, os.environ, ("sink",))
        context = Context(
            job=name, folder=core.folder, schema=dict(output.columns), database=file.database
        )
        view, now = core.states.view(name), core.now()

        def facts(n: int, seq: int, written: int) -> Facts:
            committed = BatchCommitted(
                job=name, run=view.run, seq=seq, at=now, n=n, rows_out=written, lag=view.lag,
                watermarks=view.watermarks, frontiers=view.frontiers, state_rows=view.state_rows,
                holders=view.holders,
            )  # fmt: skip
            return [to_json(committed)]

        with _opened(sink_class(settings, context), session) as sink:
            return inject(
                file, session, sink, rows=output.table, columns=output.columns,
                places=heal.healed.select(list(PLACE)), now=now, version=view.version,
                facts=facts,
            )  # fmt: skip


@contextmanager
def _opened(sink: Any, session: Session) -> Iterator[Target]:
    if sink.transactional:
        sink.open(session)
        yield sink
        return
    sink.open()
    try:
        yield External(sink)
    finally:
        sink.close()


def _check_told_apart(preview: Preview, tried: pa.Table) -> None:
    """Of a record with several rows some went into the output before, and all have its place."""
    places = tried.select(list(PLACE))
    several = places.group_by(list(PLACE)).aggregate([]).num_rows < places.num_rows
    rejects = Counter(tried["stream"].to_pylist())
    drawn = preview.sample.streams
    if several or any(drawn[name].raw.num_rows > n for name, n in rejects.items()):
        raise Refused(
            "records of these streams hold several rows, and a reject is told by its record alone -"
            " preview them with `rejects=True`, save the changed specification, and start the job"
            " from before them"
        )


def _check_healable(heal: Heal) -> None:
    result = heal.preview.result
    if heal.preview.faults or not result.output:
        raise Refused([*heal.preview.faults] or "the query gives no output")
    if any(stage.kind == "closed" for stage in result.stages.values()):
        raise Refused(
            "a window is emitted once, and those of these rows have closed or are being filled by"
            " the query that runs - save the changed specification and start the job from before"
            " the rows, or export them"
        )
    sink = heal.preview.spec.sink
    if sink.type not in ("table", "parquet"):
        raise Refused(
            f"rows are healed into a table or Parquet files, where each is written exactly once,"
            f" not into {sink.type} - export them instead"
        )
    if sink.settings.get("key"):
        raise Refused(
            "the output keeps the newest row of a key, and healed rows are older than those that"
            " came after them - save the changed specification and start the job from before the"
            " rows, or export them"
        )
