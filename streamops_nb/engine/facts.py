"""The events that a batch commits in its own transaction."""

from __future__ import annotations

from typing import Any

from streamops_nb.engine.loop import Done
from streamops_nb.model.events import BatchCommitted, LateFound, RejectsFound, SourceNoted, to_json

__all__ = ["batch_facts"]


def batch_facts(job: str, run: int, at: float, done: Done) -> list[dict[str, Any]]:
    """Make the facts of a batch, numbered from the checkpoint's last fact on.

    Parameters
    ----------
    job, run
        Whose they are.
    at
        Seconds since the epoch.
    """
    outcome, record, load = done.outcome, done.record, done.load
    seq = outcome.checkpoint.seq
    facts: list[Any] = [
        BatchCommitted(
            job=job,
            run=run,
            at=at,
            n=record.n,
            rows_in=outcome.rows_in,
            rows_out=outcome.rows_out,
            rejects=sum(n for (_, kind, _), n in outcome.rejects.items() if kind != "late"),
            bytes_in=sum(flow.raw.nbytes for flow in load.inflows.values()),
            late=outcome.late,
            partly_late=outcome.partly_late,
            cut_off=outcome.cut_off,
            spans=record.spans,
            watermarks=done.watermarks,
            frontiers={name: pair[1] for name, pair in record.frontiers.items()},
            lag=_lag(done),
            seconds={**load.seconds, **outcome.seconds, "commit": done.last_commit},
            state_rows=sum(outcome.checkpoint.state_rows.values()),
            holders=done.holders,
            looked_rows=outcome.rows_in if outcome.look.looked else 0,
            unordered=outcome.look.unordered,
            stages=outcome.look.stages,
            closes=outcome.look.closes,
        )
    ]
    facts += [
        RejectsFound(
            job=job, run=run, at=at, batch=record.n, stage=stage, kind=kind, count=n,
            example=outcome.examples[stage, kind, alike],
        )
        for (stage, kind, alike), n in outcome.rejects.items()
    ]  # fmt: skip
    if outcome.late or outcome.partly_late:
        facts.append(
            LateFound(
                job=job, run=run, at=at, batch=record.n, stage="",
                late=outcome.late, partly_late=outcome.partly_late,
            )
        )  # fmt: skip
    facts += [
        SourceNoted(job=job, run=run, at=at, stream=note.name, what=note.what, message=note.message)
        for note in done.notes
    ]
    return [to_json(fact) | {"seq": seq + i + 1} for i, fact in enumerate(facts)]


def _lag(done: Done) -> dict[str, int]:
    """Per stream, what was left to read when the batch was chosen, in the source's unit."""
    positions = done.outcome.checkpoint.positions
    lag = {}
    for name, ends in done.load.ends.items():
        position = positions.get(name, {})
        lag[name] = sum(
            max(0, latest - position.get(partition, ends.earliest.get(partition, 0)))
            for partition, latest in ends.latest.items()
        )
    return lag
