"""From a query to a plan; `Planner` is the door."""

from streamops_nb.plan.operator import Operator, Plan, StateTable
from streamops_nb.plan.planner import Param, Planner, StreamShape, load_macros
from streamops_nb.plan.statement import Statement

__all__ = [
    "Operator",
    "Param",
    "Plan",
    "Planner",
    "StateTable",
    "Statement",
    "StreamShape",
    "load_macros",
]
