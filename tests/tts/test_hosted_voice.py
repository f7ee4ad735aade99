from __future__ import annotations

import pytest

from getpatter.errors import ConfigurationError
from getpatter.tts.hosted_voice import HostedVoiceModel


class Parrot(HostedVoiceModel):
    """Speaks with any voice but a cat's."""

    _url = "https://parrot.example"

    def __init__(self, voice: str = "polly", model: str = "grey") -> None:
        self._voice = voice
        self._model = model
        self._settle()

    def _settle(self) -> None:
        if self._voice == "cat":
            raise ConfigurationError("No parrot speaks with the voice of a cat.")
        self.cage = (self._voice, self._model)


class SmallParrot(Parrot):
    pass


def test_another_voice_leaves_the_first_as_it_was() -> None:
    first = Parrot()
    second = first.with_voice("pieces")
    assert first.cage == ("polly", "grey")
    assert second.cage == ("pieces", "grey")


def test_another_model_keeps_the_voice() -> None:
    other = Parrot(voice="pieces").with_model("green")
    assert other.cage == ("pieces", "green")
    assert other.name == "green at parrot.example"


def test_an_heir_stays_one() -> None:
    assert type(SmallParrot().with_voice("pieces").with_model("green")) is SmallParrot


def test_what_its_settings_refuse_is_refused_of_another_voice_too() -> None:
    with pytest.raises(ConfigurationError, match="cat"):
        Parrot().with_voice("cat")
