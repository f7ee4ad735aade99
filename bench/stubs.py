"""Providers that neither wait nor touch the network, so that only the engine is measured."""

from __future__ import annotations

import asyncio
import math
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from getpatter.audio.format import LINE, AudioFormat
from getpatter.audio.g711 import encode
from getpatter.carriers.base import (
    Answer,
    Capabilities,
    Dialed,
    DialRequest,
    InboundCall,
    MediaCodec,
    MediaEvent,
    StreamStarted,
    StreamTarget,
    Webhook,
    WebhookRequest,
)
from getpatter.carriers.twilio.media import TwilioMediaCodec
from getpatter.carriers.unable import Unable
from getpatter.llm.base import Message, ReplyPart, TextDelta, ToolSpec
from getpatter.stt.base import SpeechHints, Transcript
from getpatter.tts.base import SpeechChunk

ANSWER = ("Sure, I can help you with that, ", "please tell me your ", "order number now.")


class _Recognition:
    name = "instant"

    def __init__(self) -> None:
        self._finals: asyncio.Queue[Transcript | None] = asyncio.Queue()

    def send(self, audio: bytes) -> None:
        pass

    def finalize(self) -> None:
        self._finals.put_nowait(Transcript("hello there", final=True, from_finalize=True))

    async def transcripts(self) -> AsyncIterator[Transcript]:
        while (transcript := await self._finals.get()) is not None:
            yield transcript

    async def close(self) -> None:
        self._finals.put_nowait(None)


class InstantSTT:
    name = "instant"
    format: AudioFormat = LINE
    continuous = True

    async def open(self, hints: SpeechHints) -> _Recognition:
        return _Recognition()

    async def close(self) -> None:
        pass


class InstantLLM:
    name = "instant"
    scripted = False

    async def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncGenerator[ReplyPart]:
        for text in ANSWER:
            yield TextDelta(text)

    async def warm(self) -> None:
        pass

    async def close(self) -> None:
        pass


def tone(seconds: float) -> bytes:
    """µ-law of a 300 Hz tone."""
    count = int(seconds * LINE.rate)
    samples = (int(6000 * math.sin(2 * math.pi * 300 * i / LINE.rate)) for i in range(count))
    return encode(struct.pack(f"<{count}h", *samples))


@dataclass(frozen=True)
class _Voice:
    chunks: Sequence[bytes]

    async def synthesize(self, text: str) -> AsyncGenerator[SpeechChunk]:
        for chunk in self.chunks:
            yield SpeechChunk(chunk)

    async def close(self) -> None:
        pass


class InstantTTS:
    """Answers any sentence with `seconds` of tone in 100 ms pieces."""

    name = "instant"
    format: AudioFormat = LINE

    def __init__(self, seconds: float) -> None:
        audio = tone(seconds)
        self._chunks = [audio[start : start + 800] for start in range(0, len(audio), 800)]

    async def open(self, language: str = "en-US") -> _Voice:
        return _Voice(self._chunks)

    async def close(self) -> None:
        pass


class _OpenDoorCodec(TwilioMediaCodec):
    """Gives the stream of a load generator, which knows no token, the token that its call was given."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        super().__init__()
        self._parameters = dict(parameters)

    def decode(self, message: str | bytes) -> MediaEvent | None:
        event = super().decode(message)
        if isinstance(event, StreamStarted):
            self.decode = super().decode  # type: ignore[method-assign]  # nothing is added to the frames after it
            return StreamStarted(event.stream_id, event.carrier_call_id, self._parameters)
        return event


class OpenDoorCarrier(Unable):
    """A carrier whose calls need no webhook."""

    name = "bench"
    capabilities = Capabilities(simulated=True)
    webhooks: Mapping[str, Sequence[str]] = {}

    def __init__(self) -> None:
        self.admits: Mapping[str, str] = {}
        """What the next stream is to bring along."""

    def answer(self, call: InboundCall, stream: StreamTarget, webhooks_url: str) -> Answer:
        return Answer()

    def media_codec(self) -> MediaCodec:
        return _OpenDoorCodec(self.admits)

    async def dial(self, request: DialRequest) -> Dialed:
        return Dialed(request.call_id)

    async def hang_up(self, carrier_call_id: str) -> None:
        pass

    async def transfer(self, carrier_call_id: str, number: str, *, from_number: str, timeout_s: float = 30.0) -> None:
        raise self._cannot("transfer calls")

    def verify(self, request: WebhookRequest) -> None:
        pass

    def parse(self, request: WebhookRequest) -> Webhook:
        return Webhook()

    def reject(self, call: InboundCall, reason: Literal["busy", "rejected"]) -> Answer:
        return Answer()

    async def close(self) -> None:
        pass
