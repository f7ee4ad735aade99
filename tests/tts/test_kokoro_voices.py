from __future__ import annotations

import pytest

from getpatter.errors import ConfigurationError
from getpatter.tts.kokoro_voices import TONGUES, default_voice, tongue_of


def test_each_language_has_a_voice_of_its_own() -> None:
    for tongue in TONGUES.values():
        assert tongue_of(tongue.default_voice) is tongue
        assert default_voice(tongue.language) == tongue.default_voice


@pytest.mark.parametrize(
    ("language", "voice"),
    [("en-US", "af_heart"), ("en-GB", "bf_emma"), ("en-AU", "af_heart"), ("en", "af_heart"), ("es-MX", "ef_dora")],
)
def test_a_call_gets_a_voice_of_its_country_or_else_of_its_language(language: str, voice: str) -> None:
    assert default_voice(language) == voice


@pytest.mark.parametrize("voice", ["", "heart", "af heart", "ax_heart", "../af_heart"])
def test_what_cannot_be_a_voice_is_refused(voice: str) -> None:
    with pytest.raises(ConfigurationError, match="no name of a Kokoro voice"):
        tongue_of(voice)


def test_a_language_whose_sounds_are_not_known_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="jf_alpha"):
        tongue_of("jf_alpha")
    with pytest.raises(ConfigurationError, match="ja-JP"):
        default_voice("ja-JP")
