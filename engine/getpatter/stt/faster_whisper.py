"""Whisper models by faster-whisper (the `whisper` extra): a hundred languages, no key, no network once downloaded.

A model hears a whole utterance at a time, from the first sound to the pause, so there are no interim transcripts.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import msgspec

from getpatter.audio.format import AudioFormat
from getpatter.connections.facts import Facts
from getpatter.downloads import not_installed
from getpatter.errors import ConfigurationError
from getpatter.stt.base import Recognition, SpeechHints
from getpatter.stt.faster_whisper_files import PROVIDER, REPOSITORIES, checked, faster_whisper_installed
from getpatter.stt.faster_whisper_wire import Begin, Model
from getpatter.stt.worker_recognition import WorkerRecognition
from getpatter.stt.worker_wire import Reply
from getpatter.worker import Worker, spare_threads


class FasterWhisperSTT:
    """One worker process with one model for all calls; utterances that wait at the same time are decoded together."""

    FACTS: ClassVar = Facts(
        vendor=PROVIDER,
        transport="process",
        formats=("pcm16 16000",),
        models=("small", *(model for model in REPOSITORIES if model != "small")),
        features=("whole utterances", "phrases", "confidence", "cancel"),
        tested_with="faster-whisper",
    )

    def __init__(
        self,
        model: str = "small",
        *,
        device: str = "auto",
        compute_type: str = "auto",
        beam_size: int = 1,
        threads: int | None = None,
    ) -> None:
        """`model` is a size (`small`, `large-v3-turbo`, ...), a repository of the Hugging Face Hub or a folder.

        `device` and `compute_type` are CTranslate2's; `auto` takes a GPU where there is one, and the fastest numbers
        that it calculates with.  `beam_size` 5 understands a little more and takes longer.  `threads` is by default
        half of the machine's, since calls need the rest.  Raises `ConfigurationError` for what cannot be a model and
        where the package is missing.
        """
        if not faster_whisper_installed():
            raise not_installed("faster-whisper", "whisper")
        if not 1 <= beam_size <= 10:
            raise ConfigurationError(f"A beam of {beam_size} cannot be searched; use 1 to 10.")
        self._beam_size = beam_size
        self._model = Model(checked(model), device, compute_type, threads or spare_threads())
        replies: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)
        self._worker = Worker("getpatter.stt.faster_whisper_worker", name=PROVIDER, replies=replies)

    @property
    def name(self) -> str:
        model = self._model.model
        return f"{PROVIDER} {Path(model).name if Path(model).is_dir() else model}"

    @property
    def format(self) -> AudioFormat:
        return AudioFormat("pcm16", 16000)

    @property
    def continuous(self) -> bool:
        return False

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker while one runs."""
        return self._worker.pid

    async def open(self, hints: SpeechHints) -> Recognition:
        """Returns when the model is loaded, which the first call waits for.

        Raises `ProviderError` where the model is not on this machine or does not know the language.
        """
        recognition = WorkerRecognition(await self._worker.open(), self.name, self.format)
        await recognition.begin(Begin(self._model, hints.language, hints.phrases, self._beam_size), self.name)
        return recognition

    async def close(self) -> None:
        await self._worker.close()
