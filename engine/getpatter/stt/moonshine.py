"""Moonshine models (the `moonshine` extra): made for live speech, small enough for a plain processor.

Those for English are under the MIT licence; those of other languages may not be used commercially.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import msgspec

from getpatter.audio.format import AudioFormat
from getpatter.connections.facts import Facts
from getpatter.downloads import not_installed
from getpatter.errors import ProviderError
from getpatter.stt.base import Recognition, SpeechHints
from getpatter.stt.moonshine_files import MODELS, PREFIX, PROVIDER, checked, full_name, moonshine_installed
from getpatter.stt.moonshine_wire import Begin
from getpatter.stt.worker_recognition import WorkerRecognition
from getpatter.stt.worker_wire import Reply
from getpatter.worker import Worker


class MoonshineSTT:
    """One worker process with one model for all calls."""

    FACTS: ClassVar = Facts(
        vendor=PROVIDER,
        transport="process",
        formats=("pcm16 16000",),
        models=("small-streaming", *(model for model in MODELS if model != "small-streaming")),
        features=("interims", "phrases", "cancel"),
        tested_with="moonshine-voice",
        unconfirmed=("that streaming models lean towards phrases: only their files can tell",),
    )

    def __init__(
        self,
        model: str = "small-streaming",
        *,
        language: str = "en",
        interims: bool = True,
        folder: Path | None = None,
    ) -> None:
        """`model` is `tiny`, `base`, `tiny-streaming`, `small-streaming` or `medium-streaming`, each of one `language`.

        The streaming ones hear words while they are spoken and lean towards the words of expected phrases; the others
        hear a sentence again and again, so interim transcripts cost more with them, and can be left out.  `folder`
        has the model's files, where they are not in the library's cache.  Raises `ConfigurationError` for what cannot
        be a model and where the package is missing.
        """
        if not moonshine_installed():
            raise not_installed("moonshine-voice", "moonshine")
        self._language = language.lower().split("-")[0]
        checked(model, self._language)
        self._model = model
        self._interims = interims
        self._folder = str(folder or "")
        replies: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)
        self._worker = Worker("getpatter.stt.moonshine_worker", name=PROVIDER, replies=replies)

    @property
    def name(self) -> str:
        return f"{PROVIDER} {full_name(self._model, self._language).removeprefix(PREFIX)}"

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

        Raises `ProviderError` where the model is not on this machine or is of another language.
        """
        if hints.language.lower().split("-")[0] != self._language:
            raise ProviderError(
                f"The model {full_name(self._model, self._language)} does not know {hints.language}.",
                provider=self.name,
                next_step="Give MoonshineSTT the language of the calls.",
            )
        recognition = WorkerRecognition(await self._worker.open(), self.name, self.format)
        begin = Begin(self._model, self._language, self._folder, hints.phrases, self._interims)
        await recognition.begin(begin, self.name)
        return recognition

    async def close(self) -> None:
        await self._worker.close()
