"""Alarms at the door: rules over running jobs, told to the log, to functions, to webhooks."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import queue
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import streamops_nb as so
from streamops_nb.model.alarms import Notice
from streamops_nb.model.events import Noted
from streamops_nb.ops.delivery import Delivery, webhook
from streamops_nb.ops.workspace import Workspace
from streamops_nb.testing import FakeClock
from tests.ops.operated import appended, opened, plant
from tests.ops.test_reporting import rows, until
from tests.streamops import read_json, streamops

START = datetime(2026, 1, 1, tzinfo=UTC)
NOTICE = Notice(alarm="r", job="a", what="raised", at=1.5, message="r: lag > 5 (lag = 7)")


class Receiver(ThreadingHTTPServer):
    """A web server that keeps what it is sent, and answers as it is told to."""

    daemon_threads = True

    def __init__(self) -> None:
        self.got: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()
        self.answers: list[int] = []
        self.hang = threading.Event()
        self.hanging = False
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.put((dict(self.headers), body))
        if self.server.hanging:
            self.server.hang.wait(30)
        code = self.server.answers.pop(0) if self.server.answers else 204
        self.send_response(code)
        if code == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.hang.set()
    server.shutdown()
    server.server_close()


def lagging(workspace: Workspace, clock: FakeClock) -> so.Job:
    """A job that has read all there is, whose input then goes quiet."""
    workspace.stream("log").append(rows(*range(5)))
    job = workspace.save(appended("a", start={"at": "earliest"}, trigger={"interval": "20ms"}))
    job.start()
    until(lambda: job.view.rows_in == 5)
    return job


def told(workspace: Workspace) -> list[str]:
    return [e.what for e in workspace.events("a") if isinstance(e, Noted)]


def test_an_alarm_is_raised_told_again_and_over_and_a_restart_tells_nothing_twice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock, heard = FakeClock(START.timestamp()), []
    caplog.set_level(logging.INFO, "streamops_nb.alarms")
    with opened(tmp_path / "w", clock) as workspace:
        job = lagging(workspace, clock)
        workspace.alarms.callback("me", heard.append)
        workspace.alarms.set("quiet", "no_input > 300", every="1h", to=["me", "log"])
        workspace.alarms.look()
        assert workspace.alarms.active("a") == []
        clock.advance(301)
        for _ in range(3):
            workspace.alarms.look()
        until(lambda: len(heard) == 1)
        assert workspace.alarms.active("a") == ["quiet"]
        assert job.summary()["alarms"] == ["quiet"]
        assert "quiet with a" in repr(workspace.alarms)
    with opened(tmp_path / "w", clock, resume=False) as workspace:
        workspace.alarms.callback("me", heard.append)
        workspace.alarms.look()
        clock.advance(3_600)
        workspace.alarms.look()
        workspace.resume()  # a run that has just begun is not blamed for the time before
        workspace.alarms.look()
        until(lambda: len(heard) == 3)
    assert [(n.what, n.job) for n in heard] == [("raised", "a"), ("lasting", "a"), ("over", "a")]
    assert [r.levelname for r in caplog.records] == ["WARNING", "WARNING", "INFO"]
    with opened(tmp_path / "w", clock, resume=False) as workspace:
        assert told(workspace) == ["alarm raised", "alarm lasting", "alarm over"]


def test_a_failure_and_the_end_of_a_pause_are_told_from_the_first(tmp_path: Path) -> None:
    clock, heard = FakeClock(START.timestamp()), queue.Queue()
    with opened(tmp_path / "w", clock) as workspace:
        job = lagging(workspace, clock)
        workspace.alarms.callback("me", heard.put)
        assert set(workspace.alarms.rules) == {"failed", "pause ends soon"}
        for name, rule in workspace.alarms.rules.items():
            workspace.alarms._rules[name] = rule.__class__.from_json(
                rule.to_json() | {"to": ["me"]}
            )
        job.pause()
        workspace.alarms.look()
        clock.advance(23.5 * 3600)
        workspace.alarms.look()
        notice = heard.get(timeout=10)
        assert (notice.alarm, notice.what, notice.value) == (
            "pause ends soon",
            "raised",
            "30 min left",
        )
        job.start()
        workspace.alarms.look()
        assert heard.get(timeout=10).what == "over"
        bad = plant("b")
        bad["streams"]["r"]["source"] = {"type": "table", "stream": "nowhere"}
        with pytest.raises(so.SourceError) as failed:
            workspace.save(bad).start()
        workspace.alarms.look()
        notice = heard.get(timeout=10)
        assert (notice.alarm, notice.job, notice.value) == ("failed", "b", "FAILED")
        assert notice.message == f"failed: status = FAILED (FAILED): {failed.value}"


def test_rejects_and_an_expression_over_metrics_raise_alarms(tmp_path: Path) -> None:
    clock = FakeClock(START.timestamp())
    with opened(tmp_path / "w", clock) as workspace:
        spec = plant("a", start={"at": "earliest"}, trigger={"interval": "20ms"})
        spec["streams"]["r"]["source"] = {"type": "files", "path": "in.jsonl"}
        (tmp_path / "w" / "in.jsonl").write_text('{"device": "x"}\n' * 6)
        job = workspace.save(spec)
        workspace.alarms.set("bad", "reject_share > 0.5")
        workspace.alarms.set("much", metrics="sum(rows_in) > 5", over="1m")
        workspace.alarms.look()
        job.start()
        workspace.alarms.look()
        until(lambda: job.view.rejects == 6)
        workspace._core.courier.deliver()
        clock.advance(11)
        workspace.alarms.look()
        assert sorted(workspace.alarms.active("a")) == ["bad", "much"]
        clock.advance(120)
        workspace.alarms.look()
        clock.advance(120)
        workspace.alarms.look()
        assert workspace.alarms.active("a") == ["bad"]  # of no records no share can be told
        job.stop()
        workspace.alarms.look()
        assert workspace.alarms.active("a") == []


def test_a_webhook_is_signed_and_tried_again(receiver: Receiver) -> None:
    receiver.answers = [503, 429, 204]
    failed: list[Any] = []
    waited: list[float] = []
    tell = webhook(
        {"url": "${env:HOOK}", "secret": "${env:KEY}"}, {"HOOK": receiver.url, "KEY": "k"}
    )
    delivery = Delivery(
        "hook", tell, lambda *why: failed.append(why), wait=lambda s: bool(waited.append(s))
    )
    delivery.put(NOTICE)
    got = [receiver.got.get(timeout=10) for _ in range(3)]
    delivery.close()
    assert (failed, waited) == ([], [1.0, 2.0])
    assert len({body for _, body in got}) == 1
    headers, body = got[-1]
    assert json.loads(body)["message"] == NOTICE.message
    stamp = headers["X-Streamops-Timestamp"]
    digest = hmac.new(b"k", stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["X-Streamops-Signature"] == f"sha256={digest}"


@pytest.mark.parametrize(
    ("code", "said"), [(404, "after 1 tries: Refused: it answered 404"), (302, "it answered 302")]
)
def test_what_cannot_get_better_is_not_tried_again(
    receiver: Receiver, code: int, said: str
) -> None:
    receiver.answers = [code]
    failed: queue.Queue[str] = queue.Queue()
    delivery = Delivery(
        "hook", webhook({"url": receiver.url, "secret": ""}, {}), lambda _, why: failed.put(why)
    )
    delivery.put(NOTICE)
    assert said in failed.get(timeout=10)
    delivery.close()
    assert receiver.got.qsize() == 1


def test_a_webhook_that_hangs_delays_nothing(tmp_path: Path, receiver: Receiver) -> None:
    receiver.hanging = True
    clock, heard = FakeClock(START.timestamp()), []
    with opened(tmp_path / "w", clock) as workspace:
        job = lagging(workspace, clock)
        workspace.alarms.webhook("hook", receiver.url)
        workspace.alarms.callback("me", heard.append)
        workspace.alarms.set("quiet", "no_input > 300", to=["hook", "me"])
        workspace.alarms.look()
        clock.advance(301)
        workspace.alarms.look()
        receiver.got.get(timeout=10)  # it hangs from here on
        until(lambda: len(heard) == 1)
        workspace.stream("log").append(rows(7))
        until(lambda: job.view.rows_in == 6)
        workspace.alarms.look()
        until(lambda: len(heard) == 2)
        assert [notice.what for notice in heard] == ["raised", "over"]
    # and the workspace was closed while it hung


def test_what_could_not_be_told_is_in_the_error_log_without_its_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_TOKEN", "hunter2hunter2")
    clock = FakeClock(START.timestamp())
    with opened(tmp_path / "w", clock) as workspace:
        lagging(workspace, clock)
        workspace.alarms.webhook("hook", "ftp-${env:HOOK_TOKEN}://example")
        workspace.alarms.set("quiet", "no_input > 300", to="hook")
        workspace.alarms.look()
        clock.advance(301)
        workspace.alarms.look()
        until(lambda: workspace.errors("a", stage="alarms").count == 1)
        (entry,) = workspace.errors("a", stage="alarms").entries
        assert entry.kind == "AlarmNotTold"
        assert "begins with http:// or https://" in entry.message
        assert "hunter2" not in entry.message


def test_wrong_rules_and_sinks_are_refused_and_change_nothing(tmp_path: Path) -> None:
    with opened(tmp_path / "w") as workspace:
        workspace.save(plant("a"))
        alarms = workspace.alarms
        before = dict(alarms.rules)
        for wrong, said in (
            ({"when": "lag > 1", "to": "hook"}, "there is no sink `hook`"),
            ({"when": "lag > 1", "jobs": "b"}, "there is no job `b`"),
            ({"when": "lag > 1", "after": "soon"}, "neither a time nor a length of time"),
            ({"metrics": "avg(secs) > 1"}, "is no condition over metrics"),
            ({"metrics": "1) FROM metrics; DROP TABLE x; --"}, "is no condition over metrics"),
            ({"when": "lag > 1", "metrics": "true"}, "either when= or metrics="),
            ({}, "either when= or metrics="),
        ):
            with pytest.raises(so.Refused, match=said.replace("(", r"\(")):
                alarms.set("x", **wrong)
        for url, secret, said in (
            ("file:///etc/passwd", "", "http"),
            ("https://example.org", "hunter2", "a secret must not be written"),
            ("https://me:hunter2@example.org", "", "a secret must not be written"),
        ):
            with pytest.raises(so.Refused, match=said):
                alarms.webhook("hook", url, secret=secret)
        with pytest.raises(so.Refused, match="there is no alarm `x`"):
            alarms.remove("x")
        assert alarms.rules == before


def test_alarms_are_set_listed_and_removed_from_a_shell(tmp_path: Path) -> None:
    with opened(tmp_path / "w") as workspace:
        workspace.save(plant("a"))
    done = streamops(
        "alarms", "w", "set", "behind", "--when", "lag > 100", "--job", "a", "--every", "10m",
        folder=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    listed = read_json("alarms", "w", folder=tmp_path)
    assert listed[-1] == {
        "alarm": "behind", "condition": "lag > 100", "jobs": "a", "to": "log", "raised": "",
    }  # fmt: skip
    assert streamops("alarms", "w", "remove", "behind", folder=tmp_path).returncode == 0
    assert len(read_json("alarms", "w", folder=tmp_path)) == 2
    refused = streamops("alarms", "w", "set", "x", "--when", "lags > 1", folder=tmp_path)
    assert refused.returncode == 2
    assert "did you mean `lag`" in refused.stderr
