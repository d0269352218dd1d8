"""By which columns the rows of a stage can be told apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from streamops_nb.plan.relation import Item, Kind
from streamops_nb.plan.stage import Stage
from streamops_nb.plan.tree import Node, same

__all__ = ["hands_on", "keys_of", "selected"]


def keys_of(
    stages: Iterable[Stage], streams: Mapping[str, tuple[str, ...]] | None = None
) -> dict[str, tuple[str, ...]]:
    """Give for each stage the columns that are different for every two rows of it, if it has some.

    A stage that groups has its keys, windows among them; one that only hands on the rows of such
    stages, or of streams, has theirs. A key that is not in the SELECT list is left out, so two rows
    may still be equal in the others.

    Parameters
    ----------
    streams
        The columns that tell the rows of streams apart, as far as they are known.
    """
    found: dict[str, tuple[str, ...]] = {}
    for stage in stages:
        if stage.node["type"] != "SELECT_NODE" or stage.kind is Kind.REFERENCE:
            continue
        known = {**(streams or {}), **found}
        found[stage.name] = _grouped(stage) if stage.aggregated else _handed_on(stage, known)
    return {name: keys for name, keys in found.items() if keys}


def selected(stage: Stage) -> dict[str, Node | None]:
    """Give for each output column of a SELECT its expression; None if a star hands it on."""
    named: dict[str, Node | None] = {}
    for entry in stage.node["select_list"]:
        if entry["class"] == "STAR":
            continue
        name = entry.get("alias") or (entry.get("column_names") or [""])[-1]
        named[str(name).lower()] = entry
    return {name: named.get(name.lower()) for name in stage.relation.columns}


def _grouped(stage: Stage) -> tuple[str, ...]:
    keys = [
        name
        for name, entry in selected(stage).items()
        if entry is not None and any(same(entry, key) or _names(key, name) for key in stage.keys)
    ]
    return tuple(keys)


def _names(key: Node, name: str) -> bool:
    """Whether a GROUP BY key is the bare name of an output column."""
    names = key.get("column_names") or []
    return len(names) == 1 and names[0].lower() == name.lower()


def _handed_on(stage: Stage, known: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    streaming = [item for item in stage.items if item.relation.kind is not Kind.REFERENCE]
    found: list[str] = []
    for item in streaming:
        names = _of_item(stage, item, known)
        if not names:
            return ()
        found += [name for name in names if name not in found]
    return tuple(found)


def _of_item(stage: Stage, item: Item, known: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The output columns that hand on the key of one input."""
    wanted = () if item.macro is not None else known.get(item.relation.name, ())
    names = []
    for key in wanted:
        name = next((n for n, e in selected(stage).items() if hands_on(n, e, key, item)), None)
        if name is None:
            return []
        names.append(name)
    return names


def hands_on(name: str, entry: Node | None, key: str, item: Item) -> bool:
    """Whether an output column of `selected` is a column of an item, as it is."""
    if entry is None:
        return name.lower() == key.lower()
    names = [str(part).lower() for part in entry.get("column_names") or []]
    return names in ([key.lower()], [item.alias.lower(), key.lower()])
