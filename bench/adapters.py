"""What each vendor's adapter costs us: CPU of this process by the second of audio, with the vendor in another one.

    .venv/bin/python bench/adapters.py [--seconds 5] [--calls 20]

Recognisers get a frame of µ-law every 20 ms in each of `calls` calls, as a telephone line brings them, and are asked
for a final transcript every two seconds; what the same loop costs without a recogniser is taken off.  Voices speak as
fast as the stand-in sends.  Language models answer one after the other.  Stand-ins answer at once, so nobody waits.
Engines get and give the line's µ-law, what it takes to convert it included.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection

from getpatter.audio.format import FRAME_BYTES, FRAME_S, LINE, SILENCE
from getpatter.audio.transcode import Transcoder
from getpatter.engines.base import AudioDelta, EngineConfig, EngineSession, RealtimeEngine, ResponseDone
from getpatter.llm.base import LanguageModel, Message
from getpatter.stt.base import Recognition, SpeechHints, SpeechToText
from getpatter.testing.realtime_session import Spoken
from getpatter.testing.vendors.model_server import Answer
from getpatter.testing.vendors.roll import ENGINES, KEY, MODELS, RECOGNISERS, VOICES
from getpatter.tts.base import TextToSpeech

ASK_EVERY = round(2.0 / FRAME_S)
"""Frames between two requests for a final transcript."""
SENTENCE = "All work and no play makes Jack a dull boy, and so it goes on. " * 2
ANSWER = Answer(text=SENTENCE)
ANSWERS = 50
FRAME = bytes(range(1, FRAME_BYTES + 1))


def rows(seconds: float = 5.0, calls: int = 20) -> list[tuple[str, float, str]]:
    found = []
    for number, ear in enumerate(RECOGNISERS):
        with served("RECOGNISERS", number) as url:
            cost = asyncio.run(heard(ear.provider(url), seconds, calls))
        found.append((f"{ear.name}: a second heard", cost * 1e6, "us CPU"))
    for number, voice in enumerate(VOICES):
        with served("VOICES", number) as url:
            cost = asyncio.run(spoken(voice.provider(url), calls))
        found.append((f"{voice.name}: a second spoken", cost * 1e6, "us CPU"))
    for number, mind in enumerate(MODELS):
        with served("MODELS", number) as url:
            cost = asyncio.run(answered(mind.provider(url)))
        found.append((f"{mind.name}: an answer of {len(SENTENCE)} characters", cost * 1e6, "us CPU"))
    for number, engine in enumerate(ENGINES):
        with served("ENGINES", number) as url:
            costs = asyncio.run(held(engine.provider(url), seconds, calls))
        found += [
            (f"{engine.name} engine: a second {what}", cost * 1e6, "us CPU")
            for what, cost in zip(("heard", "spoken"), costs, strict=True)
        ]
    return found


# -- recognisers


async def heard(provider: SpeechToText, seconds: float, calls: int) -> float:
    """Seconds of CPU for a second of one call's audio."""
    recognitions = [await provider.open(SpeechHints()) for _ in range(calls)]
    readers = [asyncio.create_task(_read(recognition)) for recognition in recognitions]
    feeds = [_feed(provider, recognition) for recognition in recognitions]
    await _lines(feeds, recognitions, 0.5)  # what is done once, such as to connect, is no part of a second
    cost = await _lines(feeds, recognitions, seconds)
    for recognition in recognitions:
        await recognition.close()
    await asyncio.gather(*readers)
    await provider.close()
    idle = await _lines([lambda frame: None] * calls, [], seconds)
    return (cost - idle) / (seconds * calls)


def _feed(provider: SpeechToText, recognition: Recognition) -> Callable[[bytes], None]:
    if provider.format == LINE:
        return recognition.send
    transcoder = Transcoder(LINE, provider.format)
    return lambda frame: recognition.send(transcoder.feed(frame))


async def _lines(feeds: list[Callable[[bytes], None]], recognitions: list[Recognition], seconds: float) -> float:
    """CPU that so many lines of audio took, frame by frame at their time."""
    began, busy = time.monotonic(), time.process_time()
    for number in range(round(seconds / FRAME_S)):
        for feed in feeds:
            feed(FRAME)
        if number % ASK_EVERY == ASK_EVERY - 1:
            for recognition in recognitions:
                recognition.finalize()
        await asyncio.sleep(began + (number + 1) * FRAME_S - time.monotonic())
    return time.process_time() - busy


