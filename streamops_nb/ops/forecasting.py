"""What a start would mean, before anything happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from streamops_nb.engine.forecast import Outlook, outlooks
from streamops_nb.engine.kept import Kept
from streamops_nb.engine.record import Checkpoint
from streamops_nb.model.errors import SourceError
from streamops_nb.model.events import BatchCommitted
from streamops_nb.model.lifecycle import Action, Status
from streamops_nb.model.spec import JobSpec, Start
from streamops_nb.model.start import OUTPUT_STAYS
from streamops_nb.model.wording import number_of
from streamops_nb.ops.core import Core
from streamops_nb.ops.decision import Verdict
from streamops_nb.ops.fitting import Fit, keeping
from streamops_nb.ops.operations import Operations, Request

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Forecast", "Forecasting", "Point"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """What a start from one point would mean.

    Parameters
    ----------
    start
        The point in words.
    left, again, lost
        How much there is to process; how much of that was processed once already; how much is no
        longer retained. In the units of the sources, in words.
    records
        How many records `left` is: counted, or estimated from the last batches where a source
        counts something else; None if not even that can be said.
    seconds
        Until it has caught up, at the rate at which the job's last batches went; None if it has
        not been measured yet.
    state_rows
        Rows of window state that would be kept.
    cut
        Windows that begin before it would be cut off.
    positions
        Per stream, the next offset of each partition.
    trouble
        Why nothing can be said.
    """

    start: str
    left: str = ""
    records: int | None = None
    again: str = ""
    lost: str = ""
    seconds: float | None = None
    state_rows: int = 0
    cut: datetime | None = None
    positions: Mapping[str, Mapping[str, int]]
    trouble: str = ""


_COLUMNS = (
    "start", "left", "records", "again", "lost", "seconds", "state_rows", "cut", "trouble",
)  # fmt: skip

_BATCHES = 100
"""From so many of a job's last batches its rates are told."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What a start of a job would mean, from each point; nothing has been done.

    Parameters
    ----------
    verdict
        Whether it would be allowed, and the CU that it needs.
    free
        CU that are free now.
    points
        The default first.
    fit
        What becomes of the window state that is kept, if it goes on from the last commit.
    """

    job: str
    verdict: Verdict
    free: float
    points: tuple[Point, ...]
    fit: Fit

    @property
    def agreed(self) -> str:
        """What of the window state is dropped by a start that is allowed; empty for nothing."""
        return "" if self.fit or not self.verdict.allowed else f"agreed: {self.fit}"

    @property
    def df(self) -> pd.DataFrame:
        """The points as a table."""
        import pandas as pd

        rows = [{name: getattr(p, name) for name in _COLUMNS} for p in self.points]
        return pd.DataFrame(rows).astype({"records": "Int64", "seconds": "float64"})

    def __str__(self) -> str:
        verdict = self.verdict
        allowed = "allowed" if verdict.allowed else f"refused: {verdict.why}"
        agreed = f"; {self.agreed}" if self.agreed else ""
        return (
            f"start {self.job} ({verdict.status}): {allowed}; {self.free:g} CU are free{agreed}\n"
            f"{self.df.to_string(index=False)}\n{OUTPUT_STAYS}"
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        import html

        head = html.escape(str(self).splitlines()[0])
        return f"<p>{head}</p>{self.df.to_html(index=False)}"


class Forecasting:
    """What a `streamops_nb.ops.workspace.Workspace` says of a start before it."""

    _core: Core
    _operations: Operations

    def forecast(self, name: str, at: Any = None) -> Forecast:
        """Say what a start of a job would mean; nothing happens.

        The sources are asked how far they reach, without a group, a commit or any other effect.

        Parameters
        ----------
        at
            A start point of which is told, too: a time or positions, as for `start`.

        Raises
        ------
        Refused
            If `at` is no start point, or the specification or its query has faults.
        """
        core = self._core
        request = Request(Action.START, [core.known(name)], at=at)
        decision = self._operations.decide(request)
        spec = core.spec(name)
        stands, chosen = self._stands(name)
        fit, going = self._keeping(spec)
        points = _points(spec.start, stands, chosen)
        if None in points.values() and going.anew and not going.stays:
            stands = stands.without_state()  # nothing is left to go on with
            points["last commit"] = spec.start.model_copy(update={"at": "stopped"})
        if at is not None:
            points[f"at {request.chosen['at']}"] = self._operations.chosen(request)[name]
        found, units = outlooks(
            spec,
            core.backend.surroundings,
            stands=stands,
            points=points,
            anew=going.anew,
        )
        kept = sum(fit.kept.values())
        pace = self._pace(name, units)
        return Forecast(
            job=name,
            verdict=decision.verdicts[0],
            free=core.catalog.booking().free,
            points=tuple(
                _point(point, look, units, pace, kept if points[point] is None else 0)
                for point, look in found.items()
            ),
            fit=fit,
        )

    def _keeping(self, spec: JobSpec) -> tuple[Fit, Kept]:
        try:
            return keeping(self._core, spec)
        except SourceError:  # the points tell
            return Fit(job=spec.name), Kept()

    def _pace(self, name: str, units: Mapping[str, str]) -> _Pace:
        """What the last batches of a job tell: records a second, and records per unit."""
        catalog = self._core.catalog
        page = catalog.events(name, kinds=[BatchCommitted], newest=True, limit=_BATCHES)
        batches = [event for event in page.events if isinstance(event, BatchCommitted)]
        rows = sum(batch.rows_in for batch in batches)
        worked = sum(sum(batch.seconds.values()) for batch in batches)
        read = sum(s.stop - s.start for b in batches for span in b.spans.values() for s in span)
        counted = set(units.values()) == {"records"}
        # which stream a record came from is not known of a batch, so only one may count otherwise
        known = len(units) == 1 and rows and read
        each = 1.0 if counted else rows / read if known else None
        rate = rows / worked if rows and worked else None
        allowed = self._core.spec(name).resources.read_rate
        return _Pace(rate=min(rate, allowed) if rate and allowed else rate, each=each)

    def _stands(self, name: str) -> tuple[Checkpoint, Start | None]:
        """Where a job stands in its file, and what was chosen for its next start."""
        core = self._core
        if not core.backend.job_path(name).exists():
            return Checkpoint(), None
        with core.backend.job_file(name) as file:
            stands, chosen = file.open(), file.next_start()
        if core.states.state(name).observed is Status.STOPPED and not stands.stopped:
            stands = Checkpoint(n=stands.n, positions=stands.positions, stopped=True)
        return stands, chosen


def _points(specified: Start, stands: Checkpoint, chosen: Start | None) -> dict[str, Start | None]:
    """The points of which is told: first the one that a start would take."""
    points: dict[str, Start | None] = {}
    if chosen is not None:
        points[f"reset to {chosen.at or 'as specified'}"] = chosen
    if stands.positions and (stands.stopped or stands.ended):
        points["stop point"] = specified.model_copy(update={"at": "stopped"})
    elif stands.positions:
        points["last commit"] = None
    elif chosen is None:
        points[f"as specified: {specified.at or 'by the source'}"] = specified
    for word in ("latest", "earliest"):
        points[word] = specified.model_copy(update={"at": word})
    return points


@dataclass(frozen=True, slots=True)
class _Pace:
    """Records a second while batches were worked on, and records per unit of the sources."""

    rate: float | None
    each: float | None


def _point(name: str, look: Outlook, units: Mapping[str, str], pace: _Pace, kept: int) -> Point:
    if look.trouble:
        return Point(start=name, positions={}, trouble=look.trouble)
    left = sum(look.left.values())
    records = None if pace.each is None else round(left * pace.each)
    return Point(
        start=name,
        left=_said(look.left, units),
        records=records if left else 0,
        again=_said(look.again, units),
        lost=_said(look.lost, units),
        seconds=None if pace.rate is None or records is None else records / pace.rate,
        state_rows=kept,
        cut=None if look.cut is None else _moment(look.cut),
        positions=look.positions,
    )


def _moment(us: int) -> datetime | None:
    """An event time; None beyond Python's calendar, where no window is told."""
    try:
        return datetime.fromtimestamp(us / 1e6, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _said(amounts: Mapping[str, int], units: Mapping[str, str]) -> str:
    """Amounts in words, a sum per unit; empty for nothing."""
    sums: Counter[str] = Counter()
    for stream, amount in amounts.items():
        sums[units[stream]] += amount
    one = {unit: unit.removesuffix("es" if unit.endswith("ches") else "s") for unit in sums}
    return ", ".join(number_of(amount, one[unit]) for unit, amount in sums.items() if amount)
