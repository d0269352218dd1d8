"""A query that changes while its job is paused: stages that do not change keep their state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamops_nb.engine.checkpoint import JobFile
from streamops_nb.engine.kept import stage_of
from streamops_nb.model.errors import QueryError, SpecRefused, StorageError
from streamops_nb.testing import Crashed
from tests.flow.growing import GrowingSource
from tests.flow.running import Batch, Bench, Input, arrow_schema, job

FIELDS = {"ts": "TIMESTAMPTZ", "id": "BIGINT", "device": "VARCHAR"}
BASE = datetime(2024, 1, 1, tzinfo=UTC)
BOUNDS = "window_start, window_end"


def tumbled(name: str, source: str, time: str, seconds: int, what: str) -> str:
    """Write a stage of tumbling windows from `s` to `t`."""
    return (
        f"{name} AS (SELECT window_start AS s, window_end AS t, {what} "
        f"FROM tumble({source}, {time}, INTERVAL {seconds} SECONDS) GROUP BY ALL)"
    )


def over(source: str, what: str, seconds: int = 20, time: str = "t") -> str:
    """Write a final SELECT of tumbling windows."""
    return (
        f"SELECT {BOUNDS}, {what} FROM tumble({source}, {time}, INTERVAL {seconds} SECONDS) "
        "GROUP BY ALL"
    )


COUNT, TWICE = "count(*) AS n", "2 * count(*) AS n"
SUM, SUM3 = "sum(n) AS n", "sum(3 * n) AS n"
F = tumbled("f", "clicks", "ts", 5, COUNT)
M = tumbled("m", "readings", "ts", 10, COUNT)
K = tumbled("k", "f", "t", 10, SUM)
JOINED = (
    "SELECT coalesce(m.s, k.s) AS s, coalesce(m.t, k.t) AS t, m.n AS a, k.n AS b "
    "FROM m FULL JOIN k ON m.s = k.s AND m.t = k.t"
)
ALONE = "SELECT s, t, n AS a, CAST(NULL AS HUGEINT) AS b FROM m"
ROW_JOIN = (
    "SELECT coalesce(r.window_start, k.s) AS s, coalesce(r.window_end, k.t) AS t, r.id, k.n "
    "FROM tumble(readings, ts, INTERVAL 10 SECONDS) r FULL JOIN k "
    "ON r.window_start = k.s AND r.window_end = k.t"
)
TOP = (
    "SELECT s, t, device, n FROM m "
    "QUALIFY row_number() OVER (PARTITION BY s, t ORDER BY n DESC, device) <= {most}"
)
DEVICES = tumbled("m", "readings", "ts", 10, "device, count(*) AS n")
SESSIONS = (
    "m AS (SELECT window_end AS t, device, count(*) AS n "
    "FROM session(readings, ts, device, INTERVAL 4 SECONDS) GROUP BY ALL)"
)
OVER_MEANS = (
    f"SELECT {BOUNDS}, device, sum(n) AS n FROM session(m, t, device, INTERVAL {{gap}} SECONDS) "
    "GROUP BY ALL"
)


@dataclass(frozen=True, kw_only=True)
class Change:
    """A query before and after.

    Parameters
    ----------
    goes, stays
        The stages whose state is dropped, and those that keep it.
    trail
        By how much later than the change windows begin to be whole, seconds.
    anew
        Whether any stage begins with empty windows.
    """

    before: str
    after: str
    goes: frozenset[str] = frozenset()
    stays: frozenset[str] = frozenset()
    trail: int = 0
    anew: bool = True


def _change(before: str, after: str, goes: str, stays: str, **parts: Any) -> Change:
    return Change(
        before=before,
        after=after,
        goes=frozenset(goes.split()),
        stays=frozenset(stays.split()),
        **parts,
    )


CHANGES = {
    "the last of a chain": _change(
        f"WITH {M} {over('m', SUM)}", f"WITH {M} {over('m', SUM3)}", "result", "m"
    ),
    "the last of a chain, by the start": _change(
        f"WITH {M} {over('m', SUM, time='s')}",
        f"WITH {M} {over('m', SUM3, time='s')}",
        "result",
        "m",
    ),
    "the middle of a chain": _change(
        f"WITH {F}, {K} {over('k', SUM)}",
        f"WITH {F}, {tumbled('k', 'f', 't', 10, 'max(n) AS n')} {over('k', SUM)}",
        "k result",
        "f",
        trail=10,
    ),
    "what the first of a chain makes of what it keeps": _change(
        f"WITH {M} {over('m', SUM)}",
        f"WITH {tumbled('m', 'readings', 'ts', 10, TWICE)} {over('m', SUM)}",
        "result",
        "m",
    ),
    "a stage without windows in a chain": _change(
        f"WITH {M}, p AS (SELECT t, n FROM m WHERE n > 1) {over('p', SUM)}",
        f"WITH {M}, p AS (SELECT t, n FROM m WHERE n > 2) {over('p', SUM)}",
        "result",
        "m",
    ),
    "one side of a join": _change(
        f"WITH {F}, {M}, {K} {JOINED}",
        f"WITH {F}, {tumbled('m', 'readings', 'ts', 10, 'max(id) AS n')}, {K} {JOINED}",
        "m result",
        "f k",
    ),
    "the deeper side of a join": _change(
        f"WITH {F}, {M}, {K} {JOINED}",
        f"WITH {tumbled('f', 'clicks', 'ts', 5, 'max(id) AS n')}, {M}, {K} {JOINED}",
        "f k result",
        "m",
        trail=5,
    ),
    "the end of the deeper side of a join": _change(
        f"WITH {F}, {M}, {K} {JOINED}",
        f"WITH {F}, {M}, {tumbled('k', 'f', 't', 10, SUM3)} {JOINED}",
        "k result",
        "f m",
    ),
    "a join of rows with a stage": _change(
        f"WITH {F}, {K} {ROW_JOIN}",
        f"WITH {F}, {K} {ROW_JOIN.replace('r.id', 'r.id + length(r.device) AS id')}",
        "result",
        "f k",
    ),
    "a stage that is new": _change(
        f"WITH {M} {ALONE}", f"WITH {F}, {M}, {K} {JOINED}", "", "m", trail=5
    ),
    "a stage that is left out": _change(
        f"WITH {F}, {M}, {K} {JOINED}", f"WITH {M} {ALONE}", "f k result", "m"
    ),
    "how many are the top of a window": _change(
        f"WITH {DEVICES} {TOP.format(most=1)}",
        f"WITH {DEVICES} {TOP.format(most=2)}",
        "",
        "m",
        anew=False,
    ),
    "windows over a top of windows": _change(
        f"WITH {DEVICES}, top AS ({TOP.format(most=1)}) {over('top', SUM, time='t')}",
        f"WITH {DEVICES}, top AS ({TOP.format(most=2)}) {over('top', SUM, time='t')}",
        "result",
        "m",
    ),
    "windows over sessions": _change(
        f"WITH {SESSIONS} {over('m', SUM)}", f"WITH {SESSIONS} {over('m', SUM3)}", "result", "m"
    ),
    "sessions over windows": _change(
        f"WITH {DEVICES} {OVER_MEANS.format(gap=15)}",
        f"WITH {DEVICES} {OVER_MEANS.format(gap=12)}",
        "result",
        "m",
        trail=12,
    ),
    "all": _change(
        f"WITH {M} {over('m', SUM)}",
        f"WITH {tumbled('m', 'readings', 'ts', 10, 'max(id) AS n')} {over('m', SUM)}",
        "m result",
        "",
        trail=10,
    ),
}


def _at(second: float) -> datetime:
    return BASE + timedelta(seconds=second)


def _rows(seconds: Sequence[float], devices: str = "aab") -> list[dict[str, Any]]:
    return [
        {"ts": _at(t), "id": i * 7 % 5, "device": devices[i % len(devices)]}
        for i, t in enumerate(seconds)
    ]


@dataclass
class Life:
    """A job whose query is changed between two runs."""

    bench: Bench
    change: Change
    cut_off: str = "drop"
    size: int = 1000
    sources: dict[str, GrowingSource] = field(default_factory=dict)
    crash: int | None = None
    steps: int = 0

    def __post_init__(self) -> None:
        names = [n for n in ("readings", "clicks") if n in self.change.before + self.change.after]
        self.sources = {name: GrowingSource(arrow_schema(FIELDS)) for name in names}
        self.database = self.bench.attach()

    def append(self, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        for name, source in self.sources.items():
            source.append("0", *rows[name])

    def runner(self, query: str) -> Any:
        inputs = {n: Input(fields=FIELDS, rows={}) for n in self.sources if n in query}
        start = {"at": "earliest", "cut_off": self.cut_off}
        spec = job(query, inputs, start=start, trigger={"rows": self.size})
        sources = {name: self.sources[name] for name in inputs}
        return self.bench.runner(spec, sources, self.database, trace=self._trace)

    def _trace(self, step: str) -> None:
        self.steps += 1
        if self.steps == self.crash:
            raise Crashed

    def run(self, query: str) -> None:
        """Run until there is nothing to do; a crash is followed by another start."""
        runner = self.runner(query)
        while True:
            try:
                wait = runner.step()
            except Crashed:
                runner.close()
                runner = self.runner(query)
                continue
            if wait != 0.0:
                break
        runner.close()

    def finish(self, query: str, crash: int) -> None:
        """Let the inputs end, and run to that end with a crash at a step."""
        for source in self.sources.values():
            source.finish()
        self.crash = crash
        self.run(query)

    def held(self) -> dict[str, int]:
        """The rows that each stage keeps."""
        session = self.bench.instance.session()
        rows: Counter[str] = Counter()
        for table in JobFile(session, self.database).state_tables():
            rows[stage_of(table)] += session.rows(f"SELECT count(*) FROM {table}")[0][0]
        session.close()
        return dict(rows)

    def agree(self) -> tuple[int, datetime]:
        """Agree that state is dropped; give the last batch before, and up to when was read."""
        session = self.bench.instance.session()
        file = JobFile(session, self.database)
        file.let_drop()
        stands = file.open()
        session.close()
        reach = max((stands.reach(stream) for stream in stands.clocks), default=0)
        return stands.n, BASE.fromtimestamp(reach / 1e6, UTC)

    def end(self) -> None:
        self.bench.detach(self.database)

    def output(self, after: int) -> list[tuple[Any, ...]]:
        """The rows of the batches behind one."""
        session = self.bench.instance.session()
        found = session.rows(f"SELECT * FROM {self.database}.output WHERE _batch > {after}")
        session.close()
        return [row[:-1] for row in found]


def _counted(rows: Any) -> Counter[str]:
    return Counter(repr(row) for row in rows)


SECONDS = st.lists(st.integers(0, 240).map(lambda q: q / 4), min_size=6, max_size=30).map(sorted)
ENDED = st.booleans()
EVERY = pytest.mark.parametrize("name", CHANGES)


def prove(bench: Bench, batch: Batch, change: Change, examples: int) -> None:
    """Change the query at some moment, kill the job at some step, compare with the batch."""

    @settings(max_examples=examples)
    @given(SECONDS, SECONDS, st.integers(0, 60), st.integers(1, 9), st.integers(1, 30), ENDED)
    def live(
        first: list[float], second: list[float], moment: int, size: int, crash: int, ended: bool
    ) -> None:
        rows = {"readings": _rows(first), "clicks": _rows(second)}
        life = Life(bench, change, size=size)
        if ended and all(name in change.before for name in rows):  # one of two streams
            rows["readings"] = [r for r in rows["readings"] if r["ts"] < _at(moment)]
            life.sources["readings"].finish()
        life.append({n: [r for r in each if r["ts"] < _at(moment)] for n, each in rows.items()})
        life.run(change.before)
        held = life.held()
        n, reach = life.agree()
        # a start that dies before its first batch leaves what the next one finds
        for _ in range(2):
            life.runner(change.after).close()
            assert {s: life.held()[s] for s in change.stays} == {s: held[s] for s in change.stays}
            assert {s for s, kept in life.held().items() if kept} <= change.stays
        life.append({n: [r for r in each if r["ts"] >= _at(moment)] for n, each in rows.items()})
        life.finish(change.after, life.steps + crash)
        inputs = {n: Input(fields=FIELDS, rows={"0": rows[n]}) for n in life.sources}
        whole, made = batch.rows(change.after, inputs), life.output(n)
        assert _counted(made) <= _counted(whole)
        wanted = [r for r in whole if r[0] > reach + timedelta(seconds=change.trail)]
        if not change.anew:  # what had not been emitted is
            emitted = {row[0] for row in life.output(0)} - {row[0] for row in made}
            wanted = [r for r in whole if r[0] not in emitted]
            assert _counted(made) == _counted(wanted)
        assert _counted(wanted) <= _counted(made)
        life.end()

    live()


@EVERY
def test_unchanged_stages_keep_their_state_and_the_others_begin_anew(
    bench: Bench, batch: Batch, name: str
) -> None:
    prove(bench, batch, CHANGES[name], 4)


@pytest.mark.soak
@EVERY
def test_unchanged_stages_keep_their_state_whatever_the_moment(
    bench: Bench, batch: Batch, name: str
) -> None:
    prove(bench, batch, CHANGES[name], 200)


@EVERY
def test_the_stages_whose_state_goes_are_named_and_nothing_is_done(bench: Bench, name: str) -> None:
    change = CHANGES[name]
    life = Life(bench, change)
    rows = _rows([1, 3, 6, 8, 12, 14, 18, 24, 26, 37, 38.5])
    life.append({"readings": rows, "clicks": rows})
    life.run(change.before)
    held = life.held()
    if change.goes:
        with pytest.raises(StorageError) as caught:
            life.runner(change.after)
        named = str(caught.value).removeprefix("the window state kept in ").split(" belongs")[0]
        assert set(named.split(", ")) == change.goes
    assert life.held() == held
    assert set(held) == change.goes | change.stays
    life.end()


CHAIN = CHANGES["the last of a chain"]
BEFORE, AFTER = [1, 3, 6, 12, 14, 24, 26, 37, 38.5], [39, 41, 44, 52, 58, 61, 75, 83, 99]


def _changed(bench: Bench, change: Change, cut_off: str) -> tuple[Life, int]:
    """A job with fixed rows that stands where its query may change."""
    life = Life(bench, change, cut_off=cut_off)
    life.append({"readings": _rows(BEFORE), "clicks": _rows(BEFORE)})
    life.run(change.before)
    n, _ = life.agree()
    return life, n


def _windows(rows: Sequence[tuple[Any, ...]]) -> list[tuple[int, Any]]:
    return sorted(((row[0] - BASE).seconds, *row[2:]) for row in rows)


def test_windows_that_were_half_full_at_the_change_are_left_out_or_marked(bench: Bench) -> None:
    before, after = (f"WITH {M} {over('m', what, 60)}" for what in (SUM, SUM3))
    made = {}
    for cut_off in ("drop", "emit"):
        life, n = _changed(bench, _change(before, after, "result", "m"), cut_off)
        life.append({"readings": _rows(AFTER)})
        life.finish(after, 0)
        made[cut_off] = _windows(life.output(n))
        life.end()
    # what ended at 10, 20 and 30 had been handed on and is lost; what ends at 40 was half full in
    # a stage that went on, and comes whole
    assert made == {"drop": [(60, 3 * 6)], "emit": [(0, 3 * (3 + 2), True), (60, 3 * 6, False)]}


def test_reading_back_rebuilds_the_windows_of_all_stages(bench: Bench, batch: Batch) -> None:
    life, n = _changed(bench, CHAIN, "lookback")
    life.runner(CHAIN.before).close()  # nothing is dropped, and what was agreed is forgotten
    with pytest.raises(StorageError, match="kept in m, result belongs"):
        life.runner(CHAIN.after)
    life.agree()
    life.append({"readings": _rows(AFTER)})
    life.finish(CHAIN.after, 0)
    inputs = {"readings": Input(fields=FIELDS, rows={"0": _rows(BEFORE + AFTER)})}
    later = [row for row in batch.rows(CHAIN.after, inputs) if row[0] >= _at(20)]
    assert _windows(life.output(n)) == _windows(later)
    life.end()


def test_a_start_that_fails_while_it_drops_state_has_dropped_none(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    life, _ = _changed(bench, CHAIN, "drop")
    held = life.held()

    def fail(self: JobFile, checkpoint: object) -> None:
        raise QueryError("the disk went away")

    with monkeypatch.context() as broken:
        broken.setattr(JobFile, "put", fail)
        with pytest.raises(QueryError, match="disk"):
            life.runner(CHAIN.after)
    assert life.held() == held
    life.runner(CHAIN.after).close()
    assert life.held() == {**held, "result": 0}
    life.end()


def test_a_sink_that_refuses_the_changed_query_leaves_the_state(bench: Bench) -> None:
    life, _ = _changed(bench, CHAIN, "drop")
    held = life.held()
    with pytest.raises(SpecRefused, match="the column n is"):
        life.runner(CHAIN.after.replace("sum(3 * n)", "list(n)"))
    assert life.held() == held
    life.end()


def test_agreeing_once_does_not_drop_what_fails_to_fit_later(bench: Bench) -> None:
    life, _ = _changed(bench, CHAIN, "drop")
    life.runner(CHAIN.before).close()
    with pytest.raises(StorageError, match="kept in result belongs"):
        life.runner(CHAIN.after)
    life.end()


def test_a_stage_over_a_slow_stream_is_not_cut_by_a_fast_one(bench: Bench, batch: Batch) -> None:
    change = CHANGES["the end of the deeper side of a join"]
    life = Life(bench, change)
    life.append({"readings": _rows([*BEFORE, 130, 140]), "clicks": _rows(BEFORE)})
    life.run(change.before)
    n, _ = life.agree()
    life.append({"readings": _rows([150]), "clicks": _rows([*AFTER, 145])})
    life.finish(change.after, 0)
    rows = {"readings": _rows([*BEFORE, 130, 140, 150]), "clicks": _rows([*BEFORE, *AFTER, 145])}
    inputs = {name: Input(fields=FIELDS, rows={"0": each}) for name, each in rows.items()}
    whole, made = batch.rows(change.after, inputs), life.output(n)
    # rows of the fast side had been handed on up to 140 and went with the state of the join
    wanted = [row[0] for row in whole if row[0] >= _at(140)]
    assert set(wanted) == {_at(140), _at(150)} <= {row[0] for row in made}
    assert _counted(made) <= _counted(whole)
    life.end()


def test_a_query_without_windows_may_get_some(bench: Bench) -> None:
    plain = "SELECT ts AS window_start, ts AS window_end, id AS n FROM readings"
    counted = over("readings", COUNT, time="ts")
    life, n = _changed(bench, _change(plain, counted, "", ""), "drop")
    life.append({"readings": _rows(AFTER)})
    life.finish(counted, 0)
    assert _windows(life.output(n)) == [(40, 4), (60, 2), (80, 2)]
    life.end()


def test_another_type_of_what_is_kept_does_not_fit(bench: Bench) -> None:
    life, _ = _changed(bench, CHAIN, "drop")
    life.runner(CHAIN.before).close()
    query = CHAIN.before.replace("count(*) AS n", "CAST(count(*) AS INTEGER) AS n")
    with pytest.raises(StorageError, match="kept in result belongs"):
        life.runner(query)
    life.end()
