"""What a request must not be - from elsewhere, too large, slow, often - and what holds nothing."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest

import streamops_nb as so
from streamops_nb.engine.preview.work import Work
from streamops_nb.server.guard import Bounds
from tests.ops.operated import plant, until
from tests.serving.served import House, served

SMALL = Bounds(body=20_000, receive=1.0, send=1.0, rate=50, burst=60, failures=5, streams=3)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with served(tmp_path_factory.mktemp("guard")) as made:
        made.owner.resources.ensure()
        made.owner.save(plant("a"))
        yield made


@pytest.fixture
def small(tmp_path: Path) -> Iterator[House]:
    with served(tmp_path, bounds=SMALL) as made:
        yield made


def test_life_signs_need_no_token_and_say_nothing(house: House) -> None:
    assert [house.ask("", path).text for path in ("/live", "/ready")] == ["live\n", "ready\n"]


@pytest.mark.parametrize("path", ["/metrics", "/openapi.json", "/v1/about", "/v1/nothing"])
def test_all_else_does(house: House, path: str) -> None:
    assert house.ask("", path).status_code in (401, 429)


def test_metrics_are_what_prometheus_reads(house: House) -> None:
    text = house.ask("viewer", "/metrics").text
    assert '{job="a"' in text
    assert text.startswith("# HELP streamops_job_")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example:5006"}, 421),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
    ],
)
def test_a_page_of_another_site_does_not_get_in(
    house: House, headers: dict[str, str], status: int
) -> None:
    answer = house.ask("admin", "/v1/select", {}, **headers)
    assert answer.status_code == status
    assert answer.json()["error"] in ("Refused", "Forbidden")


def test_a_page_of_the_same_origin_does(house: House) -> None:
    assert house.ask("admin", "/v1/select", {}, origin=house.url).json() == ["a"]


def test_a_token_in_an_address_is_refused_and_no_token_is_logged(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = house.tokens["admin"]
    assert house.ask("admin", f"/v1/about?token={token}").status_code == 400
    assert house.ask("admin", "/v1/about").status_code == 200

    def ours() -> list[str]:
        return [r.getMessage() for r in caplog.records if r.name.startswith("streamops")]

    # the answer may be here before its line is
    until(lambda: any("the-admin GET '/v1/about' 200" in line for line in ours()))
    assert not any(token in line for line in ours())


def test_a_request_that_is_too_large_is_refused(small: House) -> None:
    told = small.ask("admin", "/v1/select", b" " * 30_000)
    assert (told.status_code, told.json()["error"]) == (413, "Refused")
    own = {"authorization": f"Bearer {small.tokens['admin']}"}
    pieces = (b" " * 1_000 for _ in range(40))
    told = small.client.post(f"{small.url}/v1/select", content=pieces, headers=own)
    assert told.status_code == 413


def test_a_request_that_does_not_arrive_is_given_up(small: House) -> None:
    with raw(small, "POST /v1/select", "content-length: 100") as line:
        assert b" 408 " in line.recv(100)


@pytest.mark.parametrize("asked", [0, 2])
@pytest.mark.parametrize("head", [b"", b"GET /live HTTP/1.1\r\nHost: local"])
def test_who_sends_no_head_of_a_request_is_hung_up_on(
    house: House, monkeypatch: pytest.MonkeyPatch, asked: int, head: bytes
) -> None:
    if not asked:
        monkeypatch.setattr("streamops_nb.server.serving._HEAD", 0.1)
    host, _, port = house.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as line:
        for _ in range(asked):
            line.sendall(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b""
            while not answer.endswith(b"live\n"):
                answer += line.recv(1000)
        monkeypatch.setattr("streamops_nb.server.serving._HEAD", 0.1)
        line.sendall(head or b"G")
        with suppress(ConnectionError):
            assert line.recv(100) == b""


def test_one_who_asks_too_often_waits_and_a_client_does_so_by_itself(small: House) -> None:
    statuses = [small.ask("viewer", "/v1/about").status_code for _ in range(90)]
    assert set(statuses) <= {200, 429}
    with small.door("operator") as ws:
        for _ in range(80):
            ws.select()


def test_guessing_tokens_is_slowed_and_does_not_lock_others_out(small: House) -> None:
    guessed = [
        small.ask("", "/v1/about", authorization=f"Bearer {number}").status_code
        for number in range(12)
    ]
    assert guessed[0] == 401
    assert guessed[-1] == 429
    assert small.ask("viewer", "/v1/about").status_code == 200


def test_a_client_that_does_not_read_holds_nothing(small: House) -> None:
    small.owner.stream("log").append(pa.table({"x": range(3_000_000)}))
    # the rows of a stream may be read by who runs the owner alone: a long answer all the same
    query = json.dumps({"query": "SELECT range AS x FROM range(8_000_000)"})
    head = f"content-length: {len(query)}"
    with ExitStack() as lines:
        for _ in range(5):
            lines.enter_context(raw(small, "POST /v1/read", head, query))
        assert small.ask("viewer", "/v1/select", {}).json() == []
        line = lines.enter_context(raw(small, "GET /v1/follow", "x: y"))
        line.recv(10)
        small.owner.save(plant("a"))
        with small.door("operator") as ws:
            assert ws.select() == ["a"]


def test_so_many_streams_are_open_at_one_time(small: House) -> None:
    with ExitStack() as lines:
        for _ in range(3):
            line = lines.enter_context(raw(small, "GET /v1/follow", "x: y"))
            assert b" 200 " in line.recv(1000)
        told = small.ask("viewer", "/v1/follow")
        assert (told.status_code, told.json()["error"]) == (503, "Unavailable")


def test_a_stream_ends_for_one_whose_token_is_taken_out(house: House) -> None:
    with house.door("admin") as ws:
        own = {"authorization": f"Bearer {ws.tokens.add('zoe', 'viewer')}"}
        listening = messages(house.client, f"{house.url}/v1/follow?since=0", own)
        assert next(listening)["event"] == "page"
        ws.tokens.remove("zoe")
        house.owner.save(plant("after"))
        assert list(listening) == []
        house.owner.delete("after")


def test_a_stream_goes_on_from_the_last_id(house: House) -> None:
    house.owner.save(plant("s"))
    own = {"authorization": f"Bearer {house.tokens['viewer']}"}
    pages = messages(house.client, f"{house.url}/v1/follow?since=0", own)
    first = next(pages)
    assert first["event"] == "page"
    pages.close()
    house.owner.save(plant("s", cu=0.2), comment="later")
    own["last-event-id"] = first["id"]
    later = json.loads(next(messages(house.client, f"{house.url}/v1/follow", own))["data"])
    assert [event["comment"] for event in later["events"]] == ["later"]


@pytest.mark.parametrize("since", ["-1", "x", "1" * 30, "%00"])
def test_a_number_that_is_none_is_refused(house: House, since: str) -> None:
    assert house.ask("viewer", f"/v1/follow?since={since}").status_code == 422


def test_a_preview_is_cancelled_from_another_thread(house: House) -> None:
    with house.door("operator") as ws:
        work = Work()
        threading.Timer(1.0, work.cancel).start()
        with pytest.raises(so.Interrupted, match="was cancelled"):
            ws.preview(SLOW, rows=100, work=work)
        assert ws.select("a") == ["a"]


def test_a_preview_of_a_client_that_went_away_is_cancelled(house: House) -> None:
    body = json.dumps({"what": SLOW, "rows": 100})
    with raw(house, "POST /v1/preview", f"content-length: {len(body)}\r\nx-request-id: 7", body):
        time.sleep(1.0)
    previewing = [t for t in threading.enumerate() if t.name.startswith("preview")]
    assert previewing
    with house.door("operator") as ws:
        assert ws.preview("a", rows=10).sample.rows == 10


SLOW = plant("slow", query="SELECT device FROM r, range(100000000000) t(x) WHERE temp + x < 0")


class raw:  # noqa: N801 - used as a function
    """A request written by hand; the connection is closed at the end of the block."""

    def __init__(self, house: House, ask: str, head: str, body: str = "") -> None:
        host, _, port = house.url.removeprefix("http://").partition(":")
        self._line = socket.create_connection((host, int(port)), timeout=30)
        token = house.tokens["operator"]
        text = f"{ask} HTTP/1.1\r\nhost: {host}:{port}\r\nauthorization: Bearer {token}\r\n"
        self._line.sendall(f"{text}{head}\r\n\r\n{body}".encode())

    def __enter__(self) -> socket.socket:
        return self._line

    def __exit__(self, *_: object) -> None:
        self._line.close()


def messages(client: httpx.Client, url: str, headers: dict[str, Any]) -> Iterator[dict[str, str]]:
    with client.stream("GET", url, headers=headers, timeout=30) as answer:
        found: dict[str, str] = {}
        for line in answer.iter_lines():
            if line:
                key, _, value = line.partition(": ")
                found[key] = value
            else:
                if found.get("event") == "page":
                    yield found
                found = {}
