"""What specifications from outside may name, and what they may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from streamops_nb.model.errors import SpecRefused
from streamops_nb.plan.specfile import Job
from streamops_nb.server.allowing import Allowed


def allowed(folder: Path, **more: Any) -> Allowed:
    return Allowed(folder=folder, **more)


def reading(path: str) -> Any:
    source = {"type": "files", "path": path}
    stream = {"source": source, "format": "raw", "schema": {"line": "VARCHAR"}}
    return Job(name="a", streams={"r": stream}, query="SELECT * FROM r")


def asking(servers: str, **more: Any) -> Any:
    source = {"type": "kafka", "servers": servers, "topic": "t", **more}
    stream = {"source": source, "format": "json", "schema": {"x": "VARCHAR"}}
    return Job(name="a", streams={"r": stream}, query="SELECT * FROM r")


@pytest.mark.parametrize("path", ["data/*.csv", "data/a.csv", "in/./x.txt", "data/**/*.csv"])
def test_files_in_folders_of_the_workspace_may_be_read(tmp_path: Path, path: str) -> None:
    allowed(tmp_path).check(reading(path))


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd", "../other/x.csv", "data/../../x", "*", "*.address", "owner.address",
        "own?r.address", "catalog.db", "jobs/a.db", "./owner.address", "data/../owner.address",
        "data/../*", "/*", "/tmp/*", "samples/a/x.parquet", "streams/log.db", "[o]wner*",
    ],
)  # fmt: skip
def test_files_elsewhere_and_the_workspaces_own_may_not(tmp_path: Path, path: str) -> None:
    with pytest.raises(SpecRefused) as refused:
        allowed(tmp_path).check(reading(path))
    (fault,) = refused.value.faults
    assert fault.where == "streams.r.source.path"
    assert "--allow-folder" in fault.remedy


def test_a_link_leads_to_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "w" / "link").symlink_to(tmp_path / "out")
    with pytest.raises(SpecRefused):
        allowed(tmp_path / "w").check(reading("link/x.csv"))
    allowed(tmp_path / "w", folders=(tmp_path / "out",)).check(reading("link/x.csv"))


def test_a_folder_around_the_workspace_does_not_open_its_own_files(tmp_path: Path) -> None:
    lists = allowed(tmp_path / "w", folders=(tmp_path,))
    lists.check(reading("../data/x.csv"))
    for path in ("owner.address", f"{tmp_path}/w/owner.address", f"{tmp_path}/*/owner.address"):
        with pytest.raises(SpecRefused):
            lists.check(reading(path))
    with pytest.raises(SpecRefused):
        allowed(tmp_path / "w", folders=(Path("*"),)).check(reading("owner.address"))


def test_hosts_variables_and_client_options_are_told_apart(tmp_path: Path) -> None:
    security = {
        "protocol": "SASL_SSL", "mechanism": "PLAIN", "username": "u",
        "password": "${env:KAFKA_PASSWORD}", "ca": "/etc/ca.pem",
    }  # fmt: skip
    spec = asking("good:9092,evil:9092", security=security, options={"client.rack": 1})
    with pytest.raises(SpecRefused) as refused:
        allowed(tmp_path, hosts=frozenset({"good"})).check(spec)
    assert [fault.where for fault in refused.value.faults] == [
        "streams.r.source.servers",
        "streams.r.source.security.password",
        "streams.r.source.security.ca",
        'streams.r.source.options["client.rack"]',
    ]
    lists = allowed(
        tmp_path,
        hosts=frozenset({"good", "evil"}),
        variables=frozenset({"KAFKA_PASSWORD"}),
        folders=(Path("/etc"),),
    )
    lists.check(asking("good:9092,evil:9092", security=security))


def test_references_and_sinks_are_looked_at_too(tmp_path: Path) -> None:
    source = {"type": "simulator"}
    fields = {"ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "DOUBLE"}
    spec = Job(
        name="a",
        streams={"r": {"source": source, "schema": fields, "event_time": "ts"}},
        references={"p": {"type": "csv", "path": "/etc/passwd"}},
        sink={"type": "parquet", "path": "/tmp/out"},
        query="SELECT * FROM r",
    )
    with pytest.raises(SpecRefused) as refused:
        allowed(tmp_path).check(spec)
    assert [f.where for f in refused.value.faults] == ["references.p.path", "sink.path"]


def test_a_backup_may_go_where_files_may_be_written(tmp_path: Path) -> None:
    lists = allowed(tmp_path / "w", folders=(tmp_path / "backups",))
    assert lists.may_write(str(tmp_path / "backups" / "one"))
    assert not lists.may_write(str(tmp_path / "elsewhere"))
    assert not lists.may_write(str(tmp_path / "w" / "data"))
    assert not lists.may_write("data")
    assert not lists.may_write("../backups/one")
