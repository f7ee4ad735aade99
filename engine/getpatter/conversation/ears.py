"""The agent's ear: line audio to the VAD and to the recogniser."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from getpatter.audio.activity import SpeechDetector
from getpatter.audio.format import FRAME_S, LINE
from getpatter.audio.transcode import Transcoder
from getpatter.stt.base import Intake, Recognition


class VoiceLine(Protocol):
    """One call's voice activity, being judged."""

    def feed(self, ulaw: bytes) -> None: ...

    def reset(self) -> None: ...

    def close(self) -> None: ...


class Listener(Protocol):
    """Voice activity detection for any number of calls; `conversation.listening.Listening` is it."""

    def open(self, on_probability: Callable[[float], None]) -> VoiceLine: ...


LEAD_IN_S = 0.4
"""What a recogniser hears before the VAD's decision: its window and start time, and a soft first consonant."""


class Ears:
    """Hears one call.  `on_started` and `on_ended` tell of the caller's speech; the latter how long silence lasts."""

    def __init__(
        self,
        listening: Listener,
        detector: SpeechDetector,
        *,
        on_started: Callable[[], None],
        on_ended: Callable[[float], None],
    ) -> None:
        self._voice = listening.open(self._on_probability)
        self._detector = detector
        self._on_started = on_started
        self._on_ended = on_ended
        self._recognition: Recognition | None = None
        self._transcoder: Transcoder | None = None
        self._lead_in: deque[bytes] | None = None
        self._speaking = False

    def attach(self, recognition: Recognition, intake: Intake) -> None:
        """Give what is heard from now on to a recognition, in the format it takes."""
        self._recognition = recognition
        self._transcoder = None if intake.format == LINE else Transcoder(LINE, intake.format)
        self._lead_in = None if intake.continuous else deque(maxlen=round(LEAD_IN_S / FRAME_S))

    def hear(self, audio: bytes) -> None:
        """Line audio as it came, usually one frame of 20 ms."""
        self._voice.feed(audio)
        if self._recognition is None:
            return
        if self._lead_in is None or self._speaking:
            self._recognize(audio)
        else:
            self._lead_in.append(audio)

    def reset(self) -> None:
        """Forget the voice heard so far: the agent's turn begins, and what comes then is judged afresh."""
        self._voice.reset()
        self._detector.reset()
        self._speaking = False

    def close(self) -> None:
        self._voice.close()
        self._recognition = None

    def _recognize(self, audio: bytes) -> None:
        assert self._recognition is not None
        self._recognition.send(self._transcoder.feed(audio) if self._transcoder else audio)

    def _on_probability(self, probability: float) -> None:
        edge = self._detector.feed(probability)
        if edge is None:
            return
        if edge == "started":
            self._speaking = True
            if self._lead_in and self._recognition is not None:
                self._recognize(b"".join(self._lead_in))
                self._lead_in.clear()
            self._on_started()
        else:
            self._speaking = False
            self._on_ended(self._detector.silence_s)
