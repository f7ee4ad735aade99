from __future__ import annotations

import pytest

from getpatter.carriers.telnyx.voices import voice_for


@pytest.mark.parametrize(
    ("language", "voice"),
    [
        ("en-US", "Joanna"),
        ("en-GB", "Amy"),
        ("en-GB-WLS", "Geraint"),
        ("de-DE", "Vicki"),
        ("DE-de", "Vicki"),
        ("de_DE", "Vicki"),
        ("de", "Vicki"),
        ("de-AT", "Vicki"),
        ("en", "Joanna"),
        ("es", "Lucia"),
        ("es-AR", "Lucia"),
        ("pt", "Camila"),
        ("fr-CH", "Celine"),
        ("zh-CN", "Zhiyu"),
        ("no", "Liv"),
        ("tlh", "Joanna"),
        ("", "Joanna"),
    ],
)
def test_each_language_has_a_voice_of_its_own(language: str, voice: str) -> None:
    assert voice_for(language) == f"AWS.Polly.{voice}"
