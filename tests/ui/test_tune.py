"""`job.tune()`: what a person moves leads to what is shown, saved and started."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pytest

from streamops_nb.engine.preview.work import Work
from streamops_nb.model.errors import Refused
from streamops_nb.ops.job import Job
from streamops_nb.ui.ipywidgets.tune import Tune
from streamops_nb.ui.newest import Newest
from tests.kernel import kernel
from tests.ops.operated import opened

FIELDS = {"ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "DOUBLE"}
QUERY = """
WITH hot AS (SELECT * FROM r WHERE temp > $threshold AND device != $without)
SELECT window_start, device, count(*) AS n
FROM tumble(hot, ts, INTERVAL 10 SECONDS) GROUP BY ALL"""


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    with opened(tmp_path / "plant") as plant:
        rows = [
            {"ts": f"2024-01-01T00:00:{i:02}Z", "device": f"d{i % 3}", "temp": 20.0 + i}
            for i in range(30)
        ]
        plant.stream("log").append(rows, FIELDS)
        yield plant.save(spec())


def spec() -> dict[str, Any]:
    stream = {
        "source": {"type": "table", "stream": "log"},
        "schema": FIELDS,
        "event_time": "ts",
        "max_ahead": None,
    }
    params = {
        "threshold": {"type": "DOUBLE", "default": 25.0, "min": 0, "max": 100},
        "without": {"default": "d9", "choices": ["d9", "d1", "d2"]},
    }
    return {"name": "hot", "streams": {"r": stream}, "params": params, "query": QUERY}


def texts(shown: widgets.HTML) -> list[str]:
    found: list[str] = []
    parser = HTMLParser()
    parser.handle_data = found.append  # type: ignore[method-assign]
    parser.feed(re.sub("<style>.*?</style>", "", shown.value, flags=re.DOTALL))
    return found


def control(tune: Tune, name: str) -> Any:
    """The widget of a parameter, as a person finds it: by its label."""
    found: list[Any] = [tune.widget]
    while found:
        one = found.pop()
        if getattr(one, "description", None) == name:
            return one
        found += getattr(one, "children", ())
    raise AssertionError(name)


def test_controls_follow_from_the_parameters(job: Job) -> None:
    tune = job.tune()
    slider, choice = control(tune, "threshold"), control(tune, "without")
    assert isinstance(slider, widgets.FloatSlider)
    assert (slider.value, slider.min, slider.max, slider.step) == (25.0, 0, 100, 1)
    assert isinstance(choice, widgets.Dropdown)
    assert choice.options == (("d9", "d9"), ("d1", "d1"), ("d2", "d2"))
    assert choice.label == "d9"
    assert control(tune, "start").label == "as the next start would"


def test_moving_a_slider_shows_the_result_and_what_differs_from_the_start(job: Job) -> None:
    tune = job.tune()
    sample = tune.preview.sample
    control(tune, "threshold").value = 48.0
    tune.settle()
    assert tune.values == {"threshold": 48.0, "without": "d9"}
    assert tune.preview.sample is sample
    assert tune.preview.df["n"].tolist() == [1]
    assert (
        "result: 8 removed, 1 changed (1 cells) by window_start, device; hot: 23 removed by ts"
    ) in texts(tune._summary)
    assert "hot: 30 in, 1 out, 29 dropped" in texts(tune._summary)
    assert {"d2", "1"} <= set(texts(tune._rows))
    control(tune, "Reset").click()
    tune.settle()
    assert "no difference from the start" in texts(tune._summary)


def test_what_may_not_be_given_is_told_and_the_result_stays(job: Job) -> None:
    tune = job.tune()
    rows = tune._rows.value
    with pytest.raises(Refused, match="is above `max`, 100"):
        tune.set(threshold=101)
    control(tune, "threshold").max = 1_000
    control(tune, "threshold").value = 500
    tune.settle()
    assert texts(tune._said) == ["threshold: the number 500.0 is above `max`, 100"]
    assert tune._rows.value == rows
    assert tune.values["threshold"] == 25.0


def test_an_error_of_a_run_is_told_in_words_and_the_next_result_replaces_it(job: Job) -> None:
    wrong = spec()
    wrong["params"]["threshold"] = {"type": "INTERVAL", "default": "1 second"}
    wrong["query"] = "SELECT ts + $threshold AS later, device FROM r WHERE device != $without"
    tune = job._workspace.save({**wrong, "name": "later"}).tune()
    control(tune, "threshold").value = "soon"
    tune.settle()
    assert texts(tune._said) == ['params.threshold: the text "soon" is no INTERVAL']
    assert len(tune.preview.df) == 30
    control(tune, "threshold").value = "2 seconds"
    tune.settle()
    assert texts(tune._said) == []


def test_saved_is_what_is_shown_and_only_if_it_changed(job: Job) -> None:
    tune = job.tune()
    control(tune, "Save").click()
    tune.set(threshold=30)
    wait_for(lambda: not control(tune, "Save").disabled)
    tune.settle()
    control(tune, "Save").click()
    wait_for(lambda: not control(tune, "Save").disabled)
    assert texts(tune._said) == ["hot is saved as version 2"]
    assert job.spec.params["threshold"].default == 30.0


def test_started_from_where_it_is_said(job: Job) -> None:
    tune = job.tune().set(threshold=40)
    control(tune, "start").value = "sample"
    control(tune, "Start").click()
    wait_for(lambda: not control(tune, "Start").disabled)
    assert texts(tune._said)[0] in ("hot is RUNNING, version 2", "hot is STARTING, version 2")
    control(tune, "Start").click()
    wait_for(lambda: not control(tune, "Start").disabled)
    assert "it is RUNNING already" in texts(tune._said)[0]


def wait_for(what: Any) -> None:
    for _ in range(1_000):
        if what():
            return
        threading.Event().wait(0.02)
    raise AssertionError("it did not happen")


def test_values_and_names_of_the_data_are_text(job: Job) -> None:
    evil = "<img src=x onerror=alert(1)>"
    job._workspace.stream("log").append(
        [{"ts": "2024-01-01T00:00:29Z", "device": evil, "temp": 99.0}]
    )
    tune = job.tune().set(threshold=60).settle()
    assert evil in texts(tune._rows)
    assert "onerror" not in re.sub("&lt;img[^&]*&gt;", "", tune._rows.value + tune._diff.value)


def test_of_many_requests_the_newest_is_answered_and_slow_work_is_cancelled() -> None:
    answered: list[int] = []
    cancelled: list[int] = []
    begun = threading.Event()

    def answer(request: int, work: Work) -> int:
        begun.set()
        while request == 0:  # work that would never end
            try:
                work.check()
            except Exception:
                cancelled.append(request)
                raise
        return request

    newest = Newest(answer, answered.append, pytest.fail, quiet=0.0)
    newest.ask(0)
    assert begun.wait(30)
    for request in range(1, 1_000):
        newest.ask(request)
    assert newest.settle(30)
    assert cancelled == [0]
    assert answered[-1] == 999
    assert answered == sorted(answered)
    assert not [t for t in threading.enumerate() if t.name == "newest"]


def test_what_fails_is_told_and_the_next_request_is_answered() -> None:
    answered: list[float] = []
    failed: list[str] = []
    newest: Newest[int, float] = Newest(
        lambda n, _: 1 / n, answered.append, lambda e: failed.append(str(e)), quiet=0.0
    )
    for request in (0, 2):
        newest.ask(request)
        assert newest.settle(30)
    assert (answered, failed) == ([0.5], ["division by zero"])


def test_in_a_kernel_it_is_a_widget_with_a_page_for_later(tmp_path: Path) -> None:
    with kernel(tmp_path) as cells:
        made = cells.run(
            "import streamops_nb as so\n"
            "ws = so.connect('plant')\n"
            f"ws.stream('log').append([dict(ts='2024-01-01T00:00:01Z', device='d1', temp=50.0)], "
            f"{FIELDS!r})\n"
            f"tune = ws.save({spec()!r}).tune()\n"
            "tune"
        )
        moved = cells.run("tune.set(threshold=60).settle(); print(tune.preview.df.shape)")
    (shown,) = [output for output in made if "text/plain" in output]
    assert "application/vnd.jupyter.widget-view+json" in shown
    assert shown["text/html"].startswith('<form class="so-preview"')
    assert shown["text/plain"].startswith("Preview of hot - latest 1,000 rows: r 1")
    assert moved == [{"stdout": "(0, 4)\n"}]
