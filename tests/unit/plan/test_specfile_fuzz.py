"""Whatever is handed in, the answer is a specification or a refusal in words."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streamops_nb.model.errors import SpecRefused
from streamops_nb.model.spec import JobSpec
from streamops_nb.plan import specfile

FULL: dict[str, Any] = {
    "schema_version": 1,
    "name": "hot_minutes",
    "description": "Minutes in which a device was hot.",
    "owner": "ana",
    "tags": ["plant"],
    "streams": {
        "readings": {
            "source": {"type": "simulator", "devices": 100, "rate": 500},
            "format": {"type": "csv", "delimiter": ";"},
            "schema": {"ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "DOUBLE"},
            "event_time": "ts",
            "watermark_delay": "5s",
            "idle_timeout": "1m",
            "max_ahead": "1d",
        }
    },
    "references": {"devices": {"type": "csv", "path": "devices.csv"}},
    "params": {"threshold": {"type": "DOUBLE", "default": 30, "min": 0, "max": 100}},
    "query": "SELECT * FROM readings",
    "sink": {"type": "table", "key": ["device"], "retention": {"age": "7d", "rows": 1000000}},
    "trigger": {"interval": "1s", "rows": 100000, "bytes": "32MiB"},
    "resources": {"cu": 0.1, "read_rate": None},
    "errors": {
        "policy": "reject",
        "max_reject_share": None,
        "late": "count",
        "keep": 1000,
        "retries": {"attempts": 3, "first": "1s", "longest": "1m"},
    },
    "start": {"at": {"positions": {"readings": {"0": 12}}}, "cut_off": "drop", "lookback": None},
}


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    return found + [inner for key, item in items for inner in _paths(item, (*path, key))]


KEYS = st.text(max_size=6) | st.integers() | st.none() | st.booleans() | st.floats()
ANYTHING = st.recursive(
    KEYS | st.binary(max_size=3) | st.dates() | st.just(object()),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3) | st.tuples(inner)
    ),
    max_leaves=5,
)
CHANGES = st.lists(
    st.tuples(st.sampled_from(_paths(FULL)), ANYTHING, st.sampled_from(["set", "delete", "add"])),
    min_size=1,
    max_size=4,
)


def changed(changes: list[tuple[tuple[Any, ...], Any, str]]) -> Any:
    data = copy.deepcopy(FULL)
    for path, value, how in changes:
        at: Any = data
        try:
            for step in path[:-1]:
                at = at[step]
            if how == "delete":
                del at[path[-1]]
            elif how == "add":
                at[path[-1]][value] = value
            else:
                at[path[-1]] = value
        except (KeyError, TypeError, IndexError):
            continue  # an earlier change took away the place of this one
    return data


def test_the_full_example_is_accepted() -> None:
    spec = specfile.load(FULL)
    assert specfile.load(specfile.dump(spec)) == spec
    assert spec.model_dump(mode="json", exclude_unset=True)["streams"] == FULL["streams"]


def outcome(make: Callable[[Any], JobSpec], value: Any) -> JobSpec | SpecRefused:
    """Give the specification or the refusal; any other error is a failure of the test."""
    try:
        return make(value)
    except SpecRefused as refusal:
        return refusal


@given(CHANGES)
def test_a_specification_changed_anywhere_is_accepted_or_refused_in_words(changes: Any) -> None:
    found = outcome(specfile.load, changed(changes))
    if isinstance(found, JobSpec):
        assert specfile.load(specfile.dump(found)) == found
    else:
        assert found.faults
        assert all(fault.what for fault in found.faults)
        assert "pydantic" not in str(found)


@given(ANYTHING)
def test_anything_at_all_is_refused_in_words(value: Any) -> None:
    for make in (JobSpec.model_validate, lambda value: specfile.load({"name": value})):
        assert isinstance(outcome(make, value), SpecRefused)


@given(st.text() | st.text(alphabet="ab:-[]{}&*!|>'\"#, \n\t%@?", max_size=40))
def test_any_text_is_refused_in_words(text: str) -> None:
    assert isinstance(outcome(specfile.load, text), SpecRefused)
