"""The process that Kokoro lives in: `python -m getpatter.tts.kokoro_worker`, started by `tts.kokoro`.

Sentences share the process and take turns, a clause each.
"""

from __future__ import annotations

import logging
import re
from collections import deque
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnxruntime
from kokoro_onnx import Kokoro
from numpy.typing import NDArray

from getpatter.errors import PatterError
from getpatter.tts.clauses import clauses
from getpatter.tts.kokoro_files import MODEL, NAME, VOICES, find
from getpatter.tts.kokoro_wire import Failed, Model, Prepare, Ready, Request, Speak, Spoken
from getpatter.worker_loop import Outlet, serve

log = logging.getLogger(__name__)

RATE = 24000
CHUNK = RATE // 5
"""Samples that are sent at a time, so that a listener who stops early has not been given much more."""
PAUSE_S = 0.12
"""Between clauses: the library trims the silence that the model puts around each."""

_SWITCH = re.compile(r"\([a-z-]+\)")
"""How eSpeak NG marks a word of another language; the model would say it aloud."""

_requests: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)


class Singer:
    """The model, loaded when it is first asked for."""

    def __init__(self) -> None:
        self._kokoro: Any = None

    def load(self, model: Model) -> None:
        """Raises `ConfigurationError` where it is not on this machine, and ONNX Runtime's own errors."""
        if self._kokoro is None:
            folder = Path(model.folder) if model.folder else find()
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = model.threads
            session = onnxruntime.InferenceSession(
                str(folder / MODEL), options, providers=onnxruntime.get_available_providers()
            )
            self._kokoro = Kokoro.from_session(session, str(folder / VOICES))

    def voices(self) -> list[str]:
        names: list[str] = self._kokoro.get_voices()
        return names

    def sing(self, text: str, request: Speak) -> bytes:
        """pcm16; nothing for a text that has no sound in the language."""
        phonemes = _SWITCH.sub("", self._kokoro.tokenizer.phonemize(text, request.phonemes))
        if not phonemes.strip():
            return b""
        samples, _ = self._kokoro.create(phonemes, request.voice, speed=request.speed, is_phonemes=True)
        return _pcm16(samples)


class Speaking:
    """One sentence on its channel, or a question whether any can be spoken."""

    def __init__(self, singer: Singer, outlet: Outlet) -> None:
        self._singer = singer
        self._outlet = outlet
        self._asked: Prepare | None = None
        self._request: Speak | None = None
        self._left: deque[str] = deque()

    def receive(self, body: bytes) -> None:
        match _requests.decode(body):
            case Prepare() as asked:
                self._asked = asked
            case Speak() as request:
                self._request = request
                self._left.extend(clauses(request.text))

    def step(self) -> bool:
        if self._asked is not None:
            self._outlet.send(self._prepared(self._asked))
            self._asked = None
        elif self._request is not None:
            self._speak(self._request)
        return bool(self._left)

    def close(self) -> None:
        self._left.clear()

    def _prepared(self, asked: Prepare) -> Ready | Failed:
        try:
            self._singer.load(asked.model)
        except PatterError as error:
            return Failed(error.message, error.next_step or "")
        except Exception as fault:  # ONNX Runtime's errors have no class of their own
            log.exception("the model cannot be loaded")
            return Failed(f"The model {NAME} cannot be loaded: {fault}")
        known = self._singer.voices()
        if asked.voice not in known:
            return Failed(f"Kokoro has no voice {asked.voice}.", f"Use one of {', '.join(known)}.")
        return Ready()

    def _speak(self, request: Speak) -> None:
        if self._left:
            self._singer.load(request.model)
            audio = self._singer.sing(self._left.popleft(), request)
            if self._left:
                audio += bytes(2 * int(PAUSE_S * RATE))
            for at in range(0, len(audio), 2 * CHUNK):
                self._outlet.send(Spoken(audio[at : at + 2 * CHUNK]))
        if not self._left:
            self._outlet.finish()


def _pcm16(samples: NDArray[np.float32]) -> bytes:
    return (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()


def main() -> None:
    singer = Singer()
    serve(lambda outlet: Speaking(singer, outlet))


if __name__ == "__main__":
    main()
