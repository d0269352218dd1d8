"""For those who test their jobs, sources and sinks; nothing here runs in production."""

from streamops_nb.testing.clock import FakeClock
from streamops_nb.testing.list_source import Crash, Crashed, End, ListSource, Pause
from streamops_nb.testing.run_job import run_job

__all__ = ["Crash", "Crashed", "End", "FakeClock", "ListSource", "Pause", "run_job"]
