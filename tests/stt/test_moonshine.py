"""The real library on a small model that says one thing, whatever it hears; see `tests/models/moonshine_model.py`."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest

from getpatter.errors import ConfigurationError, ProviderError
from getpatter.stt import moonshine as module
from getpatter.stt.base import Recognition, SpeechHints
from getpatter.stt.moonshine import MoonshineSTT

PATIENCE_S = 120.0
TOKENS = ("400", "500")
TEXT = "ht }"
"""What these are in the library's own tokenizer."""
HINTS = SpeechHints(phrases=("A table for four",))
SPEECH = (np.random.default_rng(1).normal(0, 3000, 16000)).astype("<i2").tobytes()
"""A second of what is not silence."""
SILENCE = bytes(len(SPEECH))

Maker = Callable[..., Path]


class Listener:
    """One recognition, and its transcripts in order."""

    def __init__(self, recognition: Recognition) -> None:
        self.recognition = recognition
        self.transcripts = recognition.transcripts()
        self.interims: list[str] = []

    async def final(self) -> str:
        async for transcript in self.transcripts:
            if transcript.final:
                assert transcript.from_finalize
                return transcript.text
            self.interims.append(transcript.text)
        raise AssertionError("the transcripts ended")

    async def understood(self, audio: bytes) -> str:
        self.recognition.send(audio)
        self.recognition.finalize()
        return await self.final()


@pytest.fixture
def folder(model_libraries: Path, make_model: Maker) -> Path:
    return make_model("moonshine_model.py", *TOKENS)


@pytest.fixture
async def stt(folder: Path) -> AsyncIterator[MoonshineSTT]:
    stt = MoonshineSTT("tiny", folder=folder)
    async with asyncio.timeout(PATIENCE_S):
        yield stt
        await stt.close()


async def test_an_utterance_is_understood_and_heard_before_its_end(stt: MoonshineSTT) -> None:
    listener = Listener(await stt.open(HINTS))
    assert await listener.understood(SPEECH * 3) == TEXT
    assert listener.interims == [TEXT]
    assert await listener.understood(SPEECH * 2) == TEXT


async def test_interim_transcripts_can_be_left_out(folder: Path) -> None:
    async with asyncio.timeout(PATIENCE_S):
        stt = MoonshineSTT("tiny", folder=folder, interims=False)
        listener = Listener(await stt.open(HINTS))
        assert await listener.understood(SPEECH * 3) == TEXT
        assert listener.interims == []
        await stt.close()


async def test_every_finalize_gives_one_final_even_for_nothing(stt: MoonshineSTT) -> None:
    listener = Listener(await stt.open(HINTS))
    assert await listener.understood(b"") == ""
    assert await listener.understood(SILENCE) == ""
    assert await listener.understood(SILENCE + SPEECH) == TEXT
    listener.recognition.finalize()
    listener.recognition.finalize()
    assert [await listener.final(), await listener.final()] == ["", ""]


async def test_half_a_minute_is_understood_in_its_pieces(stt: MoonshineSTT) -> None:
    listener = Listener(await stt.open(HINTS))
    assert await listener.understood(SPEECH * 30) == f"{TEXT} {TEXT}"


async def test_calls_share_a_worker_and_keep_apart(stt: MoonshineSTT) -> None:
    speaking, silent = Listener(await stt.open(HINTS)), Listener(await stt.open(HINTS))
    pid = stt.worker_pid
    texts = tuple(await asyncio.gather(speaking.understood(SPEECH * 2), silent.understood(SILENCE * 2)))
    assert texts == (TEXT, "")
    assert stt.worker_pid == pid


async def test_close_ends_the_transcripts(stt: MoonshineSTT) -> None:
    over, other = Listener(await stt.open(HINTS)), Listener(await stt.open(HINTS))
    over.recognition.send(SPEECH * 20)
    over.recognition.finalize()
    await over.recognition.close()
    await over.recognition.close()
    over.recognition.send(SPEECH)
    assert [transcript async for transcript in over.transcripts] == []
    assert await other.understood(SPEECH) == TEXT


async def test_a_lost_worker_is_an_error_for_its_calls_and_none_for_the_next(stt: MoonshineSTT) -> None:
    lost = Listener(await stt.open(HINTS))
    assert stt.worker_pid is not None
    os.kill(stt.worker_pid, signal.SIGKILL)
    with pytest.raises(ProviderError) as raised:
        await lost.final()
    assert raised.value.retryable
    assert await Listener(await stt.open(HINTS)).understood(SPEECH) == TEXT


async def test_closing_leaves_no_process(stt: MoonshineSTT) -> None:
    await stt.open(HINTS)
    pid = stt.worker_pid
    assert pid is not None
    await stt.close()
    await stt.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_model_of_another_language_says_so(stt: MoonshineSTT) -> None:
    with pytest.raises(ProviderError, match="moonshine-tiny does not know de-DE"):
        await stt.open(SpeechHints(language="de-DE"))


@pytest.mark.parametrize(("model", "language", "name"), [("base", "en", "base"), ("base", "es", "base-es")])
async def test_a_model_that_was_not_fetched_says_how(
    model_libraries: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model: str, language: str, name: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    async with asyncio.timeout(PATIENCE_S):
        stt = MoonshineSTT(model, language=language)
        with pytest.raises(ProviderError, match=f"moonshine-{name} is not on this machine") as raised:
            await stt.open(SpeechHints(language=language))
        assert raised.value.next_step == f"Run: getpatter fetch moonshine-{name}"
        await stt.close()


async def test_a_model_that_a_language_lacks_says_so(model_libraries: Path) -> None:
    async with asyncio.timeout(PATIENCE_S):
        stt = MoonshineSTT("tiny", language="uk")
        with pytest.raises(ProviderError, match="no model tiny of uk"):
            await stt.open(SpeechHints(language="uk-UA"))
        await stt.close()


async def test_a_folder_without_a_model_says_so(model_libraries: Path, tmp_path: Path) -> None:
    async with asyncio.timeout(PATIENCE_S):
        stt = MoonshineSTT("tiny", folder=tmp_path)
        with pytest.raises(ProviderError, match="moonshine-tiny cannot be loaded"):
            await stt.open(HINTS)
        await stt.close()


def test_what_cannot_be_a_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "moonshine_installed", lambda: True)
    assert MoonshineSTT().name == "moonshine small-streaming"
    assert MoonshineSTT("base", language="es-MX").name == "moonshine base-es"
    with pytest.raises(ConfigurationError, match="'huge'"):
        MoonshineSTT("huge")
    with pytest.raises(ConfigurationError, match="'fi'"):
        MoonshineSTT(language="fi")


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "moonshine_installed", lambda: False)
    with pytest.raises(ConfigurationError) as raised:
        MoonshineSTT()
    assert raised.value.next_step == "Run: pip install 'patter-mcp[moonshine]'"
