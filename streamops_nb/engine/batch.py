"""The recipe of a batch.

::

    begin(n, spans, …) → read → decode → plan.run → sink.write(n) → commit (with facts, rejects)

`run_batch` does the second half, for rows that were read and decoded ahead. In one transaction
on the job's file it feeds the state tables, emits the windows that have closed, writes the output
and commits the checkpoint. If the process dies

* before the commit, the job's file is as after batch n-1; an external sink may hold batch n
  already, and gets it again with the same number and rows, because the record is used again;
* after the commit, batch n is done; its facts are in the job's file until they are copied.

An expression that fails on a row ends the transaction; the rows on which it fails are found
(`streamops_nb.engine.narrow`), become rejects, and the batch is run again without them.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from streamops_nb.db import Session
from streamops_nb.engine.attempt import Attempt, Batch, Failed, Target
from streamops_nb.engine.checkpoint import JobFile
from streamops_nb.engine.inflow import REJECTS
from streamops_nb.engine.look import Look, Looker
from streamops_nb.engine.narrow import repair
from streamops_nb.engine.record import Checkpoint
from streamops_nb.model.errors import TooManyRejects
from streamops_nb.model.fingerprint import VALUES
from streamops_nb.model.wording import number_of
from streamops_nb.plan.operator import Plan

__all__ = ["Outcome", "Policy", "run_batch"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What happens with bad and late rows.

    Parameters
    ----------
    fail
        Whether the first reject fails the job.
    max_reject_share
        The largest share of a batch's records that may be rejects; None for any.
    late_rejects
        Whether late rows are kept as rejects (they are always counted).
    keep
        The most rejects of one stage and kind that are kept of a batch; all are counted.
    """

    fail: bool = False
    max_reject_share: float | None = None
    late_rejects: bool = False
    keep: int = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a batch did, for its fact and the next checkpoint.

    Parameters
    ----------
    rejects, examples
        Per stage, kind and shape of the reason, how many there are, and the first reason.
    """

    checkpoint: Checkpoint
    rows_in: int
    rows_out: int
    rejects: Mapping[tuple[str, str, str], int]
    examples: Mapping[tuple[str, str, str], str]
    late: int
    partly_late: int
    cut_off: int
    seconds: dict[str, float]
    look: Look


def run_batch(
    plan: Plan,
    batch: Batch,
    checkpoint: Checkpoint,
    *,
    file: JobFile,
    session: Session,
    target: Target,
    policy: Policy,
    clocks: Mapping[str, Any],
    facts: Callable[[Outcome], list[dict[str, Any]]],
    looker: Looker | None = None,
    step: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Run one batch and commit it.

    Parameters
    ----------
    batch
        Its record and rows.
    checkpoint
        Where the job stands before it.
    clocks
        The streams' clocks after it, for the next checkpoint.
    facts
        Makes the events to commit with it.
    looker
        Looks at it more closely, if it may.
    step
        Called with the name of each step when it has been done; tests crash there.

    Raises
    ------
    TooManyRejects
        If the policy does not bear the batch's rejects; nothing is committed.
    StreamopsError
        If the batch failed for another reason than its rows; nothing is committed.
    """
    looker = looker or Looker(plan, session)
    while True:
        attempt = Attempt(plan, batch, session, checkpoint, keep_late=policy.late_rejects)
        look = looker.begin(attempt, batch)
        try:
            with session.transaction():
                written = attempt.evaluate(target)
                step("written")
                rejects = _rejects(batch, attempt)
                _bear(policy, batch, rejects)
                looker.end(look, attempt, batch, written)
                outcome = _outcome(batch, attempt, checkpoint, clocks, written, rejects, look)
                made = facts(outcome)
                after = replace(outcome.checkpoint, seq=checkpoint.seq + len(made))
                outcome = replace(outcome, checkpoint=after)
                begun = time.perf_counter()
                file.commit(batch.record, after, made, _newest(rejects, policy.keep))
                step("before commit")
            outcome.seconds["commit"] = time.perf_counter() - begun
            looker.worked(sum(outcome.seconds.values()))
            step("committed")
        except Failed as failed:
            repair(failed, plan, batch, session, checkpoint, policy.keep)
        else:
            return outcome


