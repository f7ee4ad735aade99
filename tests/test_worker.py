from __future__ import annotations

import asyncio
import gc
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator

import msgspec
import pytest

from getpatter import worker as worker_module
from getpatter.errors import ProviderError
from getpatter.tts.espeak_wire import Speak, Spoken
from getpatter.worker import Channel, Worker

pytest.importorskip("espeakng_loader", reason="the worker under test speaks with eSpeak")

PATIENCE_S = 60.0
SENTENCE = Speak("A table for two.", "en", 160)

ENGINE = """
import asyncio, msgspec
from getpatter.tts.espeak_wire import Spoken
from getpatter.worker import Worker

async def main():
    worker = Worker("getpatter.tts.espeak_worker", name="espeak", replies=msgspec.msgpack.Decoder(Spoken))
    await worker.open()
    print(worker.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
async def worker() -> AsyncIterator[Worker[Spoken]]:
    worker = Worker("getpatter.tts.espeak_worker", name="espeak", replies=msgspec.msgpack.Decoder(Spoken))
    async with asyncio.timeout(PATIENCE_S):
        yield worker
        await worker.close()


async def audio_of(channel: Channel[Spoken]) -> bytes:
    return b"".join([reply.audio async for reply in channel.replies()])


async def words_of(channel: Channel[Spoken]) -> list[str]:
    return [word async for reply in channel.replies() for word, _ in reply.words]


async def spoken(worker: Worker[Spoken]) -> bytes:
    channel = await worker.open()
    channel.send(SENTENCE)
    return await audio_of(channel)


def pid_of(worker: Worker[Spoken]) -> int:
    assert worker.pid is not None
    return worker.pid


async def test_the_process_starts_when_it_is_first_needed(worker: Worker[Spoken]) -> None:
    assert worker.pid is None
    await worker.open()
    assert worker.pid is not None


async def test_channels_share_a_process_and_do_not_mix(worker: Worker[Spoken]) -> None:
    first, second = await worker.open(), await worker.open()
    first.send(SENTENCE)
    second.send(Speak("Yes, that is right.", "en", 160))
    heard, other = await asyncio.gather(words_of(first), words_of(second))
    assert heard == ["A", "table", "for", "two"]
    assert other == ["Yes", "that", "is", "right"]


async def test_an_error_fails_its_own_channel_only(worker: Worker[Spoken]) -> None:
    broken, sound = await worker.open(), await worker.open()
    broken.send(Speak("Hello.", "no-such-voice", 160))
    sound.send(SENTENCE)
    with pytest.raises(ProviderError, match="no-such-voice"):
        await audio_of(broken)
    assert await audio_of(sound)


async def test_a_closed_channel_ends_for_whoever_reads_it(worker: Worker[Spoken]) -> None:
    channel = await worker.open()
    channel.close()
    channel.close()
    channel.send(SENTENCE)
    assert await audio_of(channel) == b""
    assert await audio_of(channel) == b""
    assert worker.channel_count == 0


async def test_death_of_the_process_reaches_all_who_wait_and_the_next_use_starts_another(
    worker: Worker[Spoken],
) -> None:
    channels = [await worker.open() for _ in range(3)]
    first_pid = pid_of(worker)
    os.kill(first_pid, signal.SIGKILL)
    for outcome in await asyncio.gather(*map(audio_of, channels), return_exceptions=True):
        assert isinstance(outcome, ProviderError)
        assert outcome.retryable
    assert await spoken(worker)
    assert pid_of(worker) != first_pid


async def test_close_reaps_the_process_and_frees_its_pipes(worker: Worker[Spoken]) -> None:
    channel = await worker.open()
    pid = pid_of(worker)
    await worker.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(ProviderError):
        await audio_of(channel)
    await worker.close()
    del channel
    gc.collect()  # an open transport would warn here, and warnings are errors


async def test_a_process_that_does_not_end_is_killed(worker: Worker[Spoken], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "STOP_TIMEOUT_S", 0.05)
    await worker.open()
    pid = pid_of(worker)
    os.kill(pid, signal.SIGSTOP)
    await worker.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_process_that_does_not_read_is_killed(worker: Worker[Spoken], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "MAX_UNREAD_BYTES", 100_000)
    channel = await worker.open()
    os.kill(pid_of(worker), signal.SIGSTOP)
    channel.send(Speak("a" * 1_000_000, "en", 160))
    with pytest.raises(ProviderError, match="ended with code -9"):
        await audio_of(channel)


async def test_ctrl_c_is_not_for_the_worker(worker: Worker[Spoken]) -> None:
    await spoken(worker)
    pid = pid_of(worker)
    os.kill(pid, signal.SIGINT)
    assert await spoken(worker)
    assert pid_of(worker) == pid


async def test_a_module_that_cannot_start_is_an_error_of_the_provider() -> None:
    absent = Worker("getpatter.no_such_module", name="absent", replies=msgspec.msgpack.Decoder(Spoken))
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(ProviderError, match="absent worker process ended with code 1"):
            await spoken(absent)
        await absent.close()


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only Linux tells the end of a process not our child")
def test_no_worker_outlives_an_engine_that_was_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", ENGINE], stdout=subprocess.PIPE) as engine:
        assert engine.stdout is not None
        end_of_worker = os.pidfd_open(int(engine.stdout.readline()))
        engine.kill()
    try:
        assert select.select([end_of_worker], [], [], PATIENCE_S)[0]
    finally:
        os.close(end_of_worker)
