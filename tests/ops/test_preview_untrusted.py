"""What an attacker writes into a previewed query reads nothing, writes nothing, changes nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import streamops_nb as so
from streamops_nb.ops.workspace import Workspace
from tests.ops.operated import opened
from tests.unit.plan.planning import DEVICES, STREAMS
from tests.unit.plan.test_planner_untrusted import HOSTILE, READS

SECRET = "the-secret-of-the-house"

# statements that are no query, and queries of which a stage is right and another one hostile
MORE = [
    "COPY readings TO 'stolen.csv'",
    "COPY (SELECT 1) TO 'stolen.parquet'",
    "ATTACH 'stolen.db'",
    "ATTACH 'catalog.db' AS c",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET threads = 64",
    "SET VARIABLE x = 1",
    "RESET lock_configuration",
    "PRAGMA enable_external_access",
    "EXPORT DATABASE 'stolen'",
    "CREATE TABLE stolen AS SELECT 1",
    "CREATE MACRO abs(x) AS 1",
    "DROP VIEW readings",
    "CALL pragma_version()",
    "CHECKPOINT",
    "SELECT 1 FROM readings; COPY readings TO 'stolen.csv'",
    "WITH good AS (SELECT temp FROM readings) SELECT * FROM good, read_text('secret.csv')",
    "WITH good AS (SELECT temp FROM readings), bad AS (FROM read_text('secret.csv')) FROM good",
    "WITH bad AS (FROM query('FROM read_text(''secret.csv'')')) SELECT temp FROM readings",
    "WITH readings AS (FROM read_text('secret.csv')) SELECT * FROM readings",
    "WITH _frame AS (SELECT 1 AS a) SELECT temp FROM readings, _rows_readings",
    "SELECT * FROM _rows_readings",
    "SELECT * FROM _frame",
    "SELECT * FROM _times",
    "SELECT getvariable('window_from') AS x FROM readings",
    "SELECT temp FROM readings WHERE device = (SELECT content FROM read_blob('secret.csv'))",
]


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("hostile")
    with opened(folder, resume=False) as workspace:
        workspace.resources.ensure()
        (folder / "secret.csv").write_text(f"size,content\n1,{SECRET}\n")
        (folder / "devices.csv").write_text(",".join(DEVICES) + "\na,north,1,2026-01-01\n")
        yield workspace


def spec(query: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    streams = {
        name: {"source": "simulator", "schema": dict(s.columns), "event_time": s.event_time}
        for name, s in STREAMS.items()
    }
    devices = {"type": "csv", "path": "devices.csv"}
    fields = {"streams": streams, "references": {"devices": devices}, "params": params or {}}
    return {"name": "hostile", "query": query, **fields}


def state(folder: Path) -> dict[str, str]:
    """What lies in a workspace; its keeper notes things in the catalog now and then."""
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and "catalog" not in p.name)
    return {str(path): sha256(path.read_bytes()).hexdigest() for path in files}


def everything(preview: Any) -> str:
    tables: list[pa.Table] = [stage.table for stage in preview.result.stages.values()]
    tables += [preview.result.rejects, preview.result.late]
    return repr([table.to_pylist() for table in tables]) + repr(preview) + preview._repr_html_()


def _shown(ws: Workspace, query: str) -> tuple[tuple[so.Fault, ...], str]:
    """Give what is wrong with a query, and all that its preview or refusal shows."""
    try:
        preview = ws.preview(spec(query), seed=1, rows=20)
    except so.Refused as refusal:
        return tuple(refusal.faults), str(refusal)
    return preview.faults, everything(preview)


@pytest.mark.parametrize("query", [*READS, *MORE])
def test_what_reads_or_changes_is_refused_or_is_a_fault_and_its_stage_does_not_run(
    ws: Workspace, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ws.folder)
    before = state(ws.folder)
    faults, told = _shown(ws, query)
    assert faults
    assert SECRET not in told
    assert state(ws.folder) == before


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_rows_and_parameters_stays_text(ws: Workspace, text: str) -> None:
    frame = pa.table({"device": [text], "temp": [1.0]})
    query = "SELECT device, $name AS name FROM readings WHERE device = $name"
    preview = ws.preview(query, data={"readings": frame}, params={"name": text})
    assert preview.table.to_pylist() == [{"device": text, "name": text}]
    assert "<script" not in preview._repr_html_()


SEALED = [
    "SELECT * FROM read_csv('secret.csv')",
    "SELECT * FROM read_text('secret.csv')",
    "SELECT * FROM read_blob('secret.csv')",
    "SELECT * FROM glob('*')",
    "SELECT * FROM 'secret.csv'",
    "SELECT * FROM query('FROM read_text(''secret.csv'')')",
    "COPY (SELECT 1) TO 'stolen.csv'",
    "EXPORT DATABASE 'stolen'",
    "ATTACH 'stolen.db'",
    "ATTACH 'catalog.db' AS c (READ_ONLY)",
    "INSTALL httpfs",
    "LOAD httpfs",
    "FROM read_text('{url}')",
    "SELECT * FROM read_parquet('{url}')",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "SET memory_limit = '100GB'",
    "SET allowed_directories = ['/']",
    "SET temp_directory = 'stolen'",
    "RESET memory_limit",
    "PRAGMA threads = 64",
    "CREATE SECRET s (TYPE S3, KEY_ID 'a', SECRET 'b')",
    "SELECT * FROM frame",
    "SELECT * FROM pa_table",
]


@pytest.mark.parametrize("statement", SEALED)
def test_a_statement_that_got_into_the_sealed_session_would_reach_nothing(
    ws: Workspace, statement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ws.folder)
    frame = pa_table = pa.table({"a": [SECRET]})  # no variable of Python's is a table either
    before = state(ws.folder)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x.parquet"
        with (
            ws._core.previews.previewer.session() as session,
            pytest.raises(so.StreamopsError) as caught,
        ):
            session.rows(statement.replace("{url}", url))
        with pytest.raises(BlockingIOError):
            server.accept()
    assert SECRET not in str(caught.value)
    assert state(ws.folder) == before
    assert frame is pa_table
