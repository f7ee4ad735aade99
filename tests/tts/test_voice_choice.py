"""One voice by either of its names."""

from __future__ import annotations

import pytest

from getpatter.errors import ConfigurationError
from getpatter.tts.voice_choice import chosen_voice


def test_both_names_are_taken() -> None:
    assert chosen_voice("ada", "") == "ada"
    assert chosen_voice("", "ada") == "ada"
    assert chosen_voice("ada", "ada") == "ada"


def test_the_default_is_for_those_who_say_nothing() -> None:
    assert chosen_voice("", "", "ada") == "ada"
    assert chosen_voice("bob", "", "ada") == "bob"


def test_two_different_voices_are_a_mistake() -> None:
    with pytest.raises(ConfigurationError, match="ada.*bob"):
        chosen_voice("ada", "bob")


def test_no_voice_at_all_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError, match="voice"):
        chosen_voice("", "")
