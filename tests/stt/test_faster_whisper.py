"""The real library on a small model that says one thing, whatever it hears; see `tests/models/whisper_model.py`."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest

from getpatter.errors import ConfigurationError, ProviderError
from getpatter.stt import faster_whisper as module
from getpatter.stt.base import Recognition, SpeechHints, Transcript
from getpatter.stt.faster_whisper import FasterWhisperSTT

PATIENCE_S = 120.0
TEXT = "Yes, four."
HINTS = SpeechHints(phrases=("A table for four", "Could I have a name for the booking?"))
SPEECH = (np.random.default_rng(1).normal(0, 3000, 16000)).astype("<i2").tobytes()
"""A second of what is not silence."""
SILENCE = bytes(len(SPEECH))

Maker = Callable[..., Path]


@pytest.fixture
def model(model_libraries: Path, make_model: Maker) -> Path:
    return make_model("whisper_model.py", TEXT, "0", "5")


@pytest.fixture
async def stt(model: Path) -> AsyncIterator[FasterWhisperSTT]:
    stt = FasterWhisperSTT(str(model), device="cpu", threads=1)
    async with asyncio.timeout(PATIENCE_S):
        yield stt
        await stt.close()


async def finals(recognition: Recognition, count: int) -> list[Transcript]:
    stream = recognition.transcripts()
    return [await anext(stream) for _ in range(count)]


async def test_an_utterance_is_understood_at_its_end(stt: FasterWhisperSTT) -> None:
    recognition = await stt.open(HINTS)
    recognition.send(SPEECH)
    recognition.finalize()
    (heard,) = await finals(recognition, 1)
    assert heard == Transcript(TEXT, final=True, confidence=heard.confidence, from_finalize=True)
    assert heard.confidence is not None
    assert 0.9 < heard.confidence <= 1.0


async def test_every_finalize_gives_one_final_even_for_nothing(stt: FasterWhisperSTT) -> None:
    recognition = await stt.open(HINTS)
    recognition.finalize()
    for sound in (SILENCE, SPEECH, SPEECH[:100]):
        recognition.send(sound)
        recognition.finalize()
    assert [heard.text for heard in await finals(recognition, 4)] == ["", "", TEXT, ""]


async def test_a_minute_is_understood_in_its_pieces(stt: FasterWhisperSTT) -> None:
    recognition = await stt.open(HINTS)
    recognition.send(SPEECH * 60)
    recognition.finalize()
    (heard,) = await finals(recognition, 1)
    assert heard.text.split(". ") == [TEXT.rstrip("."), TEXT.rstrip("."), TEXT]


async def test_calls_share_a_worker(stt: FasterWhisperSTT) -> None:
    recognitions = [await stt.open(HINTS) for _ in range(4)]
    for number, recognition in enumerate(recognitions):
        recognition.send(SPEECH * (number + 1))
        recognition.finalize()
    heard = await asyncio.gather(*(finals(recognition, 1) for recognition in recognitions))
    assert [one[0].text for one in heard] == [TEXT] * 4


async def test_what_nobody_said_is_left_out(model_libraries: Path, make_model: Maker) -> None:
    unsure = make_model("whisper_model.py", TEXT, "5", "0.6")
    async with asyncio.timeout(PATIENCE_S):
        stt = FasterWhisperSTT(str(unsure), device="cpu", threads=1)
        recognition = await stt.open(HINTS)
        recognition.send(SPEECH)
        recognition.finalize()
        assert [heard.text for heard in await finals(recognition, 1)] == [""]
        await stt.close()


async def test_close_ends_the_transcripts(stt: FasterWhisperSTT) -> None:
    over, other = await stt.open(HINTS), await stt.open(HINTS)
    over.send(SPEECH * 20)
    over.finalize()
    await over.close()
    await over.close()
    over.send(SPEECH)
    over.finalize()
    assert [heard async for heard in over.transcripts()] == []
    other.send(SPEECH)
    other.finalize()
    assert [heard.text for heard in await finals(other, 1)] == [TEXT]


async def test_a_lost_worker_is_an_error_for_its_calls_and_none_for_the_next(stt: FasterWhisperSTT) -> None:
    lost = await stt.open(HINTS)
    assert stt.worker_pid is not None
    os.kill(stt.worker_pid, signal.SIGKILL)
    with pytest.raises(ProviderError) as raised:
        await finals(lost, 1)
    assert raised.value.retryable
    recognition = await stt.open(HINTS)
    recognition.send(SPEECH)
    recognition.finalize()
    assert [heard.text for heard in await finals(recognition, 1)] == [TEXT]


async def test_closing_leaves_no_process(stt: FasterWhisperSTT) -> None:
    await stt.open(HINTS)
    pid = stt.worker_pid
    assert pid is not None
    await stt.close()
    await stt.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_model_for_english_says_so(stt: FasterWhisperSTT) -> None:
    with pytest.raises(ProviderError, match="does not know de-DE") as raised:
        await stt.open(SpeechHints(language="de-DE"))
    assert raised.value.next_step == "Use a model that is not for English only."


async def test_a_model_that_was_not_fetched_says_how(
    model_libraries: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    async with asyncio.timeout(PATIENCE_S):
        stt = FasterWhisperSTT("small")
        with pytest.raises(ProviderError, match="whisper-small is not on this machine") as raised:
            await stt.open(HINTS)
        assert raised.value.next_step == "Run: getpatter fetch whisper-small"
        await stt.close()


async def test_a_folder_without_a_model_says_so(model_libraries: Path, tmp_path: Path) -> None:
    async with asyncio.timeout(PATIENCE_S):
        stt = FasterWhisperSTT(str(tmp_path), device="cpu")
        with pytest.raises(ProviderError, match="cannot be loaded"):
            await stt.open(HINTS)
        await stt.close()


def test_what_cannot_be_a_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "faster_whisper_installed", lambda: True)
    assert FasterWhisperSTT("large-v3-turbo").name == "faster-whisper large-v3-turbo"
    assert FasterWhisperSTT("somebody/whisper-ct2").name == "faster-whisper somebody/whisper-ct2"
    with pytest.raises(ConfigurationError, match="'huge'"):
        FasterWhisperSTT("huge")
    with pytest.raises(ConfigurationError, match="beam of 0"):
        FasterWhisperSTT(beam_size=0)


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "faster_whisper_installed", lambda: False)
    with pytest.raises(ConfigurationError) as raised:
        FasterWhisperSTT()
    assert raised.value.next_step == "Run: pip install 'patter-mcp[whisper]'"
