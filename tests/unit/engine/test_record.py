"""What a batch depends on and leaves behind is written down whole and read back equal."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamops_nb.db import Instance, open_instance
from streamops_nb.engine.checkpoint import JobFile
from streamops_nb.engine.record import Checkpoint, Record
from streamops_nb.engine.watermark import FOREVER, NEVER
from streamops_nb.model.batch import Slice, Span
from streamops_nb.model.errors import StorageError

TIMES = st.one_of(st.sampled_from([NEVER, FOREVER]), st.integers(-(10**15), 10**15))
NAMES = st.text(max_size=8)
SPANS = st.lists(st.builds(Slice, NAMES, st.integers(0, 2**62), st.integers(0, 2**62))).map(
    lambda slices: Span(tuple(slices))
)
RECORDS = st.builds(
    Record,
    n=st.integers(1, 10**9),
    spans=st.dictionaries(NAMES, SPANS, max_size=3),
    watermarks=st.dictionaries(NAMES, TIMES, max_size=3),
    frontiers=st.dictionaries(NAMES, st.tuples(TIMES, TIMES), max_size=3),
    now=TIMES,
    cut=TIMES,
    version=st.integers(0, 9),
    references=st.dictionaries(NAMES, NAMES, max_size=2),
    cuts=st.dictionaries(NAMES, TIMES, max_size=2),
)
RECORD = Record(
    n=1, spans={}, watermarks={"s": 5}, frontiers={"result": (NEVER, 5)}, now=7, cut=NEVER
)


@given(RECORDS)
def test_a_record_reads_back_equal(record: Record) -> None:
    assert Record.from_json(record.to_json()) == record


@given(RECORDS, st.dictionaries(NAMES, st.dictionaries(NAMES, st.integers(0, 2**62))))
def test_a_checkpoint_reads_back_equal_and_follows_the_record(
    record: Record, positions: dict[str, dict[str, int]]
) -> None:
    after = Checkpoint(positions=positions, frontiers={"other": 3}).after(record, seq=4)
    assert Checkpoint.from_json(after.to_json()) == after
    assert (after.n, after.seq) == (record.n, 4)
    for name, span in record.spans.items():
        stops = {piece.partition: piece.stop for piece in span}
        assert after.positions[name] == {**positions.get(name, {}), **stops}
    ends = {name: end for name, (_, end) in record.frontiers.items()}
    assert after.frontiers == {"other": 3, **ends}


@pytest.fixture
def instance() -> Iterator[Instance]:
    instance = open_instance(None, threads=1)
    instance.attach(None, "job")
    yield instance
    instance.close()


def test_a_new_file_stands_at_the_beginning(instance: Instance) -> None:
    assert JobFile(instance.session(), "job").open() == Checkpoint()


def test_a_file_opens_at_its_last_commit(instance: Instance) -> None:
    file = JobFile(session := instance.session(), "job")
    before = file.open()
    after = before.after(RECORD, seq=2)
    with session.transaction():
        file.commit(RECORD, after, [{"seq": 1}, {"seq": 2}], None)
    assert JobFile(instance.session(), "job").open() == after
    assert file.take_facts(0) == [(1, [{"seq": 1}, {"seq": 2}])]
    assert file.take_facts(1) == []


def test_a_begun_batch_is_found_again_until_the_next_begins(instance: Instance) -> None:
    file = JobFile(instance.session(), "job")
    file.open()
    file.begin(RECORD)
    assert file.begun(1) == RECORD
    assert file.begun(2) is None


def test_forgetting_keeps_the_last_batch(instance: Instance) -> None:
    file = JobFile(session := instance.session(), "job")
    checkpoint = file.open()
    for n in (1, 2, 3):
        record = Record.from_json(RECORD.to_json().replace('"n": 1', f'"n": {n}'))
        checkpoint = checkpoint.after(record, seq=n)
        with session.transaction():
            file.commit(record, checkpoint, [], None)
    file.forget(3)
    assert file.open() == checkpoint
    assert [n for n, _ in file.take_facts(0)] == [3]


def test_a_file_of_a_newer_version_is_refused(instance: Instance) -> None:
    file = JobFile(instance.session(), "job")
    file.open()
    file.note("format", "99")
    with pytest.raises(StorageError, match="newer version"):
        file.open()


def test_a_file_of_the_format_before_is_read_and_is_of_this_one_then(instance: Instance) -> None:
    file = JobFile(session := instance.session(), "job")
    file.open()
    before = Checkpoint(n=3, positions={"s": {"0": 4}}, cut=7)
    old = {k: v for k, v in json.loads(before.to_json()).items() if k != "cuts"}
    file.put(before)
    session.run("UPDATE job.batches SET checkpoint = ?", [json.dumps(old)])
    file.note("format", "1")
    file.note("state", '{"t": "print"}')
    assert file.open() == before
    assert (file.about("format"), file.state()) == ("2", {"t": ("print", "")})
