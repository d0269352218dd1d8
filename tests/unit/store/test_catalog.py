"""The catalog remembers jobs, versions, states and resources, and refuses foreign files."""

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from streamops_nb.db import open_instance
from streamops_nb.model.errors import MoveRefused, Refused, StorageError, WorkspaceOwned
from streamops_nb.model.events import StatusChanged
from streamops_nb.model.lifecycle import Action, JobState, Status
from streamops_nb.store import Allocation, Catalog, JobRecord, Version


@contextmanager
def opened(path: Path | None) -> Iterator[Catalog]:
    instance = open_instance(path.parent if path else None, threads=1)
    try:
        catalog = Catalog(instance, path)
        yield catalog
        catalog.close()
    finally:
        instance.close()


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "catalog.db"


@pytest.fixture
def catalog() -> Iterator[Catalog]:
    with opened(None) as one:
        yield one


def test_each_save_is_a_new_version(catalog):
    assert catalog.save_job("a: 1", "hot", "ann", "first", at=10.0) == 1
    assert catalog.save_job("a: 2", "hot", "bob", "warmer", at=20.0) == 2
    assert (catalog.spec("hot"), catalog.spec("hot", 1)) == ("a: 2", "a: 1")
    assert catalog.versions("hot") == [
        Version(job="hot", version=1, author="ann", at=10.0, comment="first"),
        Version(job="hot", version=2, author="bob", at=20.0, comment="warmer"),
    ]
    assert catalog.job("hot") == JobRecord(
        name="hot", author="ann", version=2, created_at=10.0, saved_at=20.0,
        state=JobState(since=10.0), run=0, copied=0, owner="", tags=(), cu=0.1, ran=0, held=0.0,
    )  # fmt: skip


def test_everything_is_there_after_reopening(path):
    with opened(path) as catalog:
        catalog.save_job("sök: ünïcode 'quoted'", "a job; --", "ann", "", at=10.0)
        catalog.change({"a job; --": lambda state: state.act(Action.START, 11.0)})
        catalog.allocate(Allocation(cu=2.5, status="ALLOCATED", at=9.0, who="ann"))
        assert catalog.new_run("a job; --") == 1
        before = catalog.jobs()
    with opened(path) as catalog:
        assert catalog.jobs() == before
        assert before[0].state == JobState(
            desired=Status.RUNNING, observed=Status.STARTING, since=11.0
        )
        assert catalog.spec("a job; --") == "sök: ünïcode 'quoted'"
        assert catalog.allocation() == Allocation(cu=2.5, status="ALLOCATED", at=9.0, who="ann")
        assert catalog.new_run("a job; --") == 2


def test_jobs_come_by_name(catalog):
    for name in ("b", "c", "a"):
        catalog.save_job("", name, "ann", "", at=1.0)
    assert [job.name for job in catalog.jobs()] == ["a", "b", "c"]


def test_before_a_request_there_is_no_allocation_and_the_last_one_counts(catalog):
    assert catalog.allocation() is None
    catalog.allocate(Allocation(cu=1.0, status="ALLOCATING", at=1.0))
    catalog.allocate(Allocation(cu=1.0, status="ALLOCATED", at=2.0))
    assert catalog.allocation() == Allocation(cu=1.0, status="ALLOCATED", at=2.0)


def test_an_unknown_job_or_version_is_refused_with_what_there_is(catalog):
    with pytest.raises(Refused, match="there is no job 'hot' - no job has been saved yet"):
        catalog.job("hot")
    catalog.save_job("", "hot_minutes", "ann", "", at=1.0)
    asks = (catalog.job, catalog.spec, catalog.versions, catalog.new_run)
    for ask in (*asks, lambda name: catalog.delete_jobs([name])):
        with pytest.raises(Refused, match="no job 'hot_minute' - did you mean `hot_minutes`"):
            ask("hot_minute")
    with pytest.raises(Refused, match="hot_minutes has no version 3 - it has versions 1 to 1"):
        catalog.spec("hot_minutes", 3)


def test_a_change_of_state_and_its_event_are_one(catalog):
    catalog.save_job("", "a", "ann", "", at=1.0)

    def tell(name: str, before: JobState, after: JobState) -> list[StatusChanged]:
        return [StatusChanged(job=name, at=2.0, before=before.observed, after=after.observed)]

    after = catalog.change({"a": lambda state: state.act(Action.START, 2.0)}, tell)["a"]
    assert after == catalog.job("a").state
    assert catalog.events("a").events == (
        StatusChanged(job="a", at=2.0, before=Status.PUBLISHED, after=Status.STARTING),
    )

    def tell_of_another(*_: object) -> list[StatusChanged]:
        return [StatusChanged(job="?", at=3.0, before=Status.STARTING, after=Status.RUNNING)]

    with pytest.raises(StorageError, match=r"events of \? cannot be stored"):
        catalog.change({"a": lambda state: state.report(Status.RUNNING, 3.0)}, tell_of_another)
    assert catalog.job("a").state == after


def test_a_refused_move_changes_nothing(catalog):
    catalog.save_job("", "a", "ann", "", at=1.0)
    before = catalog.job("a")
    with pytest.raises(MoveRefused, match="no pause while it is PUBLISHED"):
        catalog.change({"a": lambda state: state.act(Action.PAUSE, 2.0)})
    assert catalog.job("a") == before


def test_threads_that_change_the_same_job_do_not_lose_changes(catalog):
    catalog.save_job("", "a", "ann", "", at=0.0)

    def count() -> None:
        for _ in range(20):
            catalog.change({"a": lambda s: JobState(since=s.since + 1)})
            catalog.new_run("a")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (catalog.job("a").state.since, catalog.job("a").run) == (80.0, 80)


