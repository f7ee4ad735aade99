from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from getpatter.audio.format import LINE, AudioFormat
from getpatter.errors import ConfigurationError
from getpatter.tts.elevenlabs_options import MODEL, SpeechOptions

PLAIN = SpeechOptions(
    voice="rachel",
    model=MODEL,
    language="",
    format=LINE,
    voice_settings={},
    apply_text_normalization="",
    pronunciation_dictionary_locators=(),
    seed=None,
)


def test_the_telephones_format_is_spoken_without_converting() -> None:
    assert PLAIN.output_format == "ulaw_8000"
    assert replace(PLAIN, format=AudioFormat("pcm16", 24000)).output_format == "pcm_24000"


@pytest.mark.parametrize(
    ("own", "calls", "code"),
    [("", "en-US", "en"), ("de-AT", "en-US", "de"), ("", "nb-NO", "no"), ("", "tl-PH", "fil"), ("", "zh_TW", "zh")],
)
def test_the_language_is_its_own_or_the_calls(own: str, calls: str, code: str) -> None:
    assert replace(PLAIN, language=own).language_code(calls) == code


def test_a_model_that_finds_the_language_itself_is_not_told_one() -> None:
    assert replace(PLAIN, model="eleven_multilingual_v2").language_code("de-DE") == ""


def test_settings_go_along_by_the_vendors_names() -> None:
    options = replace(
        PLAIN,
        voice_settings={"stability": 0.5, "use_speaker_boost": True},
        pronunciation_dictionary_locators=({"pronunciation_dictionary_id": "d", "version_id": "v"},),
    )
    assert options.manner == {
        "voice_settings": {"stability": 0.5, "use_speaker_boost": True},
        "pronunciation_dictionary_locators": [{"pronunciation_dictionary_id": "d", "version_id": "v"}],
    }
    assert PLAIN.manner == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"voice": "nobody"},
        {"format": AudioFormat("mulaw", 16000)},
        {"model": "eleven_multilingual_v2", "language": "de"},
        {"voice_settings": {"stability": 1.5}},
        {"voice_settings": {"speed": 2.0}},
        {"voice_settings": {"speed": True}},
        {"voice_settings": {"use_speaker_boost": 1.0}},
        {"voice_settings": {"loudness": 1.0}},
        {"apply_text_normalization": "yes"},
        {"apply_text_normalization": "on"},
        {"pronunciation_dictionary_locators": ({"version_id": "v"},)},
        {"pronunciation_dictionary_locators": ({"pronunciation_dictionary_id": "d"},) * 4},
        {"seed": -1},
    ],
)
def test_what_cannot_work_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        replace(PLAIN, **wrong)