async def _read(recognition: Recognition) -> None:
    async for _ in recognition.transcripts():
        pass


# -- voices and language models


async def spoken(provider: TextToSpeech, calls: int) -> float:
    """Seconds of CPU for a second of speech."""
    voices = [await provider.open() for _ in range(calls)]
    await asyncio.gather(*(_speak(voice.synthesize, "Once.") for voice in voices))
    busy = time.process_time()
    sizes = await asyncio.gather(*(_speak(voice.synthesize, SENTENCE) for voice in voices))
    cost = time.process_time() - busy
    for voice in voices:
        await voice.close()
    await provider.close()
    return cost / (sum(sizes) / provider.format.bytes_per_second)


async def _speak(synthesize: Callable[[str], AsyncIterator[object]], text: str) -> int:
    return sum([len(chunk.audio) async for chunk in synthesize(text)])  # type: ignore[attr-defined]  # a SpeechChunk


async def answered(model: LanguageModel) -> float:
    """Seconds of CPU for an answer."""
    messages = [Message("system", "You book tables."), Message("user", "A table for two, please.")]

    async def ask() -> None:
        async for _ in model.reply(messages, []):
            pass

    await ask()
    busy = time.process_time()
    for _ in range(ANSWERS):
        await ask()
    cost = time.process_time() - busy
    await model.close()
    return cost / ANSWERS


# -- engines


async def held(engine: RealtimeEngine, seconds: float, calls: int) -> tuple[float, float]:
    """Seconds of CPU for a second of the caller's audio, and for one of the engine's, both with the line's format at
    our end."""
    sessions = [await engine.open(EngineConfig("You book tables.")) for _ in range(calls)]
    answers = [asyncio.create_task(_answer(engine, session)) for session in sessions]
    feeds = [_batches(engine, session) for session in sessions]
    await _lines(feeds, [], 0.5)
    heard = await _lines(feeds, [], seconds)
    idle = await _lines([lambda frame: None] * calls, [], seconds)
    busy = time.process_time()
    for session in sessions:
        if engine.manages_turns:  # which needs the silence
            session.send(_silence(engine))
        session.commit()
        session.respond()
    sizes = await asyncio.gather(*answers)
    spoken = time.process_time() - busy
    for session in sessions:
        await session.close()
    await engine.close()
    return (heard - idle) / (seconds * calls), spoken / (sum(sizes) / LINE.bytes_per_second)


def _batches(engine: RealtimeEngine, session: EngineSession) -> Callable[[bytes], None]:
    """Audio as the conversation sends it: a message for each tenth of a second."""
    transcoder, batch = Transcoder(LINE, engine.input_format), bytearray()

    def feed(frame: bytes) -> None:
        batch.extend(frame)
        if len(batch) >= LINE.bytes_per_second // 10:
            session.send(transcoder.feed(bytes(batch)))
            batch.clear()

    return feed


def _silence(engine: RealtimeEngine) -> bytes:
    return Transcoder(LINE, engine.input_format).feed(bytes((SILENCE,)) * LINE.bytes_per_second)


async def _answer(engine: RealtimeEngine, session: EngineSession) -> int:
    """How much line audio an answer is."""
    transcoder, size = Transcoder(engine.output_format, LINE), 0
    async for event in session.events():
        if isinstance(event, AudioDelta):
            size += len(transcoder.feed(event.audio))
        elif isinstance(event, ResponseDone):
            break
    return size


# -- the vendor, in a process of its own


@contextmanager
def served(kind: str, number: int) -> Iterator[str]:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(kind, number, theirs), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send(None)
        process.join()


def _serve(kind: str, number: int, pipe: Connection) -> None:
    asyncio.run(_serving(kind, number, pipe))


async def _serving(kind: str, number: int, pipe: Connection) -> None:
    from getpatter.testing.vendors import roll

    stand = vars(roll)[kind][number]
    said = {
        "RECOGNISERS": ("Hello there.",) * 10_000,
        "VOICES": (),
        "MODELS": (ANSWER,),
        "ENGINES": (Spoken(SENTENCE),),
    }[kind]
    async with stand.server(*said, key=KEY).running() as server:
        pipe.send(server.url)
        await asyncio.to_thread(pipe.recv)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--calls", type=int, default=20)
    options = parser.parse_args()
    for label, value, unit in rows(options.seconds, options.calls):
        print(f"{label:55} {value:12,.1f} {unit}")


if __name__ == "__main__":
    main()
