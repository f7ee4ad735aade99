from __future__ import annotations

import pytest

from getpatter.metering import MAX_COUNT, counted


@pytest.mark.parametrize("told", [0, 7, MAX_COUNT])
def test_a_count_is_taken_as_it_was_told(told: int) -> None:
    assert counted(told) == told


@pytest.mark.parametrize("told", [None, -1, MAX_COUNT + 1, 10**40, 1.5, float("nan"), "7", True, [7]])
def test_what_cannot_be_a_count_is_none(told: object) -> None:
    assert counted(told) == 0
