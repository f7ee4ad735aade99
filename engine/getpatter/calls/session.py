"""One media stream: the carrier's messages on one side, the conversation and the recording on the other."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, Protocol

from getpatter.audio.dtmf import DtmfDetector
from getpatter.calls.media import MediaSocket
from getpatter.calls.recording import Recording
from getpatter.carriers.base import (
    AudioReceived,
    DtmfReceived,
    MarkPlayed,
    MediaCodec,
    MediaEvent,
    StreamStarted,
    StreamStopped,
)
from getpatter.clock import Clock, TimerHandle
from getpatter.errors import MediaError

log = logging.getLogger(__name__)

START_TIMEOUT_S = 10.0
"""A carrier sends `start` at once; a socket that does not is nobody's call."""
IDLE_TIMEOUT_S = 15.0
"""Carriers send a frame every 20 ms, silence too; this long without one means that the stream is dead."""
CLOSED_IN_ORDER = frozenset({1000, 1001})
"""Close codes of a peer that has done what it wanted (RFC 6455 section 7.4.1)."""
MAX_BROKEN = 10
"""Messages that may be malformed before the stream is given up."""

# Why a peer is turned away, with the close code 1008.
NO_CALL: Final = "no call has this token"
NO_STREAM: Final = "not a media stream"
NO_START: Final = "no start message"


class Party(Protocol):
    """The call that a stream belongs to, as the stream sees it.  Called on the event loop; must not raise."""

    def connected(self, stream: MediaStream) -> Callable[[bytes], None]:
        """The stream is this call's; gives who hears its audio."""

    def mark_played(self, name: str) -> None: ...

    def dtmf(self, digit: str) -> None: ...

    def broken_message(self, error: MediaError) -> None:
        """A message was malformed and left out."""

    def hung_up(self) -> None:
        """The far end or the carrier ended the stream in order; whether the call is over, too, it does not say."""

    def lost(self, error: MediaError) -> None:
        """The stream is gone without having been ended."""


Admit = Callable[[StreamStarted], Party | None]
"""The call that a `start` message belongs to, if its token says so."""


class MediaStream:
    """A `MediaSink` towards the socket and a `Line` towards the conversation.

    Nothing of a call is touched before `admit` has accepted the stream's `start`; one that it refuses is closed with
    1008, as is one that never sends it.
    """

    def __init__(self, codec: MediaCodec, socket: MediaSocket, admit: Admit, clock: Clock) -> None:
        self._codec = codec
        self._socket = socket
        self._admit = admit
        self._clock = clock
        self._party: Party | None = None
        self._hear: Callable[[bytes], None] | None = None
        self._recording: Recording | None = None
        self._started_at = 0.0
        self._frames = 0
        self._frames_seen = 0
        self._broken = 0
        self._over = False
        self._watchdog: TimerHandle = clock.call_at(clock.now() + START_TIMEOUT_S, self._no_start)

    @property
    def waiting(self) -> bool:
        """Open, and no call's yet."""
        return self._party is None and not self._over

    def record(self, recording: Recording) -> None:
        """Keep both sides from now on."""
        self._recording = recording
        self._started_at = self._clock.now()

    # -- from the socket

    def on_message(self, message: bytes) -> None:
        try:
            event = self._codec.decode(message)
        except MediaError as error:
            self._on_broken(error)
            return
        if type(event) is AudioReceived:  # fifty times a second for every call: no other test comes first
            self._frames += 1
            if self._hear is not None:
                self._hear(event.payload)
                if self._recording is not None:
                    self._recording.caller(event.payload, self._clock.now() - self._started_at)
        elif event is not None:
            self._on_event(event)

    def on_closed(self, code: int) -> None:
        self._watchdog.cancel()
        if self._over:
            return
        self._over = True
        if self._party is None:
            return
        if code in CLOSED_IN_ORDER:  # some carriers say no other goodbye
            self._party.hung_up()
        else:
            self._party.lost(MediaError(f"The carrier's media stream was dropped (WebSocket close code {code})."))

    def _on_event(self, event: MediaEvent) -> None:
        if isinstance(event, StreamStarted):
            self._start(event)
            return
        if self._party is None or self._over:
            return
        match event:
            case MarkPlayed(name):
                self._party.mark_played(name)
            case DtmfReceived(digit):
                self._party.dtmf(digit)
            case StreamStopped():
                self._over = True
                self._party.hung_up()
            case _:
                pass

    def _start(self, event: StreamStarted) -> None:
        if self._party is not None:
            self._on_broken(MediaError("The carrier started the same media stream twice."))
            return
        self._party = self._admit(event)
        if self._party is None:
            log.warning("refused a media stream from %s: no call has this token", self._socket.peer)
            self.close(1008, NO_CALL)
            return
        self._watchdog.cancel()
        self._watch()
        hear = self._party.connected(self)
        self._hear = hear if self._codec.dtmf_events else self._hearing_keys(hear, self._party.dtmf)

    @staticmethod
    def _hearing_keys(hear: Callable[[bytes], None], press: Callable[[str], None]) -> Callable[[bytes], None]:
        """`hear`, with the keys that are in the sound pressed."""
        detector = DtmfDetector()

        def hear_both(audio: bytes) -> None:
            hear(audio)
            for digit in detector.feed(audio):
                press(digit)

        return hear_both

    def _on_broken(self, error: MediaError) -> None:
        self._broken += 1
        if self._party is None:
            log.warning("closed a media socket from %s: %s", self._socket.peer, error.message)
            self.close(1008, NO_STREAM)
            return
        if self._broken == 1:
            self._party.broken_message(error)
        elif self._broken == MAX_BROKEN:
            self._give_up(error, 1003)

    # -- watching

    def _no_start(self) -> None:
        log.warning("closed a media socket from %s: no start message in %g s", self._socket.peer, START_TIMEOUT_S)
        self.close(1008, NO_START)

    def _watch(self) -> None:
        self._frames_seen = self._frames
        self._watchdog = self._clock.call_at(self._clock.now() + IDLE_TIMEOUT_S, self._check_frames)

    def _check_frames(self) -> None:
        if self._frames == self._frames_seen:
            self._give_up(MediaError(f"The carrier sent no audio for {IDLE_TIMEOUT_S:g} s."), 1001)
        else:
            self._watch()

    def _give_up(self, error: MediaError, code: int) -> None:
        party = self._party
        self.close(code, "media stream given up")
        if party is not None:
            party.lost(error)

    # -- a line for the conversation

    def play(self, audio: bytes, plays_at: float) -> None:
        self._socket.send(self._codec.play(audio))
        if self._recording is not None:
            self._recording.agent(audio, plays_at - self._started_at)

    def mark(self, name: str) -> None:
        self._socket.send(self._codec.mark(name))

    def press(self, digits: str) -> None:
        """Have the carrier press keys.  Raises `MediaError` where its stream has no message for it."""
        self._socket.send(self._codec.press(digits))

    def clear(self) -> None:
        self._socket.send(self._codec.clear())
        if self._recording is not None:
            self._recording.cut_agent(self._clock.now() - self._started_at)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the socket; the party hears nothing more.  May be called twice."""
        self._watchdog.cancel()
        self._over = True
        self._party = self._hear = None
        self._socket.close(code, reason)
