"""The specification of a job: what a user writes, in YAML or in Python."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, ModelWrapValidatorHandler, ValidationError, model_validator

from streamops_nb.model.crosschecks import cross_faults, format_named
from streamops_nb.model.duration import Duration
from streamops_nb.model.errors import Fault, SpecRefused
from streamops_nb.model.faults import faults_of
from streamops_nb.model.fields import (
    JobName,
    Line,
    Name,
    Number,
    Query,
    Schema,
    Tags,
    Version,
    Whole,
)
from streamops_nb.model.params import Param
from streamops_nb.model.part import Part, PlugIn
from streamops_nb.model.python_text import job_expression
from streamops_nb.model.size import Size
from streamops_nb.model.start import Positions, Start
from streamops_nb.model.wording import did_you_mean, dotted, shown

__all__ = [
    "Errors",
    "JobSpec",
    "Param",
    "PlugIn",
    "Positions",
    "Reference",
    "Resources",
    "Retries",
    "Start",
    "Stream",
    "Trigger",
]


class Stream(Part):
    """A named input.

    Parameters
    ----------
    source
        Where the records come from: a plug-in's ``type`` and its settings.
    format
        How a record becomes a row. Left out, files whose names (in a folder: all of them) end in
        ``.csv`` or ``.parquet`` are that, and all else is JSON.
    schema
        Field name to DuckDB type, or ``infer`` to tell them from a sample. Times are read as in
        ISO 8601; one that is a number is declared ``EPOCH_S``, ``EPOCH_MS`` or ``EPOCH_US``, one
        in another form with that form, ``TIMESTAMPTZ('%d/%m/%Y %H:%M')``, local ones with their
        zone, ``TIMESTAMPTZ('%d.%m.%Y %H:%M', 'Europe/Berlin')``. The attribute is ``schema_``.
    event_time
        The field that says when a record's event happened; needed for windows.
    watermark_delay
        How far behind the newest event time a row may come and still be in time.
    idle_timeout
        After this time without a record a partition no longer holds the watermark back; null:
        it always does.
    max_ahead
        Rows whose event time lies further in the future than this are rejects; null: none are.
    """

    source: PlugIn = Field(examples=["{type: simulator, devices: 100}"])
    format: PlugIn = PlugIn(type="json")
    schema_: Schema = Field("infer", alias="schema")
    event_time: str | None = Field(None, examples=["ts"])
    watermark_delay: Duration = Field(timedelta(0), examples=["5s"])
    idle_timeout: Duration | None = Field(timedelta(minutes=1), examples=["1m"])
    max_ahead: Duration | None = Field(timedelta(days=1), examples=["1d"])

    @model_validator(mode="before")
    @classmethod
    def _named_format(cls, data: Any) -> Any:
        """Files may say by their names what they are."""
        if not isinstance(data, Mapping) or "format" in data:
            return data
        named = format_named(data.get("source"))
        return data if named is None else {**data, "format": named}

    @property
    def fields(self) -> dict[str, str] | None:
        """The declared fields and their types; None if they are to be inferred."""
        return None if isinstance(self.schema_, str) else dict(self.schema_)


class Reference(Part):
    """A bounded table that the query may join.

    Parameters
    ----------
    type
        ``csv``, ``parquet`` or ``duckdb``.
    path
        The file, relative to the workspace's folder.
    table
        The table in the file, for ``duckdb``.
    """

    type: Literal["csv", "parquet", "duckdb"] = Field(examples=["csv"])
    path: Annotated[str, Field(min_length=1, max_length=4096)] = Field(examples=["devices.csv"])
    table: str | None = Field(None, examples=["devices"])


class Trigger(Part):
    """When a batch is cut: at the interval, or earlier when so many rows or bytes wait."""

    interval: Duration = Field(timedelta(seconds=1), examples=["1s"])
    # with 100,000 a job over files takes a tenth more of the processor; `bytes` bounds the memory
    rows: Annotated[Whole, Field(ge=1, le=100_000_000)] = Field(200_000, examples=["200000"])
    bytes: Annotated[Size, Field(ge=1)] = Field(32 * 2**20, examples=["32MiB"])


class Resources(Part):
    """What a running job holds: CU, and at most so many records read per second."""

    cu: Annotated[Number, Field(gt=0, le=1024)] = Field(0.1, examples=["0.1"])
    read_rate: Annotated[Number, Field(gt=0)] | None = Field(None, examples=["1000"])


class Retries(Part):
    """How often a failure that may pass is tried again, and with which back-off."""

    attempts: Annotated[Whole, Field(ge=0, le=1_000_000)] = Field(10, examples=["10"])
    first: Duration = Field(timedelta(seconds=1), examples=["1s"])
    longest: Duration = Field(timedelta(minutes=1), examples=["1m"])

    def wait(self, attempt: int) -> float | None:
        """Seconds to wait after so many attempts have failed; None: no more are made."""
        if attempt > self.attempts:
            return None
        first, longest = self.first.total_seconds(), self.longest.total_seconds()
        return min(longest, first * 2.0 ** min(attempt - 1, 30))


class Errors(Part):
    """What becomes of rows that cannot be decoded or evaluated, and of failures.

    Parameters
    ----------
    policy
        ``reject`` keeps bad rows aside and goes on; ``fail`` fails the job.
    max_reject_share
        The job fails when more than this share of a batch's rows are rejects; null: never.
    late
        ``count`` late rows only, or keep them as rejects (``reject``).
    keep
        The newest rejects kept, per stage and kind.
    retries
        For failures that are not a row's.
    """

    policy: Literal["reject", "fail"] = "reject"
    max_reject_share: Annotated[Number, Field(ge=0, le=1)] | None = Field(None, examples=["0.05"])
    late: Literal["count", "reject"] = "count"
    keep: Annotated[Whole, Field(ge=0, le=10_000_000)] = Field(1000, examples=["1000"])
    retries: Retries = Retries()


class JobSpec(Part):
    """A stream job: one query over named streams, and how it is run.

    Making one checks everything that can be told without plug-ins and without the query's
    meaning; `streamops_nb.plan.specfile` checks the plug-ins' settings too.

    Parameters
    ----------
    schema_version
        The version of this layout, 1.
    name
        The job's name: small letters, digits and _.
    description, owner, tags
        For people: what the job does, whose it is, words to find it by.
    streams
        The inputs by the name that the query gives them.
    references
        The bounded tables that the query may join, by name.
    params
        The values that the query names ``$name``; ``threshold: 30`` is short for its default.
    query
        One SELECT over the streams and references.
    sink
        Where the output rows go.
    trigger, resources, errors
        When a batch is cut, what a running job holds, what becomes of bad rows and failures.
    start
        Where the first start reads from.
    pause_limit
        How long the job may be paused, at most 24 hours; it is stopped then.

    Raises
    ------
    SpecRefused
        With every fault that was found.
    """

    schema_version: Version = 1
    name: JobName = Field(examples=["hot_minutes"])
    description: Annotated[str, Field(max_length=10_000)] = ""
    owner: Line = ""
    tags: Tags = Field((), examples=["[plant]"])
    streams: Annotated[Mapping[Name, Stream], Field(min_length=1)] = Field(
        examples=["{readings: {source: simulator}}"]
    )
    references: Mapping[Name, Reference] = {}
    params: Mapping[Name, Param] = {}
    query: Query = Field(examples=["SELECT * FROM readings"])
    sink: PlugIn = PlugIn(type="table")
    trigger: Trigger = Trigger()
    resources: Resources = Resources()
    errors: Errors = Errors()
    start: Start = Start()
    pause_limit: Annotated[Duration, Field(gt=timedelta(0), le=timedelta(hours=24))] = Field(
        timedelta(hours=24), examples=["24h"]
    )

    @model_validator(mode="wrap")
    @classmethod
    def _refuse_with_every_fault(
        cls, data: Any, handler: ModelWrapValidatorHandler[JobSpec]
    ) -> JobSpec:
        if isinstance(data, cls):
            return data
        try:
            spec, faults = handler(data), []
        except ValidationError as error:
            spec, faults = None, faults_of(error, data, cls)
        known = {fault.where for fault in faults}
        faults += [fault for fault in cross_faults(data) if fault.where not in known]
        if spec is None or faults:
            raise SpecRefused(faults)
        return spec

    def to_python(self) -> str:
        """Write the job as a Python expression, ``so.Job(...)``, that gives an equal one."""
        return job_expression(self.model_dump(mode="json", exclude_defaults=True))

    def param_values(self, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Give every parameter's value: its default unless `given` has another.

        Raises
        ------
        SpecRefused
            If a given one is unknown or does not fit, with every fault.
        """
        given = given or {}
        faults = [fault for name in given if (fault := self._param_fault(name, given[name]))]
        if faults:
            raise SpecRefused(faults)
        return {name: given.get(name, param.default) for name, param in self.params.items()}

    def _param_fault(self, name: str, value: Any) -> Fault | None:
        where = dotted(("params", name))
        if name not in self.params:
            what = f"the job has no parameter `{name}` (given: {shown(value)})"
            return Fault(what=what, where=where, remedy=did_you_mean(name, self.params))
        what = self.params[name].fault(value)
        return Fault(what=what, where=where) if what else None
