"""Rows that remember the record they were made of, while they wait in a window.

Beside each stream whose rows are kept stands the same stream with the place of every record: a
column that no query sees. Stages without windows, which make one row of a record or none or some,
are compiled a second time so that they hand the place on. What cannot be compiled so that users'
stars and whole-row references still mean the same is left without places.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from streamops_nb.db import Session, ident
from streamops_nb.plan.decompose import names_row
from streamops_nb.plan.relation import Item, Kind, Relation
from streamops_nb.plan.stage import Stage
from streamops_nb.plan.tree import Node, Tree, base_table, column, rewrite, walk

__all__ = [
    "OFFSET_BITS",
    "PARTITION_BITS",
    "PLACE",
    "STREAM_BITS",
    "Places",
    "create",
    "placed_stream",
    "streams_of",
]

PLACE = "_streamops_place"
"""The hidden column of a kept row.

One BIGINT holds it all: from the highest bit on the number of the stream among those that feed the
table, the number of the partition in the order of the checkpoint's positions, and the offset. NULL
where one of them is too large. Keeping a row of four columns takes 240 ns, this column 40 more;
offset and partition apart would take 55, with the partition's name as text 190.
"""
STREAM_BITS, PARTITION_BITS, OFFSET_BITS = 4, 16, 43


def placed_stream(name: str) -> str:
    """The relation that holds a stream's rows with their places."""
    return f"_streamops_{name}"


def streams_of(source: Relation) -> tuple[str, ...]:
    """The streams that feed a relation of rows, in the order in which places number them."""
    return tuple(sorted(source.frontier))


def create(session: Session, relation: Relation, *, placed: bool = False) -> None:
    """Create a relation as an empty table of the planner's session, and with places too."""
    tables = {relation.name: relation.columns}
    if placed:
        tables[placed_stream(relation.name)] = {**relation.columns, PLACE: "BIGINT"}
    for name, columns in tables.items():
        typed = ", ".join(f"{ident(column)} {kind}" for column, kind in columns.items())
        session.rows(f"CREATE OR REPLACE TEMP TABLE {ident(name)} ({typed})")


class Places:
    """Compiles stages so that their rows have places.

    Parameters
    ----------
    stages
        All stages by name.
    inline
        Puts a stage of references, and what it reads, among the common table expressions.
    """

    def __init__(
        self,
        stages: Mapping[str, Stage],
        tree: Tree,
        inline: Callable[[str, dict[str, str]], None],
    ) -> None:
        self._stages = stages
        self._tree = tree
        self._inline = inline

    def of(self, source: Relation, steps: dict[str, str]) -> str | None:
        """Add what gives the rows of a stream or stage with their places to `steps`.

        Returns
        -------
        str or None
            The relation that has them; None if they cannot be had.
        """
        streams = streams_of(source)
        if len(streams) > 2**STREAM_BITS:
            return None
        return self._placed(source.name, streams, steps)

    def _placed(self, name: str, streams: tuple[str, ...], steps: dict[str, str]) -> str | None:
        placed = f"_placed_{name}"
        stage = self._stages.get(name)
        if stage is None:
            number = streams.index(name) << (PARTITION_BITS + OFFSET_BITS)
            place = f"{PLACE} | {number} AS {PLACE}" if number else PLACE
            steps[placed] = f"SELECT * EXCLUDE ({PLACE}), {place} FROM {ident(placed_stream(name))}"
            return placed
        flows = {item.relation.name for item in stage.items if item.relation.kind is Kind.FLOW}
        if any(self._placed(below, streams, steps) is None for below in sorted(flows)):
            return None
        for below in stage.reads - flows:
            self._inline(below, steps)
        node = _handing_on(stage.node, stage.items)
        if node is None:
            return None
        steps[placed] = self._tree.sql(node)
        return placed


def _handing_on(node: Node, items: tuple[Item, ...]) -> Node | None:
    """The query with the place of its one streaming input as its last columns."""
    if node["type"] == "SET_OPERATION_NODE":
        parts = [_handing_on(part, items) for part in node["children"]]
        return None if None in parts else {**node, "children": parts}
    here = {id(below) for below in walk(node["from_table"])}
    flows = [i for i in items if i.relation.kind is Kind.FLOW and id(i.node) in here]
    if len(flows) != 1 or not _may_hide(node, flows[0]):
        return None
    (item,) = flows

    def change(below: Node) -> Node | None:
        return (
            base_table(f"_placed_{item.relation.name}", item.alias) if below is item.node else None
        )

    selected = [_without_place(entry, item) for entry in node["select_list"]]
    selected.append({**column(PLACE), "column_names": [item.alias, PLACE]})
    return {**node, "from_table": rewrite(node["from_table"], change), "select_list": selected}


def _may_hide(node: Node, item: Item) -> bool:
    """Whether columns can be added to an input without the query seeing them."""
    plain = {id(entry) for entry in node["select_list"] if _is_plain_star(entry)}
    outside = walk(node, into=lambda below: below.get("class") != "SUBQUERY")
    stars = {id(below) for below in outside if below.get("class") == "STAR"}
    counted = any(below.get("class") == "POSITIONAL_REFERENCE" for below in walk(node))
    whole = any(names_row(below, item) for below in walk(node))
    return stars <= plain and not counted and not whole


def _is_plain_star(entry: Node) -> bool:
    return entry["class"] == "STAR" and not entry["columns"] and entry["expr"] is None


def _without_place(entry: Node, item: Item) -> Node:
    if entry["class"] != "STAR" or entry["relation_name"].lower() not in ("", item.alias.lower()):
        return entry
    return {**entry, "exclude_list": [*entry["exclude_list"], PLACE]}
