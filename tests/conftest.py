"""What all suites need: hypothesis without a clock, and a CI run in which a skip is a failure."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# so that a failed assert in the shared suites shows its values
pytest.register_assert_rewrite("streamops_nb.testing", "tests.contract")


def pytest_configure() -> None:
    # The machines that run this are shared and slow at times: no example has a deadline. CI draws
    # the same examples every time, so that a red run is about the change; everybody else draws
    # new ones.
    settings.register_profile(
        "house",
        deadline=None,
        derandomize="CI" in os.environ,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("house")


def _skips_fail(config: pytest.Config) -> bool:
    # with xdist only the controlling process has the terminal reporter, and all the outcomes
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return bool(os.environ.get("STREAMOPS_NO_SKIPS") and reporter and reporter.stats.get("skipped"))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if exitstatus == pytest.ExitCode.OK and _skips_fail(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if _skips_fail(config):
        terminalreporter.write_line("A skipped test fails this run (STREAMOPS_NO_SKIPS).", red=True)
