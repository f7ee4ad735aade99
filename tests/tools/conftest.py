from __future__ import annotations

import pytest

from getpatter.testing.clock import ManualClock
from getpatter.tools.context import ToolContext


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def context() -> ToolContext:
    return ToolContext("c1", "+12025550100", "+12025550101")
