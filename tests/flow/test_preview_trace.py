"""Rows are followed through every kind of query; what is followed is what the preview shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings

from streamops_nb.db import Session, sealed
from streamops_nb.engine.preview.difference import compare
from streamops_nb.engine.preview.result import WINDOW
from streamops_nb.engine.preview.sample import Drawn, Sample
from streamops_nb.ops.preview.preview import Preview
from streamops_nb.ops.preview.previews import Previews
from tests.flow.drawn import Case
from tests.flow.previewed import drawn, previews
from tests.flow.running import Input, arrow_schema, job
from tests.flow.test_equality import DEVICES, KINDS


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Previews]:
    folder = tmp_path_factory.mktemp("previews")
    pyarrow.parquet.write_table(DEVICES, folder / "devices.parquet")
    with previews(folder) as found:
        yield found


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    instance = sealed(threads=1)
    yield instance.session()
    instance.close()


def of_stream(given: Input) -> Drawn:
    rows = [
        (partition, offset, row)
        for partition, items in given.rows.items()
        for offset, row in enumerate(item for item in items if isinstance(item, Mapping))
    ]
    fields = arrow_schema(given.fields)
    table = pa.Table.from_pylist([row for _, _, row in rows], schema=fields)
    raw = table.append_column("_partition", pa.array([p for p, _, _ in rows], pa.string()))
    raw = raw.append_column("_offset", pa.array([o for _, o, _ in rows], pa.int64()))
    return replace(drawn([]), raw=raw, schema=dict(given.fields), apart=given.apart)


def previewed(made: Previews, case: Case) -> Preview:
    params = {name: value for name, value in case.params.items() if f"${name}" in case.query}
    references = {"devices": {"type": "parquet", "path": "devices.parquet"}}
    spec = job(case.query, case.inputs, params=params, references=references)
    streams = {name: of_stream(each) for name, each in case.inputs.items()}
    return made.run(spec, Sample(streams=streams, how="given", at=1.8e9))


def shown(table: pa.Table) -> pa.Table:
    return table.drop_columns([WINDOW]) if WINDOW in table.column_names else table


@pytest.mark.parametrize("kind", KINDS)
def test_the_rows_that_are_followed_are_those_of_the_preview(
    kind: str, made: Previews, session: Session
) -> None:
    @settings(max_examples=5, suppress_health_check=list(HealthCheck), deadline=None)
    @given(KINDS[kind])
    def equal(case: Case) -> None:
        p = previewed(made, case)
        for name, stage in p.result.stages.items():
            assert not compare(shown(stage.table), p.trace.table(name), [], session)
        for name, losses in p.follow().losses.items():
            for relation in {loss.relation for loss in losses}:
                numbers = [n for loss in losses if loss.relation == relation for n in loss.numbers]
                assert sorted(numbers) == p.trace.dropped(name)[relation].tolist()
        lost = {name for name, step in p.trace.steps.items() if step.made is None}
        assert not {n for n in lost if p.trace.streams(n)} or "CAST(r AS VARCHAR)" in case.query

    equal()


@pytest.mark.parametrize(
    "kind", ["partial aggregates", "sessions", "joins of windows", "united streams"]
)
def test_every_row_has_its_reasons(kind: str, made: Previews) -> None:
    @settings(max_examples=5, suppress_health_check=list(HealthCheck), deadline=None)
    @given(KINDS[kind])
    def told(case: Case) -> None:
        p = previewed(made, case)
        for n in range(min(3, len(p.df))):
            why = p.why(n)
            assert "cannot be followed" not in repr(why) or why.unknown
            assert why._repr_html_()
        for row in p.df.head(2).to_dict("records"):
            key = {n: v for n, v in row.items() if not isinstance(v, (list, dict, np.ndarray))}
            found = p.why_not({**key, "device": "nobody"} if "device" in key else key)
            reasons = ("absent", "filter", "values", "duplicate", "window", "join", "late")
            assert found.reason in (reasons if "device" in key else ("present", "late"))

    told()
