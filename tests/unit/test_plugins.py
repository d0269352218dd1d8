"""The registry: names without imports, one import at a time, refusals that help."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from streamops_nb import plugins
from streamops_nb.model.errors import SpecRefused
from tests.installed import install

SOURCE = """
import pydantic

class Sensor:
    class Settings(pydantic.BaseModel):
        port: int = 1
"""


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path, into which packages can be put as pip does."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def refusal_of(kind: plugins.Kind, name: str) -> str:
    with pytest.raises(SpecRefused) as refusal:
        plugins.load(kind, name)
    return str(refusal.value)


def test_the_built_in_names_are_listed() -> None:
    assert set(plugins.names("source")) >= {
        "files", "job", "kafka", "replay", "simulator", "table",
    }  # fmt: skip
    assert set(plugins.names("format")) >= {"csv", "json", "parquet", "raw"}
    assert set(plugins.names("sink")) >= {"kafka", "none", "parquet", "table"}


def test_listing_imports_no_plug_in_and_loading_imports_one() -> None:
    code = (
        "import sys; from streamops_nb import plugins; plugins.names('source'); "
        "mods = lambda: sorted(m for m in sys.modules if m.startswith('streamops_nb.s')); "
        "print(mods()); plugins.load('sink', 'none'); "
        "print('streamops_nb.sinks.nothing' in sys.modules, 'streamops_nb.sinks.table' in "
        "sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "True False"]


def test_a_strangers_plug_in_goes_through_the_same_door(packages: Path) -> None:
    install(packages, "acme_a", SOURCE, "[streamops_nb.sources]\nsensor = acme_a:Sensor\n")
    assert "sensor" in plugins.names("source")
    assert plugins.load("source", "sensor").__module__ == "acme_a"


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    assert refusal_of("source", "simulater") == (
        'there is no source of type "simulater" - did you mean `simulator`?'
    )
    assert refusal_of("format", "protobuf").startswith(
        'there is no format of type "protobuf" - accepted: `csv`, '
    )


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(SpecRefused, match="no plug-ins of kind"):
        plugins.names("sauce")  # type: ignore[arg-type]


def test_two_packages_with_one_name_are_refused_rather_than_chosen_from(packages: Path) -> None:
    for package in ("acme_b", "acme_c"):
        install(packages, package, SOURCE, f"[streamops_nb.sources]\npump = {package}:Sensor\n")
    text = refusal_of("source", "pump")
    assert "several packages offer a source named `pump`" in text
    assert "acme_b:Sensor" in text
    assert "acme_c:Sensor" in text


def test_a_built_in_cannot_be_replaced_by_another_package(packages: Path) -> None:
    install(packages, "acme_d", SOURCE, "[streamops_nb.formats]\njson = acme_d:Sensor\n")
    assert "several packages offer a format named `json`" in refusal_of("format", "json")


def test_a_missing_library_of_a_stranger_is_named(packages: Path) -> None:
    points = "[streamops_nb.sinks]\nopc = acme_e:Sink\n"
    install(packages, "acme_e", "import no_such_library.deep", points)
    assert refusal_of("sink", "opc") == (
        "the sink `opc` needs the library no_such_library, which is not installed "
        "- pip install no_such_library"
    )


def test_a_missing_library_of_a_built_in_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    # None makes Python's own import system say that the library is not there
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    for module in list(sys.modules):
        if module.startswith(("streamops_nb.sources.kafka", "streamops_nb.kafka_client")):
            monkeypatch.delitem(sys.modules, module)
    assert refusal_of("source", "kafka") == (
        "the source `kafka` needs the library confluent_kafka, which is not installed "
        '- pip install "streamops-nb[kafka]"'
    )


def test_a_screen_is_any_callable_and_has_no_settings(packages: Path) -> None:
    points = "[streamops_nb.screens]\nwall = acme_s:wall\nlist = acme_s:names\n"
    install(packages, "acme_s", "def wall(ws): return ws\nnames = []\n", points)
    assert plugins.load("screen", "wall")("plant") == "plant"
    assert refusal_of("screen", "list").startswith(
        "acme_s:names is not a screen: it cannot be called"
    )


@pytest.mark.parametrize(
    ("module", "what"),
    [
        ("", "the source `x` cannot be imported: module 'acme_{n}' has no attribute 'Sensor'"),
        ("class Sensor: ...", "acme_{n}:Sensor is not a source: it has no class `Settings`"),
        ("class Sensor:\n    Settings = dict", "acme_{n}:Sensor is not a source: it has no class"),
        ("raise ImportError('broken')", "the source `x` cannot be imported: broken"),
    ],
)
def test_an_entry_point_that_does_not_keep_its_promise_is_refused(
    packages: Path, module: str, what: str, request: pytest.FixtureRequest
) -> None:
    number = f"f{abs(hash(request.node.name))}"
    points = f"[streamops_nb.sources]\nx = acme_{number}:Sensor\n"
    install(packages, f"acme_{number}", module, points)
    assert refusal_of("source", "x").startswith(what.format(n=number))
