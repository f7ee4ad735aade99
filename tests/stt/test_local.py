from __future__ import annotations

import pytest

from getpatter.errors import ConfigurationError
from getpatter.stt import faster_whisper, moonshine, pocketsphinx
from getpatter.stt.local import local_stt


def test_pocketsphinx_serves_where_it_is_installed() -> None:
    pytest.importorskip("pocketsphinx", reason="the local extra is not installed")
    assert local_stt().name == "pocketsphinx"


def test_else_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pocketsphinx, "pocketsphinx_installed", lambda: False)
    with pytest.raises(ConfigurationError) as raised:
        local_stt()
    assert "patter-mcp[local]" in (raised.value.next_step or "")


def test_a_model_is_taken_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faster_whisper, "faster_whisper_installed", lambda: True)
    monkeypatch.setattr(moonshine, "moonshine_installed", lambda: True)
    assert local_stt("whisper-small").name == "faster-whisper small"
    assert local_stt("moonshine-small-streaming").name == "moonshine small-streaming"
    assert local_stt("moonshine-base-es").name == "moonshine base-es"


@pytest.mark.parametrize("name", ["whisper", "whisper-huge", "moonshine-huge", "parakeet"])
def test_an_unknown_model_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(faster_whisper, "faster_whisper_installed", lambda: True)
    monkeypatch.setattr(moonshine, "moonshine_installed", lambda: True)
    with pytest.raises(ConfigurationError, match="There is no"):
        local_stt(name)
