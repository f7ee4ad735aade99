"""CMU PocketSphinx (the `local` extra): recognition without a key, a network or a download.

With phrases it is dependable for what is in them and maps all else to the nearest; without, it is rough: on telephone
audio every third word of a human speaker is wrong.
"""

from __future__ import annotations

import importlib.util
from typing import ClassVar

import msgspec

from getpatter.audio.format import LINE, AudioFormat
from getpatter.connections.facts import Facts
from getpatter.downloads import not_installed
from getpatter.errors import ProviderError
from getpatter.stt.base import Recognition, SpeechHints
from getpatter.stt.pocketsphinx_wire import Begin
from getpatter.stt.worker_recognition import WorkerRecognition
from getpatter.stt.worker_wire import Reply
from getpatter.worker import Worker

WORKERS = 2
"""Processes for all calls.  Decoding takes 0.1 s for a second of speech with phrases, 0.5 s without, on a machine
that does other things as well (bench/local_speech.py)."""


class PocketSphinxSTT:
    """English only.  Calls are spread over at most `workers` processes, started when they are first needed."""

    FACTS: ClassVar = Facts(
        vendor="this machine",
        transport="process",
        formats=("mulaw 8000",),
        features=("whole utterances", "phrases"),
        tested_with="pocketsphinx",
    )

    def __init__(self, *, workers: int = WORKERS) -> None:
        """Raises `ConfigurationError` where the package is missing."""
        if not pocketsphinx_installed():
            raise not_installed("pocketsphinx", "local")
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
        mode = "phrases" if hints.phrases else "rough"
        recognition = WorkerRecognition(await worker.open(), f"{self.name} ({mode})", self.format)
        await recognition.begin(Begin(hints.phrases), self.name)
        return recognition

    async def close(self) -> None:
        for worker in self._workers:
            await worker.close()


def pocketsphinx_installed() -> bool:
    return importlib.util.find_spec("pocketsphinx") is not None
