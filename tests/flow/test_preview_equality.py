"""A preview says what the job would write: over the same rows, up to the sample's end."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamops_nb.engine.assembly import Surroundings
from streamops_nb.engine.preview import draw as drawing
from streamops_nb.engine.preview.draw import How, draw
from streamops_nb.engine.preview.previewer import Previewer
from streamops_nb.engine.preview.result import WINDOW, Result
from streamops_nb.engine.preview.sample import Limits
from streamops_nb.engine.preview.ways import Latest
from streamops_nb.model.spec import JobSpec
from tests.flow.drawn import Case
from tests.flow.running import NOW, Batch, Bench, Input, alike, job
from tests.flow.test_equality import DEVICES, KINDS, _used

pytestmark = pytest.mark.timeout(900)  # a failing example is shrunk for minutes

EVERYTHING = Latest(1_000_000)
ROWS = Limits(rows=1_000_000)
WINDOWED = [kind for kind in KINDS if kind != "stateless"]


class Desk:
    """Jobs and previews over the same inputs."""

    def __init__(self, bench: Bench, batch: Batch) -> None:
        self.bench = bench
        self.batch = batch
        self.previewer = Previewer(self._around({}))

    def _around(self, sources: Mapping[str, Any]) -> Surroundings:
        bench = self.bench
        return Surroundings(
            instance=bench.instance,
            folder=bench.folder,  # type: ignore[arg-type]
            now=lambda: NOW,
            planner=bench.planner,
            sources=sources,
        )

    def preview(
        self,
        spec: JobSpec,
        inputs: Mapping[str, Input],
        how: How = EVERYTHING,
        *,
        ended: bool = True,
    ) -> Result:
        sources = {name: each.source(ended=ended) for name, each in inputs.items()}
        sample = draw(spec, how, self._around(sources), ROWS)
        return self.previewer.run(spec, sample)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("preview")
    pyarrow.parquet.write_table(DEVICES, folder / "devices.parquet")
    bench, batch = Bench(folder), Batch()
    desk = Desk(bench, batch)
    yield desk
    desk.previewer.close()
    batch.close()
    bench.close()


def unmarked(inputs: Mapping[str, Input]) -> dict[str, Input]:
    """The same rows without pauses and crashes."""
    return {
        name: replace(each, rows={p: _rows(part) for p, part in each.rows.items()})
        for name, each in inputs.items()
    }


def _rows(part: Any) -> list[Any]:
    return [row for row in part if isinstance(row, Mapping)]


def spec_of(case: Case, inputs: Mapping[str, Input]) -> JobSpec:
    references = {"devices": {"type": "parquet", "path": "devices.parquet"}}
    params = _used(case.params, case.query)
    trigger = {"rows": case.rows_per_batch}
    return job(case.query, inputs, params=params, references=references, trigger=trigger)


def output(desk: Desk, result: Result, *status: str) -> list[tuple[Any, ...]]:
    """The output's rows, of these window statuses; all of a query without windows."""
    assert result.faults == ()
    stage = result.stages["result"]
    table = stage.table
    if status and WINDOW in table.column_names:
        keep = [each in status for each in table[WINDOW].to_pylist()]
        table = table.filter(pa.array(keep, pa.bool_()))
    return desk.batch.values(table, stage.columns)


def hold(kind: str, examples: int, prove: Any) -> None:
    @settings(max_examples=examples, suppress_health_check=list(HealthCheck))
    @given(KINDS[kind], st.integers(0, 2**16))
    def holds(case: Case, seed: int) -> None:
        prove(case, unmarked(case.inputs), random.Random(seed))

    holds()


@pytest.mark.parametrize("kind", KINDS)
def test_a_preview_of_a_whole_bounded_input_equals_the_batch_result(kind: str, desk: Desk) -> None:
    def prove(case: Case, inputs: dict[str, Input], _: random.Random) -> None:
        params = {name: each["default"] for name, each in _used(case.params, case.query).items()}
        wanted = desk.batch.rows(case.query, inputs, params, {"devices": DEVICES})
        result = desk.preview(spec_of(case, inputs), inputs)
        assert alike(output(desk, result), wanted) == []
        assert alike(output(desk, result, "complete"), wanted) == []
        assert (result.rejects.num_rows, result.late.num_rows) == (0, 0)

    hold(kind, 8, prove)


@pytest.mark.parametrize("kind", KINDS)
def test_complete_is_what_a_job_has_written_by_the_end_of_the_sample(kind: str, desk: Desk) -> None:
    def prove(case: Case, inputs: dict[str, Input], chance: random.Random) -> None:
        share = chance.random()
        begun = {
            name: replace(e, rows={p: r[: int(len(r) * share)] for p, r in e.rows.items()})
            for name, e in inputs.items()
        }
        spec = spec_of(case, begun)
        written = desk.bench.run(spec, begun, ended=False)
        result = desk.preview(spec, begun, ended=False)
        assert alike(output(desk, result, "complete"), written.rows) == []

    hold(kind, 6, prove)


@pytest.mark.parametrize("kind", WINDOWED)
def test_what_is_complete_in_a_part_of_the_rows_is_in_the_result_of_all(
    kind: str, desk: Desk
) -> None:
    def prove(case: Case, inputs: dict[str, Input], chance: random.Random) -> None:
        spec = spec_of(case, inputs)
        rows = chance.randint(1, 30)
        part = output(desk, desk.preview(spec, inputs, Latest(rows), ended=True), "complete")
        params = {name: each["default"] for name, each in _used(case.params, case.query).items()}
        whole = desk.batch.rows(case.query, inputs, params, {"devices": DEVICES})
        assert [fault for fault in alike(part, whole) if fault.startswith("too much")] == []

    hold(kind, 8, prove)


@pytest.mark.parametrize("kind", WINDOWED)
def test_the_order_within_the_delay_does_not_change_a_preview(kind: str, desk: Desk) -> None:
    def prove(case: Case, inputs: dict[str, Input], chance: random.Random) -> None:
        spec = spec_of(case, inputs)
        shuffled = {name: _shuffled(each, chance) for name, each in inputs.items()}
        one, other = (desk.preview(spec, each) for each in (inputs, shuffled))
        assert alike(output(desk, one), output(desk, other)) == []
        assert other.late.num_rows == 0

    hold(kind, 4, prove)


def _shuffled(each: Input, chance: random.Random) -> Input:
    delay = float(str(each.settings["watermark_delay"]).removesuffix("s"))

    def arrival(row: Mapping[str, Any]) -> Any:
        return row["ts"] + timedelta(seconds=chance.random() * delay * 0.99)

    return replace(each, rows={p: sorted(rows, key=arrival) for p, rows in each.rows.items()})


@pytest.mark.parametrize("kind", KINDS)
def test_how_a_sample_is_read_does_not_change_a_preview_nor_does_running_it_again(
    kind: str, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prove(case: Case, inputs: dict[str, Input], chance: random.Random) -> None:
        spec = spec_of(case, inputs)
        monkeypatch.setattr(drawing, "_READ", 10_000)
        whole = desk.preview(spec, inputs)
        monkeypatch.setattr(drawing, "_READ", chance.randint(1, 5))
        pieces = desk.preview(spec, inputs)
        again = desk.preview(spec, inputs)
        assert alike(output(desk, whole), output(desk, pieces)) == []
        assert Counter(map(repr, output(desk, pieces))) == Counter(map(repr, output(desk, again)))

    hold(kind, 3, prove)
