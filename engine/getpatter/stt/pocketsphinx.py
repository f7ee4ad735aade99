"""CMU PocketSphinx (the `local` extra): recognition without a key, a network or a download.

With phrases it is dependable for what is in them and maps all else to the nearest; without, it is rough: on telephone
audio every third word of a human speaker is wrong.
"""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator

import msgspec

from getpatter.audio.format import LINE, AudioFormat
from getpatter.errors import ConfigurationError, ProviderError
from getpatter.stt.base import Recognition, SpeechHints, Transcript
from getpatter.stt.pocketsphinx_wire import MAX_BACKLOG_BYTES, Audio, Begin, Finalize, Heard, Ready, Reply
from getpatter.worker import Channel, Worker

WORKERS = 2
"""Processes for all calls.  Decoding takes 0.1 s for a second of speech with phrases, 0.5 s without, on a machine
that does other things as well (bench/local_speech.py)."""
SEND_BYTES = int(0.1 * LINE.bytes_per_second)
"""Audio is collected to this much before it goes to the worker: a pipe write for every frame would cost more."""


class PocketSphinxSTT:
    """English only.  Calls are spread over at most `workers` processes, started when they are first needed."""

    def __init__(self, *, workers: int = WORKERS) -> None:
        """Raises `ConfigurationError` where the package is missing."""
        if not pocketsphinx_installed():
            raise ConfigurationError(
                "The package pocketsphinx is not installed.", next_step="Run: pip install 'patter-mcp[local]'"
            )
        replies: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)
        self._workers = [
            Worker("getpatter.stt.pocketsphinx_worker", name="pocketsphinx", replies=replies) for _ in range(workers)
        ]

    @property
    def name(self) -> str:
        return "pocketsphinx"

    @property
    def format(self) -> AudioFormat:
        return LINE

    @property
    def continuous(self) -> bool:
        return False

    @property
    def worker_pids(self) -> list[int]:
        """Process ids of the workers that run."""
        return [worker.pid for worker in self._workers if worker.pid is not None]

    async def open(self, hints: SpeechHints) -> Recognition:
        """Returns when the model is loaded: up to 0.5 s for the first call with its phrases, else a few ms."""
        if hints.language.lower().split("-")[0] != "en":
            raise ProviderError(f"PocketSphinx has a model of English only, not of {hints.language}.",
                                provider=self.name)  # fmt: skip
        worker = min(self._workers, key=lambda worker: worker.channel_count)
        recognition = PocketSphinxRecognition(await worker.open(), "phrases" if hints.phrases else "rough")
        try:
            await recognition.begin(hints.phrases)
        except BaseException:
            await recognition.close()
            raise
        return recognition

    async def close(self) -> None:
        for worker in self._workers:
            await worker.close()


class PocketSphinxRecognition:
    """One call."""

    def __init__(self, channel: Channel[Reply], mode: str) -> None:
        """`mode` tells people what its transcripts are worth."""
        self.name = f"pocketsphinx ({mode})"
        self._channel = channel
        self._replies = channel.replies()
        self._unsent = bytearray()

    async def begin(self, phrases: tuple[str, ...]) -> None:
        """Load the model; raises `ProviderError`."""
        self._channel.send(Begin(phrases))
        async for reply in self._replies:
            if isinstance(reply, Ready):
                return
        raise ProviderError("The recogniser was closed while it started.", provider="pocketsphinx")

    def send(self, audio: bytes) -> None:
        self._unsent += audio[-MAX_BACKLOG_BYTES:]
        if len(self._unsent) >= SEND_BYTES:
            self._flush()

    def finalize(self) -> None:
        self._flush()
        self._channel.send(Finalize())

    async def transcripts(self) -> AsyncIterator[Transcript]:
        async for reply in self._replies:
            if isinstance(reply, Heard):
                yield Transcript(reply.text, reply.final, from_finalize=reply.final)

    async def close(self) -> None:
        self._channel.close()

    def _flush(self) -> None:
        if self._unsent:
            self._channel.send(Audio(bytes(self._unsent)))
            self._unsent.clear()


def pocketsphinx_installed() -> bool:
    return importlib.util.find_spec("pocketsphinx") is not None
