"""The output table of another job as a stream."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from streamops_nb.sources import base
from streamops_nb.sources.batches import BatchSource

__all__ = ["JobSettings", "JobSource"]


class JobSettings(base.Settings):
    """Settings of a job's output as a source.

    Parameters
    ----------
    job
        The name of a job of this workspace whose sink is a table.
    """

    job: str = Field(min_length=1)


class JobSource(BatchSource):
    """The rows that another job has committed, in whole batches of that job.

    If the other job's table has a key, the stream is its changes: a row that has been replaced
    before it was read is not seen, its replacement is.
    """

    Settings: ClassVar[type[base.Settings]] = JobSettings

    def __init__(self, settings: JobSettings, context: base.Context) -> None:
        super().__init__(
            f"job:{settings.job}",
            f"has the job {settings.job} a table as its sink, and has it been started?",
            context,
        )

    def _removed(self) -> int:
        # the table sink's retention keeps this beside the output
        marks = self._table().removesuffix('"') + '_marks"'
        return self._first(f"SELECT max(batch) FROM {marks} WHERE removed") or 0