_NONE = REJECTS.empty_table()


def _rejects(batch: Batch, attempt: Attempt) -> pa.Table:
    """All rejects of the batch, with its number and time."""
    parts = [part for flow in batch.inflows.values() for part in flow.rejects]
    parts += [*batch.rejects, *attempt.late_rejects]
    if not parts:
        return _NONE
    table = pa.concat_tables(parts)
    number = pa.repeat(pa.scalar(batch.record.n, REJECTS[0].type), table.num_rows)
    time_ = pa.repeat(pa.scalar(batch.record.now, REJECTS[1].type), table.num_rows)
    return table.set_column(0, REJECTS[0], number).set_column(1, REJECTS[1], time_)


def _newest(rejects: pa.Table, keep: int) -> pa.Table:
    """The last `keep` rejects of each stage and kind."""
    if rejects.num_rows <= keep:
        return rejects
    left: Counter[tuple[str, str]] = Counter()
    places = []
    kinds = list(zip(rejects["stage"].to_pylist(), rejects["kind"].to_pylist(), strict=True))
    for place in range(rejects.num_rows - 1, -1, -1):
        left[kinds[place]] += 1
        if left[kinds[place]] <= keep:
            places.append(place)
    return rejects.take(pa.array(places[::-1]))


def _bear(policy: Policy, batch: Batch, rejects: pa.Table) -> None:
    """Refuse the batch if its rejects pass what the specification allows."""
    kinds = rejects["kind"].to_pylist()
    bad = len(kinds) - kinds.count("late")
    if not bad:
        return
    records = sum(flow.raw.num_rows for flow in batch.inflows.values())
    first = next(i for i, kind in enumerate(kinds) if kind != "late")
    example = rejects["reason"][first].as_py()
    if policy.fail:
        raise TooManyRejects(
            f"batch {batch.record.n} has {number_of(bad, 'reject')} and errors.policy is `fail`; "
            f"the first: {example}"
        )
    share = bad / max(records, 1)
    if policy.max_reject_share is not None and share > policy.max_reject_share:
        raise TooManyRejects(
            f"{bad} of {records} records of batch {batch.record.n} are rejects ({share:.1%}), more "
            f"than errors.max_reject_share = {policy.max_reject_share:g}; the first: {example}"
        )


def _outcome(
    batch: Batch,
    attempt: Attempt,
    checkpoint: Checkpoint,
    clocks: Mapping[str, Any],
    written: int,
    rejects: pa.Table,
    look: Look,
) -> Outcome:
    counts, examples = _told(rejects) if rejects.num_rows else ({}, {})
    return Outcome(
        checkpoint=checkpoint.after(
            batch.record,
            clocks=clocks,
            state_rows=attempt.state_rows,
            merged_rows=attempt.merged_rows,
        ),
        rows_in=sum(flow.raw.num_rows for flow in batch.inflows.values()),
        rows_out=written,
        rejects=counts,
        examples=examples,
        late=attempt.late,
        partly_late=attempt.partly_late,
        cut_off=attempt.cut_off,
        seconds=dict(attempt.seconds),
        look=look,
    )


_SHAPES = 20
"""Reasons of so many different shapes are told apart in one batch."""

Told = tuple[str, str, str]


def _told(rejects: pa.Table) -> tuple[dict[Told, int], dict[Told, str]]:
    """Count rejects by stage, kind and what their reasons have in common; give one of each."""
    # by Arrow: Python's regular expressions would take 5 µs a row
    shapes = pc.replace_substring_regex(rejects["reason"], VALUES, "…")
    told = rejects.select(["stage", "kind", "reason"]).append_column("shape", shapes)
    grouped = told.group_by(["stage", "kind", "shape"], use_threads=False)
    counts: Counter[Told] = Counter()
    examples: dict[Told, str] = {}
    for row in grouped.aggregate([("reason", "first"), ("reason", "count")]).to_pylist():
        alike = row["shape"] if len(counts) < _SHAPES else ""
        key = (row["stage"], row["kind"], alike)
        counts[key] += row["reason_count"]
        examples.setdefault(key, row["reason_first"])
    return counts, examples
