"""The description of the interface against the interface: requests made from it, thousands of them.

Whatever is asked, valid or not, is answered as the description says, and never with a failure of
the server's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

from streamops_nb.server.guard import Bounds
from streamops_nb.wire.calls import CALLS
from tests.ops.operated import plant
from tests.serving.served import House, served


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    bounds = Bounds(rate=1e6, burst=1e6)
    with served(tmp_path_factory.mktemp("openapi"), bounds=bounds) as made:
        made.owner.resources.ensure()
        made.owner.save(plant("a"))
        yield made


@pytest.fixture(scope="module")
def schema(house: House) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_dict(house.ask("viewer", "/openapi.json").json())


def test_every_call_is_described(house: House) -> None:
    paths = house.ask("viewer", "/openapi.json").json()["paths"]
    assert {path.removeprefix("/v1/") for path in paths} >= set(CALLS)


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
@pytest.mark.parametrize("name", [name for name in CALLS if name != "follow"])
def test_whatever_is_asked_is_answered_as_described(
    name: str, mode: schemathesis.GenerationMode, house: House, schema: schemathesis.BaseSchema
) -> None:
    headers = {"authorization": f"Bearer {house.tokens['admin']}"}
    strategy = schema[f"/v1/{name}"]["POST"].as_strategy(generation_mode=mode)

    @given(case=strategy)
    @settings(
        max_examples=10, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    def ask(case: schemathesis.Case) -> None:
        answer = case.call(base_url=house.url, headers=headers)
        assert answer.status_code != 500 or answer.json()["error"] != "StreamopsError", answer.text
        if answer.status_code != 200:
            assert set(answer.json()) == {"error", "message", "retryable", "faults"}

    there = _files()
    ask()
    assert _files() == there


def _files() -> list[Path]:
    """What lies in the working folder, but for what tools keep there, when they like."""
    return sorted(path for path in Path.cwd().iterdir() if not path.name.startswith("."))
