"""Secrets from the specification to the plug-in: put in late, shown nowhere."""

from __future__ import annotations

import traceback

import pytest

from streamops_nb.model.errors import SpecRefused
from streamops_nb.model.part import PlugIn
from streamops_nb.plan.plugged import resolved
from streamops_nb.sources.simulator import SimulatorSource

SOURCE = PlugIn.model_validate({"type": "simulator", "devices": "${env:DEVICES}", "rate": 5})
PATH = ("streams", "readings", "source")


def test_a_reference_may_stand_for_any_setting() -> None:
    found, settings = resolved("source", SOURCE, {"DEVICES": "70"}, PATH)
    assert found is SimulatorSource
    assert (settings.devices, settings.rate) == (70, 5)
    assert SOURCE.settings["devices"] == "${env:DEVICES}"


def test_a_value_that_does_not_fit_is_refused_without_being_shown() -> None:
    environ = {"DEVICES": "geheim"}
    with pytest.raises(SpecRefused) as refusal:
        resolved("source", SOURCE, environ, PATH)
    (fault,) = refusal.value.faults
    assert fault.where == "streams.readings.source.devices"
    assert fault.what == 'expected a whole number, got the text "${env:DEVICES}"'
    assert "geheim" not in "".join(traceback.format_exception(refusal.value))


def test_a_missing_variable_is_refused_by_name() -> None:
    with pytest.raises(SpecRefused, match="environment variable DEVICES is not set"):
        resolved("source", SOURCE, {}, PATH)
