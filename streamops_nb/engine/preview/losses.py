"""Why rows did not come out of a stage: for each row the term of a condition that let it go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamops_nb.engine.preview.trace import Trace, Tracing
from streamops_nb.model.errors import Interrupted, StreamopsError
from streamops_nb.plan.probing import Branch, Term, branches
from streamops_nb.plan.stage import Stage
from streamops_nb.plan.tracing import inputs_of
from streamops_nb.plan.tree import column

__all__ = ["Followed", "Loss", "follow"]

_MOST = 2**28
"""Bytes that the rows of a FROM clause may have to be looked at."""
_UNKNOWN = "did not come out"


@dataclass(frozen=True, kw_only=True, slots=True)
class Loss:
    """Rows of a relation that a stage dropped for one reason.

    Parameters
    ----------
    reason
        As ``WHERE temp > $threshold (query 2:43)``.
    numbers
        Which rows, in order.
    """

    relation: str
    reason: str
    numbers: np.ndarray


@dataclass(frozen=True, kw_only=True, slots=True)
class Followed:
    """A traced preview, and per stage that can be followed what it dropped."""

    trace: Trace
    losses: Mapping[str, tuple[Loss, ...]]


def follow(tracing: Tracing, query: str) -> Followed:
    """Follow the rows of a preview, and find out why those were dropped that were.

    Parameters
    ----------
    query
        The user's text.
    """
    trace = tracing.run()
    followed = [name for name, step in trace.steps.items() if step.made is not None]
    losses = {name: tuple(_losses(name, trace, tracing, query)) for name in followed}
    return Followed(trace=trace, losses=losses)


def _losses(name: str, trace: Trace, tracing: Tracing, query: str) -> Iterator[Loss]:
    stage = trace.steps[name].stage
    # what a SEMI or ANTI join looks at does not come out anyhow
    seen = {i.name for i in inputs_of(stage) if not i.item.hidden}
    dropped = {n: rows for n, rows in trace.dropped(name).items() if n in seen and len(rows)}
    if not dropped:
        return
    try:
        reasons = _reasons(stage, trace, tracing, query)
    except Interrupted:
        raise
    except StreamopsError:  # a FROM clause that is too large, an expression that fails
        reasons = {}
    for relation, numbers in dropped.items():
        told = reasons.get(relation)
        of_each = np.full(len(numbers), _UNKNOWN, object) if told is None else told[numbers]
        for reason in dict.fromkeys(of_each.tolist()):
            yield Loss(relation=relation, reason=reason, numbers=numbers[of_each == reason])


def _reasons(stage: Stage, trace: Trace, tracing: Tracing, query: str) -> dict[str, np.ndarray]:
    """Per relation and row, why it did not come out, as far as it did not."""
    found: dict[str, np.ndarray] = {}
    tracing.show(inputs_of(stage))
    for branch in branches(stage, query, tracing.tree):
        if any(not (join["condition"] or join["using_columns"]) for join in branch.joins()):
            continue  # every row with every row
        terms = branch.terms("where_clause")
        inputs = [i for i in branch.inputs if not i.item.hidden]
        columns = {f"_holds_{n}": branch.tried(term.node) for n, term in enumerate(terms)}
        columns |= {i.number: column(i.number) for i in inputs}
        sql = tracing.fill(branch.over(branch.node["from_table"], columns, where=False))
        rows = tracing.session.table(sql, most=_MOST)
        words = [*(_of_term(term) for term in terms), _after(branch), _before(branch)]
        passed = _passed(rows, len(terms))
        for each in inputs:
            reached = _furthest(rows[each.number], passed, trace.table(each.name).num_rows)
            told = np.array(words, object)[reached]
            known = found.get(each.name)
            # of a UNION, the last part that reads it
            found[each.name] = told if known is None else np.where(reached < 0, known, told)
    return found


def _passed(rows: pa.Table, terms: int) -> np.ndarray:
    """For each row how many terms hold before the first that does not."""
    passed, still = np.zeros(rows.num_rows, dtype=np.int64), np.ones(rows.num_rows, dtype=bool)
    for number in range(terms):
        still &= pc.fill_null(rows[f"_holds_{number}"].cast(pa.bool_()), False).to_numpy()
        passed += still
    return passed


def _furthest(numbers: pa.ChunkedArray, passed: np.ndarray, rows: int) -> np.ndarray:
    """Per row of a relation the most terms that held; -1 if the FROM clause does not give it."""
    reached = np.full(rows, -1, dtype=np.int64)
    known = pc.is_valid(numbers).to_numpy()
    np.maximum.at(reached, pc.drop_null(numbers).to_numpy(), passed[known])
    return reached


def _of_term(term: Term) -> str:
    return f"{term.clause} {term.text} ({term.where})"


def _after(branch: Branch) -> str:
    """What drops a row for which WHERE holds."""
    terms = [term for clause in ("having", "qualify") for term in branch.terms(clause)]
    return " and ".join(map(_of_term, terms)) or _UNKNOWN


def _before(branch: Branch) -> str:
    """What drops a row that does not even come out of the FROM clause."""
    return "no partner in the join" if branch.joins() else "in no window"
