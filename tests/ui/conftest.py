"""A browser for the whole session, and pages of workspaces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.ui.browsing import CHROMIUM, EXPECTED, browser

expect.set_options(timeout=EXPECTED)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with browser() as found:
        yield found
