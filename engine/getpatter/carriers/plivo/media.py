"""Plivo's audio streams, our side: https://www.plivo.com/docs/voice/audio-streaming/audio-streaming"""

from __future__ import annotations

from binascii import b2a_base64
from typing import Annotated, Any, Final

import msgspec

from getpatter.audio.format import LINE
from getpatter.carriers.base import (
    AudioReceived,
    DtmfReceived,
    MarkPlayed,
    MediaEvent,
    StreamStarted,
    StreamStopped,
)
from getpatter.carriers.marks import PendingMarks
from getpatter.carriers.messages import MessageReader
from getpatter.carriers.plivo import extra_headers
from getpatter.errors import MediaError

ENCODING: Final = "audio/x-mulaw"

_PLAY: Final = b'{"event":"playAudio","media":{"contentType":"%b","sampleRate":%d,"payload":"' % (
    ENCODING.encode(),
    LINE.rate,
)
_KEYS: Final = frozenset("0123456789*#ABCD")


class _Message(msgspec.Struct, tag_field="event", frozen=True):
    """Only what is used is declared; msgspec skips the rest."""


class _MediaBody(msgspec.Struct, frozen=True):
    payload: bytes
    track: str = "inbound"


class _MediaFormat(msgspec.Struct, frozen=True, rename="camel"):
    encoding: str
    sample_rate: int


class _StartBody(msgspec.Struct, frozen=True, rename="camel"):
    stream_id: str
    call_id: str
    media_format: _MediaFormat


class _DtmfBody(msgspec.Struct, frozen=True):
    digit: Annotated[str, msgspec.Meta(pattern="^[0-9A-D*#]$")]


class _Media(_Message, tag="media", frozen=True):
    media: _MediaBody


class _Start(_Message, tag="start", frozen=True):
    start: _StartBody
    extra_headers: Any = None


class _Dtmf(_Message, tag="dtmf", frozen=True):
    dtmf: _DtmfBody


class _Played(_Message, tag="playedStream", frozen=True):
    name: str


class _Cleared(_Message, tag="clearedAudio", frozen=True):
    pass


class _Stop(_Message, tag="stop", frozen=True):
    pass


_Known = _Media | _Start | _Dtmf | _Played | _Cleared | _Stop
_read: Final = MessageReader[_Known]("Plivo", _Known)


class PlivoMediaCodec:
    """Implements `carriers.base.MediaCodec`; messages are to be sent in the order in which they were made.

    Plivo's checkpoints are marks, and it returns those alone whose audio was played.  A return may be under way when
    we clear, though; as with other carriers, the marks that are pending then are never reported.  `clearedAudio` is
    Plivo's word that no such return comes any more.  Mostly there is no `stop`: Plivo closes the socket.
    """

    dtmf_events = True

    def __init__(self) -> None:
        self._mark_prefix = b""
        self._clear = b""
        self._marks = PendingMarks()
        self._clears_under_way = 0

    def decode(self, message: str | bytes) -> MediaEvent | None:
        """The event in a message; None for the outbound track, a mark that was cleared, and events unknown to us.

        Raises `MediaError` for what is not JSON, too long, lacks a field, or comes before `start`.
        """
        said = _read(message)
        if type(said) is _Media and self._clear:
            media = said.media
            return AudioReceived(media.payload) if media.track == "inbound" else None
        return None if said is None else self._other(said)

    def play(self, audio: bytes) -> bytes:
        """Raises `MediaError` before `start`, as do `mark`, `clear` and `press`."""
        if not self._clear:
            raise _not_started()
        return b'%b%b"}}' % (_PLAY, b2a_base64(audio, newline=False))

    def mark(self, name: str) -> bytes:
        if not self._clear:
            raise _not_started()
        self._marks.sent(name)
        return b"%b%b}" % (self._mark_prefix, msgspec.json.encode(name))

    def clear(self) -> bytes:
        if not self._clear:
            raise _not_started()
        self._marks.cleared()
        self._clears_under_way += 1
        return self._clear

    def press(self, digits: str) -> bytes:
        if not self._clear:
            raise _not_started()
        if not digits or not _KEYS.issuperset(digits):
            raise MediaError("Keys are the digits, *, #, and A to D, at least one of them.")
        return b'{"event":"sendDTMF","dtmf":"%b"}' % digits.encode()

    def _other(self, said: _Known) -> MediaEvent | None:
        if isinstance(said, _Start):
            return self._started(said)
        if not self._clear:
            raise MediaError("A Plivo stream sent something before its start message.")
        if isinstance(said, _Played):
            return MarkPlayed(said.name) if self._marks.returned(said.name) else None
        if isinstance(said, _Cleared):
            self._clear_done()
            return None
        return DtmfReceived(said.dtmf.digit) if isinstance(said, _Dtmf) else StreamStopped()

    def _started(self, said: _Start) -> StreamStarted:
        if self._clear:
            raise MediaError("A Plivo stream started twice.")
        start = said.start
        if (start.media_format.encoding, start.media_format.sample_rate) != (ENCODING, LINE.rate):
            raise MediaError(f"A Plivo stream is not {ENCODING} at {LINE.rate} Hz.")
        stream = msgspec.json.encode(start.stream_id)
        self._mark_prefix = b'{"event":"checkpoint","streamId":%b,"name":' % stream
        self._clear = b'{"event":"clearAudio","streamId":%b}' % stream
        return StreamStarted(start.stream_id, start.call_id, extra_headers.read(said.extra_headers))

    def _clear_done(self) -> None:
        self._clears_under_way = max(0, self._clears_under_way - 1)
        if not self._clears_under_way:
            self._marks.settled()


def _not_started() -> MediaError:
    return MediaError("Nothing can be sent on a Plivo stream before its start message: it names the stream.")
