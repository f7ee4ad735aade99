from __future__ import annotations

import pytest

from getpatter.errors import ConfigurationError
from getpatter.tts.voice_choice import chosen_voice


@pytest.mark.parametrize(
    ("voice", "voice_id", "chosen"),
    [("", "", "default"), ("ann", "", "ann"), ("", "ann", "ann"), ("ann", "ann", "ann")],
)
def test_a_voice_may_be_given_under_either_name(voice: str, voice_id: str, chosen: str) -> None:
    assert chosen_voice(voice, voice_id, "default") == chosen


def test_two_different_voices_are_refused() -> None:
    with pytest.raises(ConfigurationError) as refused:
        chosen_voice("ann", "bob", "default")
    assert "'ann'" in refused.value.message
    assert "'bob'" in refused.value.message
