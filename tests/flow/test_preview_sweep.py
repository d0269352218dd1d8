"""One sample, many values of parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from streamops_nb.engine.preview.work import Work
from streamops_nb.model.errors import Refused
from streamops_nb.ops.preview.preview import Preview
from streamops_nb.ops.preview.previews import Previews
from tests.flow.previewed import preview, previews, readings, sample, spec

PARAMS = {
    "threshold": {"type": "DOUBLE", "default": 1.0},
    "size": {"type": "INTERVAL", "default": "10s"},
    "kind": {"type": "VARCHAR", "default": "x", "choices": ["x", "<b>"]},
}
QUERY = """
    WITH hot AS (SELECT * FROM readings WHERE temp > $threshold AND $kind <> '')
    SELECT window_start, device, count(*) AS n
    FROM tumble(hot, ts, $size) GROUP BY ALL"""
MISSPELT = (
    "params.treshold: the job has no parameter `treshold` (given: the number 1) - "
    "did you mean `threshold`?"
)
ROWS = readings((1, "a", 2.0), (11, "a", 3.0), (12, "b", 2.5), (13, "b", 0.5))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Previews]:
    with previews(tmp_path_factory.mktemp("previews")) as found:
        yield found


@pytest.fixture(scope="module")
def base(made: Previews) -> Preview:
    return preview(made, spec(QUERY, params=PARAMS), sample(ROWS))


def test_there_is_a_row_for_each_combination(base: Preview) -> None:
    seen: list[tuple[int, int]] = []
    found = base.sweep(
        threshold=[1, 2.2], size=["10s", "1m"], progress=lambda *numbers: seen.append(numbers)
    )
    columns = ["threshold", "size", "rows_out", "share_dropped", "late", "rejects", "distinct_keys"]
    assert found.df[columns].to_dict("split")["data"] == [
        [1.0, "10s", 3, 0.25, 0, 0, 2],
        [1.0, "1m", 2, 0.25, 0, 0, 2],
        [2.2, "10s", 2, 0.5, 0, 0, 2],
        [2.2, "1m", 2, 0.5, 0, 0, 2],
    ]
    assert (found.df[["seconds", "seconds_hot", "seconds_result"]] > 0).all(axis=None)
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert len(repr(found).splitlines()) == 5
    assert found._repr_html_().count("<svg") == 4  # nothing is late, nothing rejected


def test_it_starts_from_the_parameters_of_the_preview(base: Preview) -> None:
    found = base.run(params={"threshold": 2.2}).sweep(size=["10s"])
    assert found.df["rows_out"].tolist() == [2]


def test_numpy_values_and_single_ones_are_taken(base: Preview) -> None:
    found = base.sweep({"threshold": np.array([1.0, 2.2])}, size="10s")
    assert found.df["rows_out"].tolist() == [3, 2]


def test_a_combination_that_fails_has_its_error_and_the_others_go_on(base: Preview) -> None:
    found = base.sweep(size=["10s", "0s"])
    assert found.df["rows_out"].tolist()[0] == 3
    fault = "query 4:26: a window's length must be positive and not in months or years"
    assert found.df["error"].tolist() == ["", f"{fault} - use days, hours, minutes or seconds"]
    assert "a window's length must be positive" in repr(found)


def test_a_cancelled_sweep_has_what_was_done(base: Preview) -> None:
    work = Work()
    found = base.sweep(
        threshold=[1, 2.2, 3], progress=lambda done, _: work.cancel() if done == 2 else None,
        work=work,
    )  # fmt: skip
    assert (len(found), found.planned) == (2, 3)
    assert "cancelled after 2 of 3 combinations" in repr(found)
    assert "cancelled after 2 of 3 combinations" in found._repr_html_()


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        (
            {"treshold": [1]},
            MISSPELT,
        ),
        ({}, "no value is given to sweep over - write sweep(threshold=[…, …])"),
        ({"size": []}, "no value is given to sweep over - write sweep(size=[…, …])"),
        (
            {"threshold": range(21), "size": ["1s"] * 10},
            "21 x 10 = 210 combinations are too many - at most 200 are run",
        ),
        ({"threshold": range(201)}, "201 combinations are too many - at most 200 are run"),
        (
            {"threshold": ["x", 1]},
            'params.threshold: the text "x" is not a finite number, as DOUBLE asks',
        ),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_runs(
    base: Preview, values: dict[str, Any], refusal: str
) -> None:
    with pytest.raises(Refused) as refused:
        base.sweep(values, progress=lambda *_: pytest.fail("it ran"))
    assert str(refused.value) == refusal


def test_untrusted_text_is_escaped(base: Preview) -> None:
    html = base.sweep(kind=["x", "<b>"])._repr_html_()
    assert "<b>" not in html.replace("<b></b>", "")
    assert "&lt;b&gt;" in html
