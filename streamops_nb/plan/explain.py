"""A plan in words and as a small drawing."""

from __future__ import annotations

from streamops_nb.plan.operator import Operator, Plan
from streamops_nb.plan.relation import Kind
from streamops_nb.plan.stage import Stage
from streamops_nb.plan.window import words

__all__ = ["explain"]

_KEPT = {
    "partials": "partial aggregates, one row per key and pane (a piece of windows)",
    "rows": "its rows, until all their windows have closed",
    "closed rows": "closed rows, until the slower input has closed the same window",
    "times": "when sessions ended that the start point cut off, until those windows have closed",
}


def explain(plan: Plan) -> str:
    """Say what a plan keeps as state, when rows come out, and what the watermark does.

    Returns
    -------
    str
        Several lines: the drawing, then a paragraph per stage.
    """
    operators = {operator.name: operator for operator in plan.operators}
    stages = [stage for stage in plan.stages if _needed(stage, plan)]
    parts = [_drawing(plan, stages, operators)]
    parts += [_stage(stage, operators.get(stage.name)) for stage in stages]
    parts.append(_watermark(plan))
    if plan.marks:
        parts.append(
            "start point: windows that it cut off come out too, with true in the column _cut_off."
        )
    return "\n\n".join(parts) + "\n"


def _needed(stage: Stage, plan: Plan) -> bool:
    needed = {plan.stages[-1].name}
    for each in reversed(plan.stages):
        if each.name in needed:
            needed |= each.reads
    return stage.name in needed


def _drawing(plan: Plan, stages: list[Stage], operators: dict[str, Operator]) -> str:
    inputs = [*plan.streams, *plan.references]
    width = max(len(name) for name in [*inputs, *(stage.name for stage in stages)])
    lines = [f"{name:<{width}}  stream" for name in plan.streams]
    lines += [f"{name:<{width}}  reference" for name in plan.references]
    for stage in stages:
        reads = ", ".join(sorted(stage.reads)) or "-"
        operator = operators.get(stage.name)
        what = str(operator.window) if operator and operator.tables else stage.kind.said
        if operator and not operator.tables:
            what = "per closed window"
        kept = f"  [state: {_tables(operator)}]" if operator and operator.tables else ""
        lines.append(f"{stage.name:<{width}}  <- {reads}: {what}{kept}")
    lines.append(f"{'sink':<{width}}  <- {stages[-1].name}")
    return "\n".join(lines)


def _tables(operator: Operator) -> str:
    return ", ".join(f"{table.keeps} of {table.source}" for table in operator.tables)


def _stage(stage: Stage, operator: Operator | None) -> str:
    title = f"{stage.name} ({stage.where})"
    columns = ", ".join(f"{name} {kind}" for name, kind in stage.relation.columns.items())
    lines = [title, f"  columns: {columns}"]
    if stage.kind is Kind.REFERENCE:
        lines.append("  reads references only; evaluated whole.")
    elif operator is None:
        lines.append("  keeps nothing: each row goes through by itself, at once.")
    else:
        lines += _windows(operator)
    return "\n".join(lines)


def _windows(operator: Operator) -> list[str]:
    lines = [f"  keeps {_KEPT[table.keeps]} (from {table.source})." for table in operator.tables]
    if not operator.tables:
        lines.append(
            f"  keeps nothing: works on the windows that {_and(sorted(operator.direct))} has just "
            "closed."
        )
        return lines
    when = "no row has come for the gap, as the watermark tells"
    if operator.window.kind != "session":
        when = "the watermark passes its end"
    lines.append(f"  {operator.window}: rows of a window come out once, when {when}.")
    trails = {trail for trail in operator.frontier.values() if trail}
    if trails:
        lines.append(
            f"  it is fed by windows, so it closes {words(max(trails))} after the watermark."
        )
    if any(table.late is not None for table in operator.tables):
        lines.append(
            "  a row all of whose windows have closed is late: counted, not in the result."
        )
    return lines


def _and(names: list[str]) -> str:
    return " and ".join(names) if names else "an earlier stage"


def _watermark(plan: Plan) -> str:
    if not plan.operators:
        return "watermark: not needed, rows come out with the batch that reads them."
    times = ", ".join(f"{stream}.{column}" for stream, column in plan.event_times.items())
    return (
        f"watermark: from {times}. A stream's watermark is its largest event time less "
        "watermark_delay, the smallest over its partitions; partitions idle longer than "
        "idle_timeout do not count. A stage waits for the slowest of its streams. When all streams "
        "have ended, all windows close."
    )
