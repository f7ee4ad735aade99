"""The process that eSpeak NG lives in: `python -m getpatter.tts.espeak_worker`, started by `tts.espeak`.

Constants and structures are those of `speak_lib.h` of eSpeak NG 1.52.
"""

from __future__ import annotations

import ctypes
from typing import Any

import espeakng_loader
import msgspec

from getpatter.audio.format import LINE, AudioFormat
from getpatter.audio.transcode import Transcoder
from getpatter.tts.espeak_wire import Speak, Spoken
from getpatter.worker_loop import Outlet, serve

AUDIO_OUTPUT_SYNCHRONOUS = 2
RATE = 1
POS_CHARACTER = 1
CHARS_UTF8 = 1
EVENT_LIST_TERMINATED = 0
EVENT_WORD = 1
GO_ON, STOP = 0, 1
BUFFER_MS = 100
"""How much audio one callback brings."""


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))


class Espeak:
    """The library, whose state is one for the whole process."""

    def __init__(self) -> None:
        self._library: Any = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path()
        self._rate = self._library.espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, BUFFER_MS, data.encode(), 0)
        if self._rate <= 0:
            raise RuntimeError(f"eSpeak NG cannot use its data in {data}")
        self._settings: tuple[str, int] | None = None

    def speak(self, request: Speak, outlet: Outlet) -> None:
        """Send the speech of one text to `outlet`, piece by piece, until done or closed."""
        self._set(request.voice, request.rate_wpm)
        transcoder = Transcoder(AudioFormat("pcm16", self._rate), LINE)

        def hear(samples: int | None, count: int, events: Any) -> int:
            words = _words(request.text, events)
            audio = transcoder.feed(ctypes.string_at(samples, 2 * count)) if samples and count else b""
            if audio or words:
                outlet.send(Spoken(audio, words))
            return STOP if outlet.closed else GO_ON

        callback = _Callback(hear)
        self._library.espeak_SetSynthCallback(callback)
        text = request.text.encode()
        self._library.espeak_Synth(text, len(text) + 1, 0, POS_CHARACTER, 0, CHARS_UTF8, None, None)
        outlet.send(Spoken(transcoder.flush()))

    def _set(self, voice: str, rate_wpm: int) -> None:
        if self._settings == (voice, rate_wpm):
            return
        self._settings = None
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"there is no voice {voice!r}")
        self._library.espeak_SetParameter(RATE, rate_wpm, 0)
        self._settings = (voice, rate_wpm)


def _words(text: str, events: Any) -> tuple[tuple[str, float], ...]:
    """The words that begin in this buffer.  `text_position` counts characters from 1, `audio_position` is in ms."""
    words = []
    for event in events:
        if event.type == EVENT_LIST_TERMINATED:
            break
        if event.type == EVENT_WORD:
            start = event.text_position - 1
            words.append((text[start : start + event.length], event.audio_position / 1000))
    return tuple(words)


class Speaking:
    """One sentence on its channel."""

    def __init__(self, espeak: Espeak, outlet: Outlet) -> None:
        self._espeak = espeak
        self._outlet = outlet
        self._request: Speak | None = None

    def receive(self, body: bytes) -> None:
        self._request = msgspec.msgpack.decode(body, type=Speak)

    def step(self) -> bool:
        request, self._request = self._request, None
        if request:
            self._espeak.speak(request, self._outlet)
            self._outlet.finish()
        return False

    def close(self) -> None:
        self._request = None


def main() -> None:
    espeak = Espeak()
    serve(lambda outlet: Speaking(espeak, outlet))


if __name__ == "__main__":
    main()
