"""What a start would read, from each point it could begin at; nothing is read for good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from streamops_nb.engine.assembly import Surroundings, assemble, open_stream, timing_of
from streamops_nb.engine.inlet import Inlet
from streamops_nb.engine.kept import with_cuts
from streamops_nb.engine.record import Checkpoint
from streamops_nb.engine.start import first_checkpoint
from streamops_nb.model.batch import Position
from streamops_nb.model.errors import SourceError
from streamops_nb.model.secrets import mask
from streamops_nb.model.spec import JobSpec, Start
from streamops_nb.plan.operator import Plan
from streamops_nb.sources.base import Limit

__all__ = ["Outlook", "gone", "gone_words", "missing", "outlooks"]

_NOWHERE = "job"
"""Nothing is written, so the job's file need not be there."""

_ONE = Limit(rows=1, nbytes=1)
"""Enough for a source to look whether it can go on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """What would be read from one start point.

    Parameters
    ----------
    positions
        Per stream, the next offset of each partition.
    left, again, lost
        Per stream, in its unit: how much there is to read, how much of that was processed once,
        and how much is no longer retained.
    cut
        Windows that begin before it would be cut off, microseconds since the epoch; None: none.
    trouble
        Why nothing can be said: a source does not answer.
    """

    positions: Mapping[str, Position] = field(default_factory=dict)
    left: Mapping[str, int] = field(default_factory=dict)
    again: Mapping[str, int] = field(default_factory=dict)
    lost: Mapping[str, int] = field(default_factory=dict)
    cut: int | None = None
    trouble: str = ""


def outlooks(
    spec: JobSpec,
    around: Surroundings,
    *,
    stands: Checkpoint,
    points: Mapping[str, Start | None],
    anew: frozenset[str] = frozenset(),
) -> tuple[dict[str, Outlook], dict[str, str]]:
    """Look from several start points at once.

    Parameters
    ----------
    stands
        Where the job stands.
    points
        Start points by name; None goes on from where it stands.
    anew
        The stages that begin with empty windows if it goes on.

    Returns
    -------
    (dict, dict)
        An outlook by the name of the point, and per stream what its offsets count.

    Raises
    ------
    Refused
        If the specification or its query has faults.
    """
    written = spec.model_dump(mode="json")
    try:
        parts = assemble(spec, around, database=_NOWHERE)
    except SourceError as error:
        trouble = mask(str(error), written, around.environ)
        return dict.fromkeys(points, Outlook(trouble=trouble)), {}
    try:
        units = {name: inlet.source.traits.unit for name, inlet in parts.inlets.items()}
        found = {
            name: _look(parts.plan, parts.inlets, stands, start, anew)
            for name, start in points.items()
        }
        return {
            name: replace(look, trouble=mask(look.trouble, written, around.environ))
            for name, look in found.items()
        }, units
    finally:
        for inlet in parts.inlets.values():
            inlet.close()


def _look(
    plan: Plan,
    inlets: Mapping[str, Inlet],
    stands: Checkpoint,
    start: Start | None,
    anew: frozenset[str],
) -> Outlook:
    try:
        if start is None:
            first = with_cuts(plan, inlets, stands, anew)
        else:
            first = first_checkpoint(start, plan, inlets, stands)
        left, again, lost = {}, {}, {}
        for name, inlet in inlets.items():
            ends = inlet.ends()
            position = first.positions.get(name, {})
            begins = {p: position.get(p, low) for p, low in ends.earliest.items()}
            committed = stands.positions.get(name, {})
            reads = {p: max(at, ends.earliest[p]) for p, at in begins.items()}
            left[name] = sum(max(0, ends.latest[p] - at) for p, at in reads.items())
            again[name] = sum(
                max(0, min(ends.latest[p], committed.get(p, 0)) - at) for p, at in reads.items()
            )
            lost[name] = sum(gone(inlet, position).values())
    except SourceError as error:
        return Outlook(trouble=str(error))
    cut = max(first.cut, first.since, *first.cuts.values())
    cuts = bool(plan.operators) and cut > Checkpoint().cut
    return Outlook(
        positions=first.positions, left=left, again=again, lost=lost, cut=cut if cuts else None
    )


def missing(spec: JobSpec, around: Surroundings, stands: Checkpoint) -> str:
    """Say what sources no longer retain of what a job would go on with; empty for nothing.

    Raises
    ------
    SpecRefused
        If a setting or secret is missing.
    SourceError
        As of `gone`.
    """
    found = []
    for name, position in stands.positions.items():
        if name not in spec.streams:
            continue
        stream, session = spec.streams[name], around.instance.session()
        try:
            opened = open_stream(name, stream, around, session)
        except BaseException:
            session.close()
            raise
        inlet = Inlet(name, opened.source, opened.format, opened.schema, session, timing_of(stream))
        try:
            found.append(gone_words(inlet, gone(inlet, position)))
        finally:
            inlet.close()
    return "; ".join(words for words in found if words)


def gone_words(inlet: Inlet, lost: Mapping[str, int]) -> str:
    """Say what of a stream is gone, and the way out; empty for nothing."""
    if not lost:
        return ""
    unit = inlet.source.traits.unit
    parts = ", ".join(f"{count:,} {unit} of {inlet.name} {p}" for p, count in lost.items())
    return (
        f"the source no longer retains where the job stood: {parts} are gone - start it"
        " at `earliest` (behind the gap, without the kept window state)"
    )


def gone(inlet: Inlet, position: Position) -> dict[str, int]:
    """Give per partition how much from a position on is no longer retained.

    Raises
    ------
    SourceError
        If the source does not answer, or cannot go on from there without saying how much is lost:
        a file was replaced, a topic made anew.
    """
    earliest = inlet.ends().earliest
    lost = {p: low - position[p] for p, low in earliest.items() if position.get(p, low) < low}
    if position and not lost:
        inlet.cut(position, _ONE)
    return lost
