"""A sample: records of a job's streams, pinned, so that a query can run over them again and again.

It holds the records as their source gave them, so that another format or schema can be tried on
them too, and what must be known of the place they were taken from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from streamops_nb.engine.watermark import NEVER
from streamops_nb.model.batch import Span
from streamops_nb.model.spec import PlugIn, Stream

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Coverage", "Drawn", "Edit", "Limits", "Sample", "moment", "origin_of"]


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
        The column by which they were chosen, the keys that are there, and those that were seen;
        records that do not decode have none.
    """

    looked_at: int = 0
    first: int | None = None
    last: int | None = None
    strata: str = ""
    keys: int = 0
    keys_seen: int = 0

    def __str__(self) -> str:
        """Share of the keys and range of event time, as far as they are known."""
        parts = []
        if self.strata:
            parts.append(f"{self.keys:,} of {self.keys_seen:,} values of {self.strata}")
        if self.first is not None and self.last is not None:
            parts.append(f"{moment(self.first)} to {moment(self.last)}")
        return ", ".join(parts)


def moment(us: int) -> str:
    """Write an event time, to the second; Python's calendar ends in 9999, DuckDB's does not."""
    return f"{np.datetime64(us // 1_000_000, 's')}Z".replace("T", " ")


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
    partitions
        All that the source has, also those of which nothing was drawn.
    reach
        Per partition, the first record after those that were looked at.
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
    partitions: tuple[str, ...] = ()
    reach: Mapping[str, int] = field(default_factory=dict)
    begins: bool = False
    ends: bool = False
    truncated: str = ""
    seconds: float = 0.0
    origin: str = ""
    stream: Stream | None = None
    format: PlugIn | None = None
    cut: int = NEVER
    coverage: Coverage = Coverage()


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """A change that a user made to a sample.

    Parameters
    ----------
    stream, record
        Which record, by its number in the stream's part of the sample before the change; None for
        all of them.
    what
        ``changed``, ``deleted``, ``added``, ``masked``, or ``left out``: records that do not
        decode, when others are edited by field.
    column, before, after
        What was changed, as text.
    """

    stream: str
    what: str
    record: int | None = None
    column: str = ""
    before: str = ""
    after: str = ""


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
    edits
        What was changed since it was drawn, in order.
    original
        As it was drawn, if it was edited.
    """

    streams: Mapping[str, Drawn]
    how: str
    at: float
    limits: Limits = Limits()
    edits: tuple[Edit, ...] = ()
    original: Sample | None = None

    @cached_property
    def id(self) -> str:
        """A short name that tells it from others."""
        about = [self.how, self.at, [asdict(edit) for edit in self.edits]]
        for name, drawn in self.streams.items():
            about.append([name, drawn.span.to_json(), drawn.raw.num_rows, drawn.origin])
        return "s" + hashlib.blake2b(json.dumps(about).encode(), digest_size=4).hexdigest()

    @property
    def rows(self) -> int:
        """The number of its records."""
        return sum(drawn.raw.num_rows for drawn in self.streams.values())

    @property
    def coverage(self) -> pd.DataFrame:
        """What of each stream it covers: records, share of keys, range of event time."""
        import pandas as pd

        rows = [_covered(name, drawn) for name, drawn in self.streams.items()]
        frame = pd.DataFrame(rows).set_index("stream")
        for column in ("first", "last"):
            frame[column] = pd.to_datetime(frame[column], unit="us", utc=True)
        return frame

    def df(self, stream: str | None = None) -> pd.DataFrame:
        """Give the records of a stream as rows, numbered as `change` and `delete` know them.

        Records that do not decode are left out. ``_edit`` says of each row whether it is as it was
        drawn.
        """
        from streamops_nb.engine.preview import editing  # it imports this module

        return editing.frame(self, stream)

    def change(self, record: int, values: Mapping[str, Any], stream: str | None = None) -> Sample:
        """Give a sample in which fields of one record have other values.

        Parameters
        ----------
        values
            Field to value; ``_raw`` stands for the whole record as the source gave it.
        stream
            Which stream; may be left out if there is but one.
        """
        from streamops_nb.engine.preview import editing  # it imports this module

        return editing.change(self, record, values, stream)

    def delete(self, records: int | Iterable[int], stream: str | None = None) -> Sample:
        """Give a sample without some records."""
        from streamops_nb.engine.preview import editing  # it imports this module

        return editing.delete(self, records, stream)

    def add(self, rows: Iterable[Mapping[str, Any]], stream: str | None = None) -> Sample:
        """Give a sample with more rows at the end of a stream."""
        from streamops_nb.engine.preview import editing  # it imports this module

        return editing.add(self, rows, stream)

    def mask(self, *columns: str) -> Sample:
        """Give a sample in which columns hold pseudonyms, and nothing else tells what they held.

        The same value has the same pseudonym in all streams, so that joins meet; a column that is
        neither text nor a whole number becomes NULL. Masking cannot be reverted.
        """
        from streamops_nb.engine.preview import editing  # it imports this module

        return editing.mask(self, columns)

    def revert(self) -> Sample:
        """Give the sample as it was drawn."""
        return self.original or self

    def to_parquet(self, folder: str | Path) -> Path:
        """Write it to a folder: a Parquet file for each stream, and what is known of them.

        Raises
        ------
        Refused
            If there is a sample in the folder already, or something else.
        """
        from streamops_nb.engine.preview import keeping  # it imports this module

        return keeping.keep(self, Path(folder))

    @classmethod
    def from_parquet(cls, folder: str | Path) -> Sample:
        """Read back what `to_parquet` wrote.

        Raises
        ------
        Refused
            If there is no whole sample in the folder.
        """
        from streamops_nb.engine.preview import keeping  # it imports this module

        return keeping.kept(Path(folder))

    def __repr__(self) -> str:
        parts = ", ".join(f"{name} {d.raw.num_rows:,}" for name, d in self.streams.items())
        edited = f"; {len(self.edits)} edits" if self.edits else ""
        return f"Sample({self.id}: {self.how}; {parts}{edited})"


def _covered(name: str, drawn: Drawn) -> dict[str, Any]:
    covered = drawn.coverage
    share = covered.keys / covered.keys_seen if covered.keys_seen else None
    return {
        "stream": name,
        "records": drawn.raw.num_rows,
        "looked_at": covered.looked_at,
        "truncated": drawn.truncated,
        "first": covered.first,
        "last": covered.last,
        "strata": covered.strata,
        "keys": covered.keys if share is not None else None,
        "keys_share": share,
    }


def origin_of(stream: Stream) -> str:
    """A text that changes when a stream's source does; formats and schemas may be tried."""
    source = json.dumps(stream.source.model_dump(mode="json"), sort_keys=True)
    return hashlib.blake2b(source.encode(), digest_size=8).hexdigest()