def test_a_deleted_job_is_forgotten_and_its_name_is_free(catalog):
    for name in ("a", "b"):
        catalog.save_job("x", name, "ann", "", at=1.0)
        catalog.append([StatusChanged(
            job=name, seq=1, at=1.0, before=Status.STARTING, after=Status.RUNNING
        )])  # fmt: skip
    catalog.delete_jobs(["a"])
    assert [job.name for job in catalog.jobs()] == ["b"]
    assert [event.job for event in catalog.events().events] == ["b"]
    assert catalog.save_job("y", "a", "bob", "", at=2.0) == 1
    assert (catalog.spec("a"), catalog.job("a").copied) == ("y", 0)


def test_a_reader_sees_the_state_before_while_somebody_writes(catalog):
    catalog.save_job("", "a", "ann", "", at=1.0)

    def look_then_change(state: JobState) -> JobState:
        assert catalog.job("a").state == state
        return JobState(since=state.since + 1)

    assert catalog.change({"a": look_then_change})["a"].since == 2.0
    assert catalog.job("a").state.since == 2.0


def cut_short(path: Path, keep: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])


@pytest.mark.parametrize("keep", [0.0, 0.001, 0.3, 0.7, 0.999])
def test_a_truncated_catalog_is_an_error_that_names_the_file(path, keep):
    with opened(path) as catalog:
        catalog.save_job("x" * 1000, "a", "ann", "", at=1.0)
    cut_short(path, keep)
    with (
        pytest.raises(StorageError, match=rf"the catalog {path} is damaged .* restore it"),
        opened(path),
    ):
        pass


def test_a_file_that_is_no_database_is_an_error_that_says_what_to_do(path):
    path.write_text("dear diary\n" * 1000)
    told = r"is no catalog of streamops_nb: .* move it away"
    with pytest.raises(StorageError, match=told), opened(path):
        pass
    assert path.read_text().startswith("dear diary")


@pytest.mark.parametrize(
    "tables",
    [
        "CREATE TABLE mine (a INTEGER)",
        "CREATE TABLE about (key VARCHAR, value VARCHAR); CREATE TABLE jobs (a INTEGER)",
        "CREATE TABLE about (a INTEGER)",
    ],
)
def test_somebody_elses_database_is_refused_and_left_alone(path, tables):
    with duckdb.connect(str(path)) as theirs:
        theirs.execute(tables).fetchall()
    with pytest.raises(StorageError, match=str(path)), opened(path):
        pass
    with duckdb.connect(str(path)) as theirs:
        names = theirs.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    assert len(names) == tables.count("CREATE")


def test_a_catalog_of_a_newer_version_is_refused(path):
    with opened(path):
        pass
    with duckdb.connect(str(path)) as theirs:
        theirs.execute("UPDATE about SET value = '99' WHERE key = 'format'").fetchall()
    with (
        pytest.raises(StorageError, match="has format 99, this version reads up to 3"),
        opened(path),
    ):
        pass


def test_after_a_refusal_the_instance_can_open_another_catalog(path):
    path.write_text("dear diary\n" * 1000)
    instance = open_instance(path.parent, threads=1)
    try:
        with pytest.raises(StorageError):
            Catalog(instance, path)
        catalog = Catalog(instance, path.with_name("good.db"))
        assert catalog.jobs() == []
        catalog.close()
        shutil.copy(path.with_name("good.db"), path)
        assert Catalog(instance, path).jobs() == []
    finally:
        instance.close()


def test_a_catalog_that_another_process_has_open_is_owned(path):
    with opened(path):
        pass
    code = (
        "import duckdb, sys, time\n"
        "c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with (
            pytest.raises(WorkspaceOwned, match=f"another process .*{other.pid}"),
            opened(path),
        ):
            pass
    finally:
        other.communicate()


def test_what_was_committed_survives_a_kill(tmp_path, path):
    code = (
        "import sys; from pathlib import Path\n"
        "from streamops_nb.db import open_instance; from streamops_nb.store import Catalog\n"
        "path = Path(sys.argv[1]); catalog = Catalog(open_instance(path.parent), path)\n"
        "for n in range(10_000):\n"
        "    print(catalog.save_job(str(n), 'a', 'ann', '', at=float(n)), flush=True)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    for line in child.stdout:
        if int(line) >= 20:
            break
    child.kill()
    last = [int(line), *(int(rest) for rest in child.stdout.read().split("\n")[:-1])][-1]
    child.wait()
    child.stdout.close()
    with opened(path) as catalog:
        job = catalog.job("a")
        assert job.version in {last, last + 1}
        assert [v.version for v in catalog.versions("a")] == list(range(1, job.version + 1))
        assert catalog.spec("a") == str(job.version - 1)


def test_ten_thousand_jobs_are_listed_completely(catalog):
    with catalog._writing() as session:
        session.run(
            "INSERT INTO catalog.jobs SELECT 'job' || range, 'ann', 1, 1, 1, 'RUNNING', 'FAILED',"
            " range, 'why', 3, 4, 'eve', ['x'], 0.5, 1, 0.5 FROM range(10000)"
        )
    jobs = catalog.jobs()
    assert len(jobs) == 10_000
    assert jobs[0] == JobRecord(
        name="job0", author="ann", version=1, created_at=1.0, saved_at=1.0, run=3, copied=4,
        owner="eve", tags=("x",), cu=0.5, ran=1, held=0.5,
        state=JobState(desired=Status.RUNNING, observed=Status.FAILED, since=0.0, reason="why"),
    )  # fmt: skip
