"""The process that Moonshine works in: `python -m getpatter.stt.moonshine_worker`, started by `stt.moonshine`.

Recognitions share the process and take turns, a slice of audio each.
"""

from __future__ import annotations

from typing import Any

import msgspec
from moonshine_voice.errors import MoonshineError
from moonshine_voice.moonshine_api import string_to_model_arch
from moonshine_voice.transcriber import LineTextChanged, Transcriber

from getpatter.audio.format import AudioFormat
from getpatter.errors import PatterError
from getpatter.stt.backlog import Backlog
from getpatter.stt.moonshine_files import find, full_name
from getpatter.stt.moonshine_wire import Begin, Request
from getpatter.stt.pieces import RATE, SILENCE_RMS, PieceCutter, Samples, from_pcm16, loudness
from getpatter.stt.worker_wire import Failed, Finalize, Heard, Ready
from getpatter.worker_loop import Outlet, serve

SLICE_S = 0.2
"""What one recognition decodes in its turn."""
INTERIM_S = 0.6
"""Speech between two interim transcripts."""
NEVER_S = 1e9
PIECE_AFTER_S, PIECE_AT_MOST_S = 12.0, 18.0
"""The library's own limit is 15 s."""
STREAMING = "-streaming"
"""Only these can lean towards words."""
OPTIONS = {
    "vad_threshold": "0",  # the engine has found where speech begins and ends; a second opinion loses words
    "identify_speakers": "false",
    "return_audio_data": "false",
}

_requests: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)


class Moonshine:
    """The model, loaded when it is first asked for."""

    def __init__(self) -> None:
        self._transcriber: Any = None
        self._phrases: tuple[str, ...] = ()

    def load(self, begin: Begin) -> None:
        """Raises `ConfigurationError` where it is not on this machine, and `MoonshineError`."""
        if self._transcriber is None:
            folder = begin.folder or find(begin.model, begin.language)
            self._transcriber = Transcriber(folder, string_to_model_arch(begin.model), options=OPTIONS)

    def stream(self, begin: Begin) -> Any:
        """Of one recognition."""
        return self._transcriber.create_stream(update_interval=INTERIM_S if begin.interims else NEVER_S)

    def lean(self, begin: Begin) -> None:
        """Expect this recognition's words in what is decoded next.  All share one decoder."""
        if begin.phrases != self._phrases and begin.model.endswith(STREAMING):
            self._transcriber.set_context("\n".join(begin.phrases))
            self._phrases = begin.phrases


class Speaker:
    """What one call's party says from one pause to the next."""

    def __init__(self, moonshine: Moonshine, begin: Begin) -> None:
        self._moonshine = moonshine
        self._begin = begin
        self._stream = moonshine.stream(begin)
        self._stream.add_listener(self._on_event)
        self._cutter = PieceCutter(PIECE_AFTER_S, PIECE_AT_MOST_S)
        self._quiet: list[Samples] = []
        """Before the first sound."""
        self._started = False
        self._before: list[str] = []
        self._now = ""

    @property
    def so_far(self) -> str:
        return " ".join(filter(None, [*self._before, self._now]))

    def hear(self, samples: Samples) -> None:
        if not self._started:
            self._quiet.append(samples)
            if loudness(samples) <= SILENCE_RMS:
                return
            self._stream.start()
            self._started = True
            heard, self._quiet = self._quiet, []
        else:
            heard = [samples]
        self._moonshine.lean(self._begin)
        for part in heard:
            self._stream.add_audio(part, RATE)
        if self._cutter.take(samples):
            self._end()

    def finish(self) -> str:
        """All that was said; the next utterance begins."""
        if self._started:
            self._end()
        self._cutter.restart()
        self._quiet.clear()
        text = self.so_far
        self._before.clear()
        return text

    def close(self) -> None:
        self._stream.close()

    def _end(self) -> None:
        """Of the piece."""
        self._started = False
        self._moonshine.lean(self._begin)
        transcript = self._stream.stop()
        if transcript is None:
            raise RuntimeError("the model could not hear the end of what was said")
        self._before.append(" ".join(line.text.strip() for line in transcript.lines))
        self._now = ""

    def _on_event(self, event: object) -> None:
        if isinstance(event, LineTextChanged):
            self._now = event.line.text.strip()


class Recognising:
    """One call's speech on its channel."""

    def __init__(self, moonshine: Moonshine, outlet: Outlet) -> None:
        self._moonshine = moonshine
        self._outlet = outlet
        self._backlog: Backlog[Begin | Finalize] = Backlog(AudioFormat("pcm16", RATE), SLICE_S)
        self._speaker: Speaker | None = None
        self._interim = ""

    def receive(self, body: bytes) -> None:
        self._backlog.put(_requests.decode(body))

    def step(self) -> bool:
        match self._backlog.next():
            case None:
                return False
            case Begin() as begin:
                self._outlet.send(self._begun(begin))
            case Finalize():
                assert self._speaker is not None
                self._interim = ""
                self._outlet.send(Heard(self._speaker.finish(), final=True))
            case audio:
                self._hear(audio)
        return True

    def close(self) -> None:
        if self._speaker is not None:
            self._speaker.close()

    def _begun(self, begin: Begin) -> Ready | Failed:
        try:
            self._moonshine.load(begin)
        except PatterError as error:
            return Failed(error.message, error.next_step or "")
        except MoonshineError as fault:
            return Failed(f"The model {full_name(begin.model, begin.language)} cannot be loaded: {fault}")
        self._speaker = Speaker(self._moonshine, begin)
        return Ready()

    def _hear(self, audio: bytes) -> None:
        assert self._speaker is not None
        self._speaker.hear(from_pcm16(audio))
        if (text := self._speaker.so_far) != self._interim and text:
            self._interim = text
            self._outlet.send(Heard(text, final=False))


def main() -> None:
    moonshine = Moonshine()
    serve(lambda outlet: Recognising(moonshine, outlet))


if __name__ == "__main__":
    main()
