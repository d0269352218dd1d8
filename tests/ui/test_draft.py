"""A job that is being written: what is wrong is told, what is right is shown on one sample."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamops_nb.plan import specfile
from streamops_nb.ui.state.draft import Draft, templates
from tests.ui.doors import desk_of, plant_of

FIRST = next(iter(templates().values()))


@pytest.mark.parametrize("name", list(templates()))
def test_every_template_is_a_specification(name: str) -> None:
    assert specfile.load(templates()[name]).description


def test_a_template_is_right_and_shows_its_rows(tmp_path: Path) -> None:
    with plant_of(tmp_path) as workspace:
        draft = Draft(FIRST)
        draft.check_soon(desk_of(workspace))
        assert draft.checked.faults == ()
        assert list(draft.checked.preview.stages) == ["warm", "result"]


def test_a_fault_names_its_place_and_the_sample_stays(tmp_path: Path) -> None:
    with plant_of(tmp_path) as workspace:
        desk, draft = desk_of(workspace), Draft(FIRST)
        draft.check_soon(desk)
        sample = draft.checked.preview.sample
        draft.text = FIRST.replace("temp >", "tmp >")
        draft.check_soon(desk)
        wrong = draft.checked
        draft.text = FIRST.replace("threshold: 20.0", "threshold: 30.0")
        draft.check_soon(desk)
        assert wrong.faults[0].startswith('query 3:6: Referenced column "tmp" not found')
        assert draft.checked.faults == ()
        assert draft.checked.preview.sample is sample


def test_text_that_is_no_yaml_is_a_fault_and_nothing_else(tmp_path: Path) -> None:
    with plant_of(tmp_path) as workspace:
        draft = Draft("name: [")
        draft.check_soon(desk_of(workspace))
        assert (len(draft.checked.faults), draft.checked.spec) == (1, None)
