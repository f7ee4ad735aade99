"""A real recogniser, whose process dies while somebody speaks."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

import pytest

from getpatter.audio.format import FRAME_BYTES
from getpatter.failover import Switch
from getpatter.stt.base import SpeechHints
from getpatter.stt.fallback import FallbackSTT
from getpatter.stt.pocketsphinx import PocketSphinxSTT

pytest.importorskip("pocketsphinx", reason="the local extra is not installed")

Speaker = Callable[[str], Awaitable[bytes]]

SENTENCES = "For how many people?", "Could I have a name for the booking?"


async def test_a_sentence_is_understood_whose_recogniser_dies_in_the_middle(speak: Speaker) -> None:
    audio = await speak(SENTENCES[1])
    local = PocketSphinxSTT(workers=1)
    switches: list[Switch] = []
    stt = FallbackSTT(local, open_s=60.0, answer_s=60.0).reporting_to(switches.append)
    try:
        async with asyncio.timeout(120):
            recognition = await stt.open(SpeechHints(phrases=SENTENCES))
            transcripts = recognition.transcripts()
            for at in range(0, len(audio), FRAME_BYTES):
                if at == len(audio) // FRAME_BYTES // 2 * FRAME_BYTES:
                    os.kill(local.worker_pids[0], signal.SIGKILL)
                recognition.send(audio[at : at + FRAME_BYTES])
            recognition.finalize()
            while not (transcript := await anext(transcripts)).final:
                pass
            await recognition.close()
    finally:
        await stt.close()
    assert transcript.text == SENTENCES[1]
    assert len(switches) == 1
