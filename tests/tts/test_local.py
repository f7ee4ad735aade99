from __future__ import annotations

import pytest

from getpatter.errors import ConfigurationError
from getpatter.tts import espeak, flite, kokoro, local
from getpatter.tts.local import local_tts


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What this machine has."""
    names = {"flite", "espeak"}
    for module in (local, flite):
        monkeypatch.setattr(module, "find_flite", lambda: "/usr/bin/flite" if "flite" in names else None)
    for module in (local, espeak):
        monkeypatch.setattr(module, "espeak_installed", lambda: "espeak" in names)
    return names


def test_flite_speaks_english_where_it_is_installed(installed: set[str]) -> None:
    assert local_tts().name == "flite rms"
    assert local_tts("slt").name == "flite slt"


def test_espeak_speaks_where_flite_is_not(installed: set[str]) -> None:
    installed.remove("flite")
    assert local_tts().name == "espeak en-us+klatt4"


def test_espeak_speaks_other_languages_and_by_its_own_voices(installed: set[str]) -> None:
    assert local_tts(language="fr-FR").name == "espeak fr"
    assert local_tts("en-gb").name == "espeak en-gb"


def test_with_nothing_installed_it_says_what_would_help(installed: set[str]) -> None:
    installed.clear()
    with pytest.raises(ConfigurationError) as raised:
        local_tts()
    assert "patter-mcp[local]" in (raised.value.next_step or "")
    assert "flite" in (raised.value.next_step or "")
    with pytest.raises(ConfigurationError, match="fr-FR"):
        local_tts(language="fr-FR")


def test_kokoro_speaks_where_it_is_asked_for(installed: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kokoro, "kokoro_installed", lambda: True)
    assert local_tts("kokoro").name == "kokoro"
    assert local_tts("kokoro/bf_emma").name == "kokoro bf_emma"
    with pytest.raises(ConfigurationError, match="'nobody'"):
        local_tts("kokoro/nobody")
