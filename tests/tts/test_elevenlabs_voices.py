from __future__ import annotations

import pytest

from getpatter.errors import ConfigurationError
from getpatter.tts.elevenlabs_voices import DEFAULT_VOICE, VOICES, voice_id


@pytest.mark.parametrize("name", ["rachel", "Rachel", " RACHEL "])
def test_a_voice_is_found_by_its_name_in_any_case(name: str) -> None:
    assert voice_id(name) == "21m00Tcm4TlvDq8ikWAM"


def test_an_id_is_taken_as_it_is() -> None:
    assert voice_id("aBcDeFgHiJkLmNoPqRsT") == "aBcDeFgHiJkLmNoPqRsT"


def test_every_name_has_an_id() -> None:
    assert {voice_id(identifier) for identifier in VOICES.values()} == set(VOICES.values())
    assert DEFAULT_VOICE in VOICES


def test_an_unknown_name_is_refused_with_those_that_are_near() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean rachel") as refused:
        voice_id("rachael")
    assert "rachel" in str(refused.value.next_step)


@pytest.mark.parametrize("name", ["", "21m00Tcm4TlvDq8ikWA", "../voices", "21m00Tcm4TlvDq8ikWAM?x=1"])
def test_what_is_neither_name_nor_id_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError):
        voice_id(name)
