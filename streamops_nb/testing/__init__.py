"""For those who test their jobs, sources and sinks; nothing here runs in production."""

from streamops_nb.testing.clock import FakeClock
from streamops_nb.testing.list_source import Crash, Crashed, End, ListSource, Pause
from streamops_nb.testing.run_job import run_job
from streamops_nb.testing.run_sample import assert_same_rows, run_sample

__all__ = [
    "Crash",
    "Crashed",
    "End",
    "FakeClock",
    "ListSource",
    "Pause",
    "assert_same_rows",
    "run_job",
    "run_sample",
]
