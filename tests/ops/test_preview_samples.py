"""Samples are pinned: kept, exported, edited, masked, and refused where they no longer fit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import streamops_nb as so
from streamops_nb.engine.preview.sample import Sample
from streamops_nb.ops.workspace import Workspace
from tests.ops.operated import appended, opened

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
LINES = [
    {"ts": (EPOCH + timedelta(seconds=n)).isoformat(), "device": f"d{n % 2}", "temp": n}
    for n in range(4)
]


def over_files(**stream: Any) -> dict[str, Any]:
    source = {"type": "files", "path": "in", "follow": False}
    fields = {"ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "DOUBLE"}
    read = {"source": source, "schema": fields, "event_time": "ts", "max_ahead": None, **stream}
    return {"name": "read", "streams": {"r": read}, "query": "SELECT device, temp FROM r"}


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    (tmp_path / "in").mkdir()
    text = "\n".join(["{broken", *map(json.dumps, LINES), ""])
    (tmp_path / "in" / "a.jsonl").write_text(text)
    with opened(tmp_path) as workspace:
        workspace.save(over_files())
        yield workspace


def pairs(preview: Any) -> list[tuple[str, float]]:
    return list(preview.df.itertuples(index=False, name=None))


AS_DRAWN = [("d0", 0.0), ("d1", 1.0), ("d0", 2.0), ("d1", 3.0)]


def test_a_sample_is_used_until_fresh_rows_are_asked_for(ws: Workspace, tmp_path: Path) -> None:
    preview = ws.preview("read")
    (tmp_path / "in" / "b.jsonl").write_text(json.dumps({**LINES[0], "temp": 9}) + "\n")
    again = ws.preview("read", sample=preview.sample)
    assert (pairs(again), again.sample.id) == (AS_DRAWN, preview.sample.id)
    fresh = ws.preview("read")
    assert pairs(fresh) == [*AS_DRAWN, ("d0", 9.0)]
    assert fresh.sample.id != preview.sample.id
    with pytest.raises(so.SpecRefused, match="a sample and `rows` are two ways to choose rows"):
        ws.preview("read", sample=preview.sample, rows=10)


def test_a_saved_sample_is_the_same_one_after_the_workspace_was_opened_anew(
    ws: Workspace, tmp_path: Path
) -> None:
    sample = ws.preview("read").sample
    edited = sample.change(1, {"temp": 5.5}).delete(2)
    ws.samples.save("plain", sample)
    ws.samples.save("edited", edited)
    ws.close()
    with opened(tmp_path) as again:
        assert list(again.samples) == ["edited", "plain"]
        assert list(again.samples.list()["records"]) == [3, 5]
        plain, other = again.samples.load("plain"), again.samples.load("edited")
        assert (plain.id, other.id) == (sample.id, edited.id)
        assert (plain.edits, other.edits) == ((), edited.edits)
        assert pairs(again.preview("read", sample="plain")) == AS_DRAWN
        assert pairs(again.preview("read", sample="edited")) == pairs_of(edited, again)
        assert other.revert().id == sample.id
        again.samples.drop("plain")
        assert repr(again.samples) == "Samples(edited)"


def pairs_of(sample: Sample, ws: Workspace) -> list[tuple[str, float]]:
    return pairs(ws.preview("read", sample=sample))


def test_samples_are_saved_under_names_that_do_and_not_over_each_other(ws: Workspace) -> None:
    sample = ws.preview("read").sample
    ws.samples.save("mine", sample)
    with pytest.raises(so.Refused, match="there is a sample `mine` - drop it, or say replace"):
        ws.samples.save("mine", sample)
    ws.samples.save("mine", sample.delete(0), replace=True)
    assert ws.samples.load("mine").rows == 4
    with pytest.raises(so.Refused, match=r'"\.\./out" is no name for a sample'):
        ws.samples.save("../out", sample)
    for use in (ws.samples.load, ws.samples.drop):
        with pytest.raises(so.Refused, match=r"there is no sample `mime` - did you mean `mine`\?"):
            use("mime")
    assert not (ws.folder / "out").exists()


def test_a_folder_that_holds_something_else_is_neither_written_nor_read(
    ws: Workspace, tmp_path: Path
) -> None:
    sample = ws.preview("read").sample
    with pytest.raises(so.Refused, match="not an empty folder"):
        sample.to_parquet(tmp_path / "in")
    with pytest.raises(so.Refused, match="there is no whole sample in"):
        Sample.from_parquet(tmp_path / "in")
    sample.to_parquet(tmp_path / "kept")
    (tmp_path / "kept" / "r.parquet").write_bytes(b"PAR1")
    with pytest.raises(so.Refused, match="there is no whole sample in"):
        Sample.from_parquet(tmp_path / "kept")


def test_a_sample_is_refused_when_the_source_is_another_one_but_not_when_the_schema_is(
    ws: Workspace,
) -> None:
    sample = ws.preview("read").sample
    other = {"type": "files", "path": "elsewhere", "follow": False}
    with pytest.raises(so.SpecRefused, match=f"{sample.id} was drawn when the source of `r` was"):
        ws.preview(over_files(source=other), sample=sample)
    fields = {"ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "BIGINT"}
    tried = ws.preview(over_files(schema=fields), sample=sample)
    assert tried.df["temp"].tolist() == [0, 1, 2, 3]


def test_cells_are_changed_rows_deleted_and_added_and_that_is_marked(ws: Workspace) -> None:
    sample = ws.preview("read").sample
    edited = sample.change(2, {"temp": 50}).delete(0)
    edited = edited.add([{"ts": EPOCH, "device": "new", "temp": 7}])
    assert pairs_of(edited, ws) == [("d1", 50.0), ("d0", 2.0), ("d1", 3.0), ("new", 7.0)]
    told = [(e.what, e.record, e.column, e.before, e.after[:25]) for e in edited.edits]
    assert told == [
        ("left out", None, "", "", "not decoded: 1 record"),
        ("changed", 1, "temp", "1.0", "50.0"),
        ("deleted", 0, "", "", ""),
        ("added", 3, "", "", "{'ts': datetime.datetime("),
    ]
    assert list(edited.df()["_edit"]) == ["changed", "", "", "added"]
    assert len({sample.id, edited.id}) == 2
    assert pairs_of(edited.revert(), ws) == AS_DRAWN
    assert edited.revert().id == sample.id


def test_a_record_that_does_not_decode_is_mended_as_a_whole(ws: Workspace) -> None:
    sample = ws.preview("read").sample
    assert list(sample.df().index) == [1, 2, 3, 4]
    with pytest.raises(so.Refused, match="record 0 of r does not decode: change its `_raw`"):
        sample.change(0, {"temp": 1})
    mended = sample.change(0, {"_raw": json.dumps({**LINES[0], "device": "mended"})})
    preview = ws.preview("read", sample=mended)
    assert pairs(preview) == [("mended", 0.0), *AS_DRAWN]
    assert len(preview.rejects) == 0


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda s: s.change(9, {"temp": 1}), "no record the number 9: they are numbered 0 to 4"),
        (lambda s: s.change(1, {"tmp": 1}), r"no field `tmp` - did you mean `temp`\?"),
        (lambda s: s.change(1, {"temp": "hot"}), "`temp` holds double"),
        (lambda s: s.delete([1, -1]), "there is no record the number -1"),
        (lambda s: s.add([{"tmp": 1}]), "there is no field `tmp`"),
        (lambda s: s.delete(0, "x"), "no stream `x` - accepted: `r`"),
        (lambda s: s.mask("ts"), "`ts` is the event time of r: its windows need it"),
        (lambda s: s.mask("name"), "no stream has a field `name`"),
    ],
)
def test_an_edit_that_does_not_fit_is_refused(ws: Workspace, edit: Any, told: str) -> None:
    with pytest.raises(so.Refused, match=told):
        edit(ws.preview("read").sample)


def test_what_was_masked_is_nowhere_in_the_sample_and_its_files(
    ws: Workspace, tmp_path: Path
) -> None:
    sample = ws.preview("read").sample.change(1, {"device": "secret"})
    masked = sample.mask("device")
    devices = ws.preview("read", sample=masked).df["device"]
    assert devices[1] == devices[3] != devices[2]
    assert not {"d0", "d1", "secret"} & set(devices)
    assert masked.revert() is masked
    masked.to_parquet(tmp_path / "kept")
    files = [path.read_bytes() for path in (tmp_path / "kept").rglob("*") if path.is_file()]
    assert not any(word in data for data in files for word in (b"secret", b'"d1"', b'"d0"'))


def test_the_same_value_has_the_same_pseudonym_in_all_streams(ws: Workspace) -> None:
    first = appended("two")["streams"]["r"]
    query = "SELECT r.device FROM tumble(r, ts, INTERVAL 10 SECONDS) r JOIN tumble(q, ts, INTERVAL "
    query += "10 SECONDS) q ON r.window_end = q.window_end AND r.device = q.device"
    frame = pd.DataFrame([{**line, "ts": pd.Timestamp(line["ts"])} for line in LINES])
    spec = {"name": "two", "streams": {"r": first, "q": first}, "query": query}
    sample = ws.preview(spec, data={"r": frame, "q": frame}).sample.mask("device")
    assert len(ws.preview(spec, sample=sample).df) == 8


def test_the_coverage_tells_records_keys_and_the_range_of_event_time(ws: Workspace) -> None:
    covered = ws.preview("read", rows=4, strata="device").sample.coverage
    assert covered.loc["r"].to_dict() == {
        "records": 4,
        "looked_at": 5,
        "truncated": "rows",
        "first": pd.Timestamp("2026-01-01 00:00:00+0000"),
        "last": pd.Timestamp("2026-01-01 00:00:03+0000"),
        "strata": "device",
        "keys": 2,
        "keys_share": 1.0,
    }


def test_samples_are_in_a_backup(ws: Workspace, tmp_path: Path) -> None:
    sample = ws.samples.save("kept", ws.preview("read").sample)
    ws.backup(tmp_path.parent / f"{tmp_path.name}-backup")
    with opened(
        so.restore(
            tmp_path.parent / f"{tmp_path.name}-backup",
            tmp_path.parent / f"{tmp_path.name}-restored",
        )
    ) as copy:
        assert copy.samples.load("kept").id == sample.id
