from __future__ import annotations

import pytest

from getpatter.errors import ConfigurationError
from getpatter.stt.openai_guidance import PROMPT_CHARACTERS, check_prompt, guidance, language_code

WHISPER = "whisper-1"


def test_phrases_follow_the_prompt() -> None:
    told = guidance(WHISPER, language="en", prompt="A menu.", phrases=("Two pizzas", " ", "One beer"))
    assert told == {"language": "en", "prompt": "A menu. Two pizzas One beer"}


def test_phrases_are_left_out_from_where_they_do_not_fit() -> None:
    long = "x" * (PROMPT_CHARACTERS - 6)
    assert guidance(WHISPER, language="", prompt="", phrases=("one", long, "two", "three"))["prompt"] == f"one {long}"
    assert guidance(WHISPER, language="", prompt=long * 2, phrases=("one",))["prompt"] == long * 2


def test_what_there_is_nothing_of_is_not_told() -> None:
    for model in (WHISPER, "gpt-transcribe", "gpt-realtime-whisper"):
        assert guidance(model, language="", prompt="", phrases=()) == {}


def test_models_that_take_lists_get_them() -> None:
    told = guidance("gpt-transcribe", language="de", prompt="Eine Karte.", phrases=("Zwei Pizzen",))
    assert told == {"languages": ["de"], "prompt": "Eine Karte.", "keywords": ["Zwei Pizzen"]}


@pytest.mark.parametrize("model", ["gpt-realtime-whisper", "gpt-4o-transcribe-diarize"])
def test_models_that_take_no_prompt_get_none(model: str) -> None:
    assert guidance(model, language="de", prompt="", phrases=("Ja",)) == {"language": "de"}
    check_prompt(model, "")
    with pytest.raises(ConfigurationError):
        check_prompt(model, "A menu.")


@pytest.mark.parametrize(
    ("given", "hinted", "code"),
    [
        ("", "en-US", "en"),
        ("", "nb-NO", "no"),
        ("", "fil", "tl"),
        ("", "zh-Hant-TW", "zh"),
        ("", "gsw-CH", ""),
        ("", "", ""),
        ("fr", "en-US", "fr"),
        ("yue", "en-US", "yue"),
    ],
)
def test_languages_are_told_by_the_codes_that_models_know(given: str, hinted: str, code: str) -> None:
    assert language_code(given, hinted) == code
