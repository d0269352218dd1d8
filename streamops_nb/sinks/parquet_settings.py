"""What a user may write below ``sink:`` for Parquet files."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from streamops_nb.model.duration import Duration
from streamops_nb.model.size import Size
from streamops_nb.sinks import base

__all__ = ["Compaction", "ParquetRetention", "ParquetSettings"]


class Compaction(BaseModel):
    """When small files are merged.

    Parameters
    ----------
    files
        So many neighbouring batches become one file (or one per partition value), so many of
        those become one again, and so on.
    bytes
        No merged batch range grows larger than this.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: int = Field(default=20, ge=2)
    bytes: Size = 128 * 1024 * 1024


class ParquetRetention(BaseModel):
    """What is deleted now and then: whole files, the newest batch never.

    Parameters
    ----------
    age
        Delete files whose youngest rows were written longer ago than this.
    rows
        Keep the newest rows, so many at least.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    age: Duration | None = None
    rows: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _something_is_asked_for(self) -> Self:
        if self.age is None and self.rows is None:
            raise ValueError("retention needs an age or a number of rows")
        return self


class ParquetSettings(base.Settings):
    """Settings of a Parquet sink.

    Parameters
    ----------
    path
        The folder, below it one folder per job.
    partition_by
        Columns whose values become folders, ``device=a``: text, whole numbers, booleans, dates.
    compression
        The codec.
    compact
        When small files are merged; null leaves them.
    retention
        What is deleted; null keeps everything.
    """

    path: str = Field(min_length=1)
    partition_by: tuple[str, ...] = ()
    compression: Literal["zstd", "snappy", "gzip", "lz4", "none"] = "zstd"
    compact: Compaction | None = Compaction()
    retention: ParquetRetention | None = None
