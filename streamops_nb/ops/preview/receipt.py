"""The receipt of a preview: what was read, and that nothing else was touched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamops_nb.engine.preview.sample import Drawn, Sample
from streamops_nb.model.wording import number_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Receipt", "Standing"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How a job stood at a moment.

    Parameters
    ----------
    status
        Its status; empty if it is not saved.
    batch
        The number of its last committed batch.
    files
        Per file of the job: when it was last written (nanoseconds) and its size.
    """

    status: str = ""
    batch: int = 0
    files: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """What a preview read, and how the job stood before and after.

    Parameters
    ----------
    sample
        What was read.
    before, after
        How the job stood; None for a specification that is not saved as a job.
    seconds
        Per phase, how long the evaluation took.
    """

    sample: Sample
    before: Standing | None
    after: Standing | None
    seconds: Mapping[str, float]

    @property
    def untouched(self) -> bool:
        """Whether the job's files are as before; a running job writes them itself."""
        return self.before == self.after

    @property
    def df(self) -> pd.DataFrame:
        """What was read, one row per slice of a partition."""
        import pandas as pd

        rows: list[dict[str, Any]] = []
        for name, drawn in self.sample.streams.items():
            read = [(s.partition, s.start, s.stop) for s in drawn.span]
            slices: list[tuple[str, int | None, int | None]] = [*read] or [("", None, None)]
            rows += [
                {
                    "stream": name,
                    "partition": partition,
                    "start": start,
                    "stop": stop,
                    "records": drawn.raw.num_rows,
                    "bytes": drawn.raw.nbytes,
                    "truncated": drawn.truncated,
                    "seconds": drawn.seconds,
                }
                for partition, start, stop in slices
            ]
        return pd.DataFrame(rows).astype({"start": "Int64", "stop": "Int64"})

    def __str__(self) -> str:
        read = "; ".join(
            f"{name}: {', '.join(filter(None, (_records(drawn), str(drawn.coverage))))}"
            for name, drawn in self.sample.streams.items()
        )
        return f"read {read} ({self.sample.how}) - {self._standing()}"

    __repr__ = __str__

    def _standing(self) -> str:
        kept = "no sink, consumer group, position or state could change"
        if self.before is None or self.after is None:
            return kept
        if self.untouched:
            return f"{kept}; the job's files are as before, at batch {self.after.batch}"
        return (
            f"{kept}; the job was {self.before.status} and went on by itself from batch "
            f"{self.before.batch} to {self.after.batch}"
        )


def _records(drawn: Drawn) -> str:
    return number_of(drawn.raw.num_rows, "record")
