from __future__ import annotations

from threading import Lock

import pytest

from getpatter.barge_in import BargeInSettings, MinWordsStrategy
from getpatter.errors import ConfigurationError


class Locked(MinWordsStrategy):
    """Holds what cannot be copied."""

    def __init__(self) -> None:
        super().__init__(min_words=2)
        self.lock = Lock()


def test_a_strategy_that_no_call_can_have_a_copy_of_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="cannot be copied"):
        BargeInSettings(strategies=(Locked(),))


def test_each_call_has_strategies_of_its_own() -> None:
    settings = BargeInSettings(strategies=(MinWordsStrategy(min_words=2),), confirm_s=2.0)
    own = settings.for_one_call()
    assert own.strategies[0] is not settings.strategies[0]
    assert own.confirm_s == 2.0
