"""The first message, made while the call rings."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import aclosing

from getpatter.agent import Agent
from getpatter.clock import Clock
from getpatter.conversation.prompt import fill
from getpatter.conversation.wording import Wording
from getpatter.errors import ProviderError
from getpatter.language.sentences import SentenceSplitter
from getpatter.tts.base import SpeechChunk, TextToSpeech, Voice
from getpatter.tts.rendered import ReadyVoice, RenderedStore, Rendering

log = logging.getLogger(__name__)

OnOver = Callable[[bool, float, bool], None]
"""Told whether it was used, how many seconds of sound it is, and whether all of it came from another call's."""


class _Provider:
    """A provider object by identity, whatever it takes for equal: it is one voice with its settings."""

    __slots__ = ("_tts",)

    def __init__(self, tts: TextToSpeech) -> None:
        self._tts = tts

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Provider) and other._tts is self._tts

    def __hash__(self) -> int:
        return id(self._tts)


class FirstMessage:
    """One call's: the voice that `begin` gives speaks it without delay.

    The words are put as they will be put when they are said: guardrails, hooks and transforms run once, now.  An answer
    that comes before all is rendered gets the rest as it comes.
    """

    def __init__(self, agent: Agent, wording: Wording, store: RenderedStore, clock: Clock, on_over: OnOver) -> None:
        self._agent = agent
        self._wording = wording
        self._store = store
        self._clock = clock
        self._on_over = on_over
        self._renderings: list[Rendering] = []
        self._from_store = 0
        self._used = False
        self._task: asyncio.Task[None] | None = None

    async def begin(self, voice: Voice) -> Voice:
        """Render it with this voice from now on."""
        splitter = SentenceSplitter()
        text = fill(self._agent.first_message, self._agent.variables)
        sentences = [
            spoken
            for written in (*splitter.feed(text), *splitter.flush())
            if (spoken := await self._wording.prepare_ahead(written)) is not None
        ]
        ready = {sentence: self._rendering(sentence) for sentence in sentences}
        self._renderings = list(ready.values())
        self._task = asyncio.create_task(self._render(voice, ready), name="first message")
        return _FirstVoice(voice, ready, self)

    def used(self) -> None:
        """It is being said."""
        self._used = True

    async def close(self) -> None:
        """The call is over, or the voice is."""
        if self._task is None:
            return
        task, self._task = self._task, None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        size = sum(rendering.size_bytes for rendering in self._renderings)
        if size:
            seconds = size / self._agent.providers.tts.format.bytes_per_second
            self._on_over(self._used, round(seconds, 3), self._from_store == len(self._renderings))

    def _rendering(self, sentence: str) -> Rendering:
        known = self._store.get(self._key(sentence), self._clock.now())
        self._from_store += known is not None
        return Rendering(known or (), complete=known is not None)

    def _key(self, sentence: str) -> Hashable:
        return _Provider(self._agent.providers.tts), self._agent.language, sentence

    async def _render(self, voice: Voice, ready: dict[str, Rendering]) -> None:
        try:
            for sentence, rendering in ready.items():
                if not rendering.complete:
                    await rendering.fill(voice.synthesize(sentence))
                    self._store.put(self._key(sentence), rendering.chunks, self._clock.now())
        except ProviderError as error:  # whoever says it tries again, and tells if that fails, too
            log.info("a first message could not be spoken in advance: %s", error.message)
        finally:
            for rendering in ready.values():
                rendering.give_up()


class _FirstVoice(ReadyVoice):
    """Tells when the first message is asked for."""

    def __init__(self, voice: Voice, ready: dict[str, Rendering], first: FirstMessage) -> None:
        super().__init__(voice, ready)
        self._awaited = set(ready)
        self._first = first

    async def synthesize(self, text: str) -> AsyncGenerator[SpeechChunk]:
        if text in self._awaited:
            self._first.used()
        async with aclosing(super().synthesize(text)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def close(self) -> None:
        await self._first.close()
        await super().close()


def first_message(
    agent: Agent, wording: Wording, store: RenderedStore, clock: Clock, on_over: OnOver
) -> FirstMessage | None:
    """That of an agent which is to have it ready; an engine speaks for itself, and so has nothing to make ready."""
    if agent.tts is None or not (agent.prewarm_first_message and agent.first_message):
        return None
    return FirstMessage(agent, wording, store, clock, on_over)
