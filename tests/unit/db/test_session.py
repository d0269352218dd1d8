"""Instances and sessions: what every room above relies on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from streamops_nb.db import open_instance, read_table, sealed
from streamops_nb.model.errors import QueryError, RowError, StorageError


def test_every_session_runs_in_utc_whatever_the_machines_zone() -> None:
    code = (
        "from streamops_nb.db import open_instance; s = open_instance().session(); "
        "print(s.rows(\"SELECT current_setting('TimeZone')\")[0][0]); s.close()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TZ": "America/New_York"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "UTC"


@pytest.mark.parametrize(
    "statement",
    [
        "COPY (SELECT 1) TO '{folder}/out.csv'",
        "SELECT * FROM read_text('/etc/hostname')",
        "ATTACH '{folder}/other.db'",
        "INSTALL httpfs",
        "SET threads = 1",
        "SET GLOBAL enable_external_access = true",
    ],
)
def test_a_sealed_instance_reaches_nothing(statement: str, tmp_path: Path) -> None:
    instance = sealed()
    session = instance.session()
    with pytest.raises((QueryError, RowError, StorageError)):
        session.rows(statement.format(folder=tmp_path))
    assert list(tmp_path.iterdir()) == []
    instance.close()


def test_an_instance_reaches_its_folder_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    instance = open_instance(tmp_path / "mine")
    instance.attach(tmp_path / "mine" / "a.db", "a")
    with pytest.raises(StorageError, match=r"other\.db"):
        instance.attach(tmp_path / "other.db", "b")
    instance.close()
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_block_that_raises_is_rolled_back_and_the_session_stays_usable() -> None:
    session = sealed().session()
    session.run("CREATE TEMP TABLE t (x INTEGER)")
    with pytest.raises(RowError), session.transaction():  # noqa: PT012 - what is rolled back
        session.run("INSERT INTO t VALUES (1)")
        session.rows("SELECT CAST('x' AS INTEGER)")
    assert session.rows("FROM t") == []
    assert session.run("INSERT INTO t VALUES (2), (3)") == 2


def test_a_frame_registered_in_a_block_that_failed_hides_no_error() -> None:
    session = sealed().session()
    frame = pa.table({"x": ["1", "y"]})
    with pytest.raises(RowError), session.transaction(), session.registered(frame=frame):
        session.rows("SELECT CAST(x AS INTEGER) FROM frame")


def test_types_that_arrow_does_not_know_are_cast_back() -> None:
    session = sealed().session()
    columns = {"j": "JSON", "u": "UUID", "h": "HUGEINT", "e": "ENUM('a', 'b')"}
    nulls = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in columns.items())
    session.declare("frame", columns, session.table(f"SELECT {nulls} LIMIT 0"))
    frame = {"j": ["[1]"], "u": ["6ba7b810-9dad-11d1-80b4-00c04fd430c8"], "h": [5], "e": ["b"]}
    table = pa.table(frame)
    session.register("frame", table.set_column(2, "h", table["h"].cast(pa.decimal128(38, 0))))
    types = session.rows("SELECT typeof(j), typeof(u), typeof(h), typeof(e) FROM frame")
    assert types == [("JSON", "UUID", "HUGEINT", "ENUM('a', 'b')")]


def test_a_table_is_read_out_of_another_file(tmp_path: Path) -> None:
    instance = open_instance(tmp_path)
    instance.attach(tmp_path / "a.db", "a")
    session = instance.session()
    session.run("CREATE TABLE a.devices AS SELECT 1 AS id")
    session.close()
    instance.close()
    assert read_table(tmp_path / "a.db", "devices").to_pydict() == {"id": [1]}
    with pytest.raises(QueryError, match="sites"):
        read_table(tmp_path / "a.db", "sites")


def test_a_session_at_rest_holds_no_rows_and_takes_others_in_their_place() -> None:
    instance = sealed()
    session = instance.session()
    small, large = pa.table({"n": [1, 2]}), pa.table({"n": list(range(5_000))})
    session.register("small", small)
    session.register("held", large, few=10_000)
    session.register("large", large)
    session.view("seen", "SELECT n + 1 AS n FROM small")
    session.register("seen_as", small)
    session.view("seen_as", "FROM small")
    session.rest()
    assert [session.rows(f"SELECT count(*) FROM {name}") for name in ("small", "held")] == [
        [(0,)],
        [(0,)],
    ]
    for gone in ("large", "seen", "seen_as"):
        with pytest.raises(QueryError, match=gone):
            session.rows(f"FROM {gone}")
    session.register("held", pa.table({"n": [7]}), few=10_000)
    session.register("small", pa.table({"name": ["d1"]}))
    session.view("seen", "FROM held")
    session.register("seen", small)
    session.register("seen_as", small)
    found = {name: session.rows(f"FROM {name}") for name in ("held", "small", "seen", "seen_as")}
    assert found == {
        "held": [(7,)],
        "small": [("d1",)],
        "seen": [(1,), (2,)],
        "seen_as": [(1,), (2,)],
    }
    instance.close()
