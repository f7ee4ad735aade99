"""The real library on a model that hums, a tone for a voice; see `tests/models/kokoro_model.py`."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest

from getpatter.errors import ConfigurationError, ProviderError
from getpatter.tts import kokoro as module
from getpatter.tts.base import Voice
from getpatter.tts.kokoro import FORMAT, KokoroTTS

PATIENCE_S = 120.0
HELLO = "Good evening, how can I help you?"
LONG = "We have a table for four in the garden at half past seven in the evening, " * 20 + "and that is all."

Maker = Callable[..., Path]


@pytest.fixture
def folder(model_libraries: Path, make_model: Maker) -> Path:
    pytest.importorskip("espeakng_loader", reason="the local extra is not installed")
    return make_model("kokoro_model.py")


@pytest.fixture
async def tts(folder: Path) -> AsyncIterator[KokoroTTS]:
    tts = KokoroTTS(folder=folder, threads=1)
    async with asyncio.timeout(PATIENCE_S):
        yield tts
        await tts.close()


async def spoken(voice: Voice, text: str) -> bytes:
    return b"".join([chunk.audio async for chunk in voice.synthesize(text)])


def hz(audio: bytes) -> float:
    """The tone, by its zero crossings."""
    samples = np.frombuffer(audio, "<i2")
    return float(np.count_nonzero(np.diff(np.signbit(samples))) / 2 / (len(samples) / FORMAT.rate))


async def test_a_sentence_is_spoken_in_short_chunks(tts: KokoroTTS) -> None:
    chunks = [chunk async for chunk in (await tts.open()).synthesize(HELLO)]
    assert max(len(chunk.audio) for chunk in chunks) <= 0.2 * FORMAT.bytes_per_second
    assert 1.0 < sum(len(chunk.audio) for chunk in chunks) / FORMAT.bytes_per_second < 4.0


async def test_each_call_gets_a_voice_of_its_language(tts: KokoroTTS) -> None:
    for language, tone in (("en-US", 300), ("en-GB", 600), ("fr-FR", 450)):
        assert hz(await spoken(await tts.open(language), HELLO)) == pytest.approx(tone, rel=0.02)


async def test_a_voice_that_was_chosen_speaks_its_language_only(folder: Path) -> None:
    async with asyncio.timeout(PATIENCE_S):
        tts = KokoroTTS(voice_id="bf_emma", folder=folder)
        assert tts.name == "kokoro bf_emma"
        assert hz(await spoken(await tts.open("en-US"), HELLO)) == pytest.approx(600, rel=0.02)
        with pytest.raises(ProviderError, match="does not speak fr-FR"):
            await tts.open("fr-FR")
        await tts.close()


async def test_speed_is_the_models(folder: Path, tts: KokoroTTS) -> None:
    async with asyncio.timeout(PATIENCE_S):
        fast = KokoroTTS(speed=2.0, folder=folder)
        slow_audio, fast_audio = [await spoken(await one.open(), HELLO) for one in (tts, fast)]
        assert len(slow_audio) == pytest.approx(2 * len(fast_audio), rel=0.05)
        await fast.close()


async def test_sentences_take_turns_a_clause_each(tts: KokoroTTS) -> None:
    voices = [await tts.open(), await tts.open()]
    long = asyncio.create_task(spoken(voices[0], LONG))
    short = asyncio.create_task(spoken(voices[1], HELLO))
    done, _ = await asyncio.wait({long, short}, return_when=asyncio.FIRST_COMPLETED)
    assert done == {short}
    assert len(await long) > len(await short)


async def test_closing_the_iterator_stops_the_work(tts: KokoroTTS) -> None:
    speech = (await tts.open()).synthesize(LONG)
    assert await anext(speech)
    await speech.aclose()
    assert await spoken(await tts.open(), HELLO)


async def test_a_text_without_sound_is_silent(tts: KokoroTTS) -> None:
    voice = await tts.open()
    assert await spoken(voice, " ... 🙂 ") == b""
    assert await spoken(voice, "") == b""


async def test_any_script_can_be_asked_for(tts: KokoroTTS) -> None:
    voice = await tts.open()
    for text in ("日本語で話す", "Ünïcödé", "a" * 3000):
        await spoken(voice, text)
    assert await spoken(voice, HELLO)


async def test_a_lost_worker_is_an_error_once(tts: KokoroTTS) -> None:
    voice = await tts.open()
    speech = voice.synthesize(LONG * 3)
    await anext(speech)
    assert tts.worker_pid is not None
    os.kill(tts.worker_pid, signal.SIGKILL)
    with pytest.raises(ProviderError) as raised:
        _ = [chunk async for chunk in speech]
    assert raised.value.retryable
    assert await spoken(voice, HELLO)


async def test_closing_leaves_no_process(tts: KokoroTTS) -> None:
    await tts.open()
    pid = tts.worker_pid
    assert pid is not None
    await tts.close()
    await tts.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_voice_that_the_model_lacks_is_told_with_those_it_has(folder: Path) -> None:
    async with asyncio.timeout(PATIENCE_S):
        tts = KokoroTTS("am_nobody", folder=folder)
        with pytest.raises(ProviderError, match="no voice am_nobody") as raised:
            await tts.open()
        assert "af_heart" in (raised.value.next_step or "")
        await tts.close()


async def test_a_model_that_was_not_fetched_says_how(
    model_libraries: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    async with asyncio.timeout(PATIENCE_S):
        tts = KokoroTTS()
        with pytest.raises(ProviderError, match="kokoro is not on this machine") as raised:
            await tts.open()
        assert raised.value.next_step == "Run: getpatter fetch kokoro"
        await tts.close()


async def test_a_broken_model_says_so(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "kokoro-v1.0.onnx").write_bytes(b"nothing")
    async with asyncio.timeout(PATIENCE_S):
        tts = KokoroTTS(folder=tmp_path)
        with pytest.raises(ProviderError, match="kokoro cannot be loaded"):
            await tts.open()
        await tts.close()


def test_what_cannot_be_a_voice_or_a_speed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "kokoro_installed", lambda: True)
    with pytest.raises(ConfigurationError, match="'heart'"):
        KokoroTTS("heart")
    with pytest.raises(ConfigurationError, match="not 3"):
        KokoroTTS(speed=3)
    with pytest.raises(ConfigurationError, match="Two voices"):
        KokoroTTS("af_heart", voice_id="bf_emma")


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "kokoro_installed", lambda: False)
    with pytest.raises(ConfigurationError) as raised:
        KokoroTTS()
    assert raised.value.next_step == "Run: pip install 'patter-mcp[kokoro]'"
