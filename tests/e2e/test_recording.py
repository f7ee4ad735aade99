"""The recording holds what was said, each side on its own channel."""

from __future__ import annotations

import stat
import wave
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from getpatter.agent import TurnSettings
from getpatter.audio import g711
from getpatter.audio.format import LINE
from getpatter.calls.views import PlaceCall
from getpatter.llm.scripted import ScriptedLLM
from getpatter.stt.base import SpeechHints
from getpatter.stt.local import local_stt
from getpatter.testing.words import word_error_rate
from getpatter.tts.local import local_tts

if TYPE_CHECKING:
    from tests.e2e.conftest import MakeAgent, Numbers, OpenHouse

pytest.importorskip("pocketsphinx", reason="the local extra is not installed")

GOAL = "Book a table for two at seven o'clock, in the name of Miller."
DISTRACTORS = (
    "Hello, would you like to leave a message?",
    "For opening hours, press one. To renew a book, press two.",
    "I would like to come on Sunday with three people.",
    "What does it cost?",
    "Wait a moment, please.",
    "May I have your name, please?",
    "At a quarter past five.",
)
"""As likely to the recogniser as what was said."""
MOST_ERRORS = 0.2
"""Words that may be wrong: the recogniser gets about one in twenty of a local voice's wrong, and a channel with the
other side's words, with none or with gaps would have more than half of them wrong."""
MARGIN_S = 0.5
"""Around a turn: its times are those of the voice activity detection."""

Spans = list[tuple[float, float]]


def permissions(path: str) -> int:
    return stat.S_IMODE(Path(path).stat().st_mode)


def channels(path: str) -> tuple[bytes, bytes]:
    """Left and right as pcm16."""
    with wave.open(path) as wav:
        assert (wav.getnchannels(), wav.getsampwidth(), wav.getframerate()) == (2, 2, LINE.rate)
        both = np.frombuffer(wav.readframes(wav.getnframes()), "<i2").reshape(-1, 2)
    return both[:, 0].tobytes(), both[:, 1].tobytes()


async def understood(pcm: bytes, spans: Spans, phrases: tuple[str, ...]) -> str:
    """What a recogniser makes of a channel in these spans (seconds)."""
    ulaw = g711.encode(pcm)
    stt = local_stt()
    recognition = await stt.open(SpeechHints(phrases=phrases))
    for begin, end in spans:
        recognition.send(ulaw[round(max(0.0, begin) * LINE.rate) : round(end * LINE.rate)])
        recognition.finalize()
    finals: list[str] = []
    async for transcript in recognition.transcripts():
        if transcript.final:
            finals.append(transcript.text)
        if len(finals) == len(spans):
            break
    await recognition.close()
    await stt.close()
    return " ".join(finals)


async def test_each_channel_holds_the_words_of_its_side(
    open_house: OpenHouse, agent: MakeAgent, numbers: Numbers
) -> None:
    stt, tts = local_stt(), local_tts()
    speaking = agent(llm=ScriptedLLM(), stt=stt, tts=tts, turns=TurnSettings())
    async with open_house(speaking) as house:
        view = await house.board.place(PlaceCall(to_number=numbers.brisk, goal=GOAL))
        call = await house.ended(view.call_id)
        turns = (await house.board.transcript(view.call_id)).turns
        await stt.close()
        await tts.close()
    assert call.how == ("answered", "agent", "")
    assert [turn.role for turn in turns] == ["caller", "agent"] * 3

    assert permissions(call.view.recording) == 0o600
    left, right = channels(call.view.recording)
    assert len(left) / 2 / LINE.rate == pytest.approx(call.view.duration_s, abs=1.0)

    phrases = (*(turn.text for turn in turns), *DISTRACTORS)
    for role, channel in (("caller", left), ("agent", right)):
        own = [turn for turn in turns if turn.role == role]
        spans = [(turn.at_s - MARGIN_S, turn.at_s + turn.duration_s + MARGIN_S) for turn in own]
        said = " ".join(turn.text for turn in own)
        assert word_error_rate(said, await understood(channel, spans, phrases)) <= MOST_ERRORS
