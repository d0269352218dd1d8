"""Which part of a job's kept window state goes on under a plan, and which windows are whole then.

Where a stage changes, its state and that of all stages that it feeds are dropped: what they kept is
made of other rows than those that will come. The others go on from the same position as if nothing
had been. A stage that begins anew there has lost the rows before: its windows are whole from just
after the largest event time seen of its streams on, or from what a stage that went on has already
handed to it; windows that begin earlier were cut off.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from streamops_nb.engine.checkpoint import JobFile
from streamops_nb.engine.inlet import Inlet
from streamops_nb.engine.record import Checkpoint
from streamops_nb.engine.start import reached
from streamops_nb.engine.watermark import FOREVER, NEVER
from streamops_nb.plan.operator import Operator, Plan

__all__ = ["Kept", "kept_of", "kept_under", "stage_of", "state_of", "with_cuts", "without"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What becomes of the window state in a job's file.

    Parameters
    ----------
    stays, goes
        The stages whose state goes on, and those whose state is dropped, each with its rows.
    drops
        The tables of the latter, quoted.
    anew
        The operators of the plan that begin with empty windows where others may go on.
    """

    stays: Mapping[str, int] = field(default_factory=dict)
    goes: Mapping[str, int] = field(default_factory=dict)
    drops: tuple[str, ...] = ()
    anew: frozenset[str] = frozenset()


def stage_of(table: str) -> str:
    """Name the stage that keeps a table of state: ``"job_x"."state_<stage>_<number>"``."""
    name = re.sub(r'^"[^"]*"\.', "", table).replace('"', "")
    return name.removeprefix("state_").rpartition("_")[0]


def state_of(plan: Plan) -> dict[str, tuple[str, str]]:
    """Give the state tables of a plan with their fingerprints, as `JobFile.state` does."""
    return {table.name: (table.fingerprint, table.fed) for table in plan.tables}


def kept_of(file: JobFile, stands: Checkpoint) -> Kept:
    """Give all that is kept, if all of it goes on."""
    return Kept(stays=_rows(file.state() or {}, stands))


def kept_under(plan: Plan, file: JobFile, stands: Checkpoint, *, reads_back: bool) -> Kept:
    """Say what a plan would go on with.

    Parameters
    ----------
    stands
        Where the job stands in the file.
    reads_back
        Whether cut-off windows are rebuilt by reading back. That is done for all stages or none:
        one that went on would read rows twice.
    """
    kept = file.state()
    if kept is None:
        return Kept()
    anew = _anew(plan, kept)
    wanted = {table.name for table in plan.tables}
    if reads_back and anew:
        anew = frozenset(operator.name for operator in plan.operators)
    drops = tuple(name for name in kept if name not in wanted or stage_of(name) in anew)
    return Kept(
        stays=_rows((name for name in kept if name not in drops), stands),
        goes=_rows(drops, stands),
        drops=drops,
        anew=anew,
    )


def _rows(tables: Iterable[str], stands: Checkpoint) -> dict[str, int]:
    rows: Counter[str] = Counter()
    for name in tables:
        rows[stage_of(name)] += stands.state_rows.get(name, 0)
    return dict(rows)


def _anew(plan: Plan, kept: Mapping[str, tuple[str, str]]) -> frozenset[str]:
    """The operators whose state tables changed, and all that they feed."""
    wanted = state_of(plan)
    changed = {stage_of(name) for name in {*kept, *wanted} if _differs(name, kept, wanted)}
    anew: set[str] = set()
    for operator in plan.operators:
        if operator.name in changed or anew & operator.trails.keys():
            anew.add(operator.name)
    return frozenset(anew)


def _differs(
    name: str, kept: Mapping[str, tuple[str, str]], wanted: Mapping[str, tuple[str, str]]
) -> bool:
    if name not in kept or name not in wanted:
        return True
    (here, fed), (there, feeds) = kept[name], wanted[name]
    return here != there or fed not in ("", feeds)


def without(kept: Kept, stands: Checkpoint, *, emits_cut_off: bool) -> Checkpoint:
    """Give a checkpoint without what is dropped of the window state; the position stays."""
    return replace(
        stands,
        frontiers={k: v for k, v in stands.frontiers.items() if k not in {*kept.anew, *kept.goes}},
        state_rows={k: v for k, v in stands.state_rows.items() if k not in kept.drops},
        merged_rows={k: v for k, v in stands.merged_rows.items() if k not in kept.drops},
        emits_cut_off=emits_cut_off,
    )


def with_cuts(
    plan: Plan, inlets: Mapping[str, Inlet], stands: Checkpoint, anew: frozenset[str]
) -> Checkpoint:
    """Tell of every operator from where its windows are whole.

    Parameters
    ----------
    stands
        Where the job stands, with the frontiers of those that go on.
    anew
        The operators that begin with empty windows there.
    """
    read = {name: reached(inlet, stands) for name, inlet in inlets.items()} if anew else {}
    everywhere = replace(stands, cuts={})
    begins: dict[str, int] = {}
    for operator in plan.operators:
        begins_anew = operator.name in anew
        found = [(everywhere if begins_anew else stands).cut_of(operator)]
        for source, trail in operator.trails.items():
            # what a stream lost is told by the stage that lost it
            at = begins.get(source, read.get(source, NEVER) if begins_anew else NEVER)
            if begins_anew and source in begins and source not in anew:
                at = max(at, _handed(plan, source, stands, read))
            found.append(_later(at, trail))
        begins[operator.name] = max(found)
    cuts = {o.name: begins[o.name] for o in plan.operators}
    later = {o.name for o in plan.operators if cuts[o.name] > everywhere.cut_of(o)}
    return replace(stands, cuts={name: at for name, at in cuts.items() if name in later})


def _handed(plan: Plan, name: str, stands: Checkpoint, read: Mapping[str, int]) -> int:
    """Before which of its windows an operator may have handed rows on already."""
    operator = next(each for each in plan.operators if each.name == name)
    closed = stands.frontiers.get(name, NEVER)
    if closed == FOREVER:
        return _later(max(read[stream] for stream in operator.frontier), operator.cut_trail)
    return _later(closed, 1 - _shortest(operator))


def _shortest(operator: Operator) -> int:
    """The length of the shortest of an operator's windows."""
    window = operator.window
    return window.slide if window.kind == "cumulate" else window.size


def _later(at: int, by: int) -> int:
    return at if at <= NEVER else at + by
