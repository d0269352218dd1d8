"""Events survive JSON, and nothing unknown passes for one."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamops_nb.model import events
from streamops_nb.model.batch import Slice, Span
from streamops_nb.model.errors import StorageError
from streamops_nb.model.events import (
    FOREVER,
    KINDS,
    NEVER,
    BatchCommitted,
    Batches,
    ErrorRaised,
    Event,
    JobSaved,
    RunEnded,
    from_json,
    to_json,
)
from streamops_nb.model.flow import Holder, StageRows
from streamops_nb.model.lifecycle import Status

_text = st.text(max_size=8)
_count = st.integers(0, 2**62)
_seconds = st.floats(0, 4e9)
_offsets = st.integers(0, 2**62)
_spans = st.dictionaries(
    _text, st.lists(st.builds(Slice, _text, _offsets, _offsets), max_size=3).map(tuple).map(Span)
)
_of_type = {
    "str": _text,
    "int": _count,
    "float": _seconds,
    "bool": st.booleans(),
    "int | None": st.none() | _count,
    "float | None": st.none() | _seconds,
    "Status": st.sampled_from(Status),
    "Mapping[str, Span]": _spans,
    "Mapping[str, int]": st.dictionaries(_text, st.integers(NEVER, FOREVER)),
    "Mapping[str, float]": st.dictionaries(_text, _seconds),
    "Mapping[str, Holder]": st.dictionaries(_text, st.builds(Holder, _text, _count, _count)),
    "Mapping[str, StageRows]": st.dictionaries(
        _text, st.builds(StageRows, _count, _count, _count, _count)
    ),
}
_events = st.one_of(
    *(
        st.builds(kind, **{f.name: _of_type[str(f.type)] for f in fields(kind)})
        for kind in KINDS.values()
    )
)


@given(_events)
def test_an_event_comes_back_from_json_as_it_was(event):
    assert from_json(json.loads(json.dumps(to_json(event)))) == event


def test_the_family_is_closed_and_complete():
    declared = {
        name
        for name in events.__all__
        if isinstance(getattr(events, name), type) and getattr(events, name) not in (Event, Batches)
    }
    assert declared == set(KINDS)


def test_an_event_written_before_a_field_was_added_can_be_read():
    optional = {f.name for f in fields(BatchCommitted) if f.default is not MISSING} | {
        f.name for f in fields(BatchCommitted) if f.default_factory is not MISSING
    }
    whole = to_json(BatchCommitted(job="a", at=1.0, n=3))
    old = {key: value for key, value in whole.items() if key not in optional}
    assert from_json(old) == BatchCommitted(job="a", at=1.0, n=3)


def test_json_holds_plain_values_only():
    event = BatchCommitted(job="a", at=1.0, n=3, spans={"s": Span((Slice("0", 1, 2),))})
    assert to_json(event)["spans"] == {"s": [["0", 1, 2]]}
    ended = to_json(RunEnded(job="a", at=1.0, status=Status.FAILED, reason="x"))
    assert (type(ended["status"]), ended["status"]) == (str, "FAILED")
    assert not any(isinstance(v, Mapping) and type(v) is not dict for v in to_json(event).values())


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"event": "JobSold", "job": "a"}, "unknown event 'JobSold' - a newer streamops_nb"),
        ({"job": "a"}, "unknown event None"),
        ({"event": "JobSaved", "job": "a", "at": 1.0}, "JobSaved cannot be read: .*author"),
        ({"event": "RunEnded", "job": "a", "at": 1.0, "status": "AWAY"}, "RunEnded cannot be read"),
    ],
)
def test_what_is_no_event_of_this_version_is_refused(value, said):
    with pytest.raises(StorageError, match=said):
        from_json(value)


def test_an_event_cannot_be_changed():
    event = JobSaved(job="a", at=1.0, version=1, author="me")
    with pytest.raises(AttributeError):
        event.version = 2
    assert ErrorRaised(job="a", at=1.0, stage="s", kind="k", message="m").batch is None
