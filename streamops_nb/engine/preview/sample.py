"""A sample: records of a job's streams, pinned, so that a query can run over them again and again.

It holds the records as their source gave them, so that another format or schema can be tried on
them too, and what must be known of the place they were taken from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa

from streamops_nb.engine.watermark import NEVER
from streamops_nb.model.batch import Span
from streamops_nb.model.spec import PlugIn, Stream

__all__ = ["Coverage", "Drawn", "Limits", "Sample", "origin_of"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """The most that is drawn: whichever is reached first.

    Parameters
    ----------
    rows, nbytes
        Records and bytes, of each stream.
    seconds
        For all streams together.
    """

    rows: int = 1_000
    nbytes: int = 32 * 2**20
    seconds: float = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """What of a stream a sample covers.

    Parameters
    ----------
    looked_at
        Records that were read to choose from.
    first, last
        The smallest and the largest event time among those chosen, microseconds; None if unknown.
    strata, keys, keys_seen
        The column by which they were chosen, the keys that are there, and those that were seen.
    """

    looked_at: int = 0
    first: int | None = None
    last: int | None = None
    strata: str = ""
    keys: int = 0
    keys_seen: int = 0


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """The records of one stream in a sample.

    Parameters
    ----------
    raw
        As of `streamops_nb.sources.base.Source.read`, in order of arrival.
    decoded
        Whether its columns are fields already.
    schema
        Field name to type, declared or inferred.
    span
        Where they were read; empty if they come from no source.
    apart
        Whether each partition has a watermark of its own.
    begins, ends
        Whether nothing lies before them, and whether the stream has ended with them.
    truncated
        The limit because of which records that were there, before or after these, are not among
        them: ``rows``, ``bytes``, ``seconds``, or nothing.
    seconds
        How long drawing took.
    origin
        Changes when the stream's source is another; see `origin_of`. Empty if they come from none.
    stream
        What the specification said of the stream.
    format
        The format of the records, if it is not what the specification says.
    cut
        Windows that begin before this may lack records that were left out between those chosen.
    coverage
        What of the stream they cover.
    """

    raw: pa.Table
    decoded: bool
    schema: Mapping[str, str]
    span: Span = field(default_factory=Span)
    apart: bool = False
    begins: bool = False
    ends: bool = False
    truncated: str = ""
    seconds: float = 0.0
    origin: str = ""
    stream: Stream | None = None
    format: PlugIn | None = None
    cut: int = NEVER
    coverage: Coverage = Coverage()


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A pinned sample.

    Parameters
    ----------
    streams
        Per stream, its records.
    how
        In words, how it was drawn.
    at
        When, seconds since the epoch; ``now()`` in a preview is this.
    limits
        What bounded it.
    """

    streams: Mapping[str, Drawn]
    how: str
    at: float
    limits: Limits = Limits()

    @cached_property
    def id(self) -> str:
        """A short name that tells it from others."""
        about = [self.how, self.at]
        for name, drawn in self.streams.items():
            span = drawn.span.to_json()
            about.append([name, span, drawn.raw.num_rows, drawn.raw.nbytes, drawn.origin])
        return "s" + hashlib.blake2b(json.dumps(about).encode(), digest_size=4).hexdigest()

    @property
    def rows(self) -> int:
        """The number of its records."""
        return sum(drawn.raw.num_rows for drawn in self.streams.values())

    def __repr__(self) -> str:
        parts = ", ".join(f"{name} {d.raw.num_rows:,}" for name, d in self.streams.items())
        return f"Sample({self.id}: {self.how}; {parts})"


def origin_of(stream: Stream) -> str:
    """A text that changes when a stream's source does; formats and schemas may be tried."""
    source = json.dumps(stream.source.model_dump(mode="json"), sort_keys=True)
    return hashlib.blake2b(source.encode(), digest_size=8).hexdigest()
