from __future__ import annotations

from pathlib import Path

import pytest

from getpatter.errors import ConfigurationError, ProviderError
from getpatter.tts import flite as module
from getpatter.tts.base import SpeechChunk
from getpatter.tts.flite import VOICES, FliteTTS, find_flite

needs_flite = pytest.mark.skipif(find_flite() is None, reason="the program flite is not installed")


async def spoken(tts: FliteTTS, text: str) -> list[SpeechChunk]:
    return [chunk async for chunk in (await tts.open()).synthesize(text)]


@needs_flite
@pytest.mark.parametrize("voice", VOICES)
async def test_every_voice_speaks(voice: str) -> None:
    assert await spoken(FliteTTS(voice), "Hello.")


@needs_flite
async def test_the_same_sentence_always_sounds_the_same() -> None:
    assert await spoken(FliteTTS(), "A table for four.") == await spoken(FliteTTS(), "A table for four.")


@needs_flite
@pytest.mark.parametrize("voice", ["", "nobody", "/etc/passwd", "https://example.org/voice.flitevox"])
def test_only_its_own_voices_are_taken(voice: str) -> None:
    with pytest.raises(ConfigurationError, match="rms"):
        FliteTTS(voice)


def broken_flite(folder: Path, script: str) -> str:
    program = folder / "flite"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize(("script", "text"), [("exit 3", "ended with code 3"), ("exit 0", "no audio that can be read")])
async def test_a_program_that_fails_is_an_error_of_the_provider(
    script: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = broken_flite(tmp_path, script)
    monkeypatch.setattr(module, "find_flite", lambda: program)
    with pytest.raises(ProviderError, match=text):
        await spoken(FliteTTS(), "Hello.")


async def test_a_program_that_never_ends_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = broken_flite(tmp_path, "exec tail -f /dev/null")
    monkeypatch.setattr(module, "find_flite", lambda: program)
    monkeypatch.setattr(module, "RENDER_TIMEOUT_S", 0.05)
    with pytest.raises(ProviderError, match="did not finish"):
        await spoken(FliteTTS(), "Hello.")


def test_without_the_program_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_flite", lambda: None)
    with pytest.raises(ConfigurationError) as raised:
        FliteTTS()
    assert "apt install flite" in (raised.value.next_step or "")
