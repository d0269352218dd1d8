"""The table of calls against the door itself: nothing public is left out, or in by accident."""

from __future__ import annotations

import inspect

import pytest

from streamops_nb.client.workspace import RemoteResources, RemoteSamples, RemoteWorkspace
from streamops_nb.ops.alarms import Alarms
from streamops_nb.ops.failures import Failures
from streamops_nb.ops.job import Job
from streamops_nb.ops.output import Output
from streamops_nb.ops.preview.samples import Samples
from streamops_nb.ops.resources import Resources
from streamops_nb.ops.tokens import Tokens
from streamops_nb.ops.workspace import Workspace
from streamops_nb.wire.calls import CALLS, HERE, Gives
from streamops_nb.wire.role import Role

DOORS = {
    "": Workspace,
    "resources.": Resources,
    "samples.": Samples,
    "alarms.": Alarms,
    "failures.": Failures,
    "tokens.": Tokens,
}
PUBLIC = [f"{place}{name}" for place, door in DOORS.items() for name in dir(door) if name[0] != "_"]


@pytest.mark.parametrize("name", PUBLIC)
def test_what_is_public_on_the_door_is_a_call_or_says_why_not(name: str) -> None:
    assert (name in CALLS) != (name in HERE)


def test_the_table_names_nothing_that_the_door_has_not() -> None:
    apart = {"stream.append", "previews.run", "previews.latest", "heals.apply"}
    assert {*CALLS, *HERE} - apart == set(PUBLIC)


@pytest.mark.parametrize("name", CALLS)
def test_every_parameter_of_a_call_can_travel(name: str) -> None:
    call = CALLS[name]
    taken = {p.name for p in call.parameters} | set(call.local)
    named = {
        p.name
        for p in list(inspect.signature(call.method).parameters.values())[1:]
        if p.kind is not p.VAR_KEYWORD
    }
    assert named <= taken


@pytest.mark.parametrize("name", [n for n in CALLS if "." not in n])
def test_the_client_has_a_method_of_its_own_for_every_call(name: str) -> None:
    assert name in vars(RemoteWorkspace)
    assert inspect.getdoc(getattr(RemoteWorkspace, name))


@pytest.mark.parametrize(
    ("kind", "place"), [(RemoteResources, "resources"), (RemoteSamples, "samples")]
)
def test_the_client_has_a_method_of_its_own_for_every_call_of_a_part(
    kind: type, place: str
) -> None:
    assert vars(kind).keys() >= {c.partition(".")[2] for c in CALLS if c.startswith(f"{place}.")}


def test_a_job_in_the_hand_asks_only_what_is_public() -> None:
    for kind in (Job, Output):
        assert "_workspace._" not in inspect.getsource(kind)


def test_every_value_says_of_which_type_it_is() -> None:
    untold = [c.name for c in CALLS.values() if c.gives is Gives.VALUE and c.hint is None]
    assert untold == []


def test_changing_anything_takes_more_than_looking() -> None:
    looking = {c.name for c in CALLS.values() if c.role is Role.VIEWER}
    assert looking == {
        "alarms.active", "alarms.df", "alarms.rules", "compare_runs", "config", "diff", "errors",
        "events", "export", "fits", "follow", "forecast", "history", "metrics", "news", "now",
        "output", "read", "reject_counts", "reject_table", "rejects", "resources.status", "runs",
        "samples.list", "select", "spec", "state", "summary", "table", "versions", "view", "views",
    }  # fmt: skip
