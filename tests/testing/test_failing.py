from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from getpatter.errors import ProviderError
from getpatter.stt.base import SpeechHints, Transcript
from getpatter.testing.failing import HANGS, REFUSES, Fault, Faults, LiteralSTT


async def letters() -> AsyncGenerator[str]:
    for letter in "abc":
        yield letter


async def given(faults: Faults) -> tuple[str, str]:
    """What a stream gave, and how it ended."""
    got = ""
    try:
        async for letter in faults.stream(letters()):
            got += letter
    except ProviderError as error:
        return got, error.message
    return got, ""


async def test_it_fails_so_often_and_then_works() -> None:
    faults = Faults([REFUSES, None, Fault(after=2), Fault(after=9, message="Late.")], "test")
    lost = "The connection was lost."
    assert [await given(faults) for _ in range(5)] == [
        ("", REFUSES.message),
        ("abc", ""),
        ("ab", lost),
        ("abc", "Late."),
        ("abc", ""),
    ]


async def test_a_hung_stream_stays_so_until_it_is_left() -> None:
    reading = asyncio.create_task(given(Faults([HANGS], "test")))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not reading.done()
    reading.cancel()


async def test_a_literal_recogniser_tells_what_it_was_sent_since_its_last_final() -> None:
    stt = LiteralSTT(REFUSES)
    with pytest.raises(ProviderError):
        await stt.open(SpeechHints())
    ear = await stt.open(SpeechHints())
    ear.send(b"one")
    ear.interim()
    ear.finalize()
    ear.send(b"two")
    ear.endpoint()
    ear.lose("Gone.")
    transcripts = ear.transcripts()
    heard = [await anext(transcripts) for _ in range(3)]
    assert heard == [
        Transcript("one", final=False),
        Transcript("one", final=True, from_finalize=True),
        Transcript("two", final=True),
    ]
    with pytest.raises(ProviderError, match="Gone"):
        await anext(transcripts)


async def test_a_hung_recogniser_gives_nothing_but_can_be_closed() -> None:
    ear = await LiteralSTT().open(SpeechHints())
    ear.hang()
    ear.send(b"one")
    ear.finalize()
    await ear.close()
    assert [transcript async for transcript in ear.transcripts()] == []
