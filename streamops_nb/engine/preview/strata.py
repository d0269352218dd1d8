"""Samples in which rare keys appear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from streamops_nb.engine.preview.choosing import last_of_each
from streamops_nb.engine.preview.draw import Draw, Draws, Found
from streamops_nb.engine.watermark import NEVER
from streamops_nb.model.errors import Fault, SpecRefused
from streamops_nb.model.wording import did_you_mean

__all__ = ["latest_of_strata"]

_LOOK = 20
"""So many times the rows wanted are looked at."""


def latest_of_strata(draws: Draws, column: str, rows: int) -> Mapping[str, Found]:
    """Read the latest records such that every key has an even share, its latest ones.

    Streams without the column are read as they are.

    Raises
    ------
    SpecRefused
        If no stream has the column.
    """
    having = [name for name, draw in draws.items() if column in draw.schema]
    if not having:
        known = {field for draw in draws.values() for field in draw.schema}
        what = f"no stream has a field `{column}`"
        raise SpecRefused([Fault(where="strata", what=what, remedy=did_you_mean(column, known))])
    return {
        name: _chosen(draw, column, rows) if name in having else draw.latest(rows)
        for name, draw in draws.items()
    }


def _chosen(draw: Draw, column: str, rows: int) -> Found:
    found = draw.latest(rows * _LOOK)
    drawn = found.drawn
    decoded = draw.fields.columns(drawn.raw, [column])
    keys = decoded[column].combine_chunks().dictionary_encode()
    values = keys.indices.fill_null(len(keys.dictionary)).to_numpy()
    # records that do not decode are a group of their own
    codes = np.full(drawn.raw.num_rows, len(keys.dictionary) + 1)
    codes[decoded["_row"].to_numpy()] = values
    _, codes = np.unique(codes, return_inverse=True)
    keep = last_of_each(codes, rows)
    keyed = np.zeros(len(codes), dtype=bool)
    keyed[decoded["_row"].to_numpy()] = True
    looked = replace(
        drawn.coverage,
        strata=column,
        keys=len(np.unique(codes[keep & keyed])),
        keys_seen=len(np.unique(codes[keyed])),
    )
    if keep.all():
        return replace(found, drawn=replace(drawn, coverage=looked))
    left = found.times[~keep]
    cut = int(left.max()) + 1 if (left > NEVER).any() else NEVER
    return found.kept(keep, cut=cut, coverage=looked, truncated="rows")
