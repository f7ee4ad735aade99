"""Twilio Media Streams, our side: https://www.twilio.com/docs/voice/media-streams/websocket-messages"""

from __future__ import annotations

from binascii import b2a_base64
from typing import Annotated, Final

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
from getpatter.errors import MediaError

_ENCODING = "audio/x-mulaw"


class _Message(msgspec.Struct, tag_field="event", frozen=True):
    """Only what is used is declared; msgspec skips the rest, the counters (strings) among it."""


class _MediaBody(msgspec.Struct, frozen=True):
    payload: bytes
    track: str = "inbound"


class _MediaFormat(msgspec.Struct, frozen=True, rename="camel"):
    encoding: str
    sample_rate: int
    channels: int


class _StartBody(msgspec.Struct, frozen=True, rename="camel"):
    stream_sid: str
    call_sid: str
    media_format: _MediaFormat
    custom_parameters: dict[str, str] = {}


class _DtmfBody(msgspec.Struct, frozen=True):
    digit: Annotated[str, msgspec.Meta(pattern="^[0-9A-D*#]$")]


class _MarkBody(msgspec.Struct, frozen=True):
    name: str


class _Connected(_Message, tag="connected", frozen=True):
    pass


class _Start(_Message, tag="start", frozen=True):
    start: _StartBody


class _Media(_Message, tag="media", frozen=True):
    media: _MediaBody


class _Dtmf(_Message, tag="dtmf", frozen=True):
    dtmf: _DtmfBody


class _Mark(_Message, tag="mark", frozen=True):
    mark: _MarkBody


class _Stop(_Message, tag="stop", frozen=True):
    pass


_Known = _Connected | _Start | _Media | _Dtmf | _Mark | _Stop
_read: Final = MessageReader[_Known]("Twilio", _Known)


class TwilioMediaCodec:
    """Implements `carriers.base.MediaCodec`; messages are to be sent in the order in which they were made.

    Twilio returns a mark when the audio before it was played, and at once when a `clear` drops that audio.
    """

    dtmf_events = True

    def __init__(self) -> None:
        self._play_prefix = b""
        self._mark_prefix = b""
        self._clear = b""
        self._marks = PendingMarks()

    def decode(self, message: str | bytes) -> MediaEvent | None:
        """The event in a message; None for the outbound track, a mark that was cleared, and events unknown to us.

        Raises `MediaError` for what is not JSON, too long, lacks a field, or comes before `start`.
        """
        said = _read(message)
        if type(said) is _Media and self._play_prefix:
            media = said.media
            return AudioReceived(media.payload) if media.track == "inbound" else None
        return None if said is None else self._other(said)

    def play(self, audio: bytes) -> bytes:
        """Raises `MediaError` before `start`, as do `mark` and `clear`: it names the stream."""
        if not self._play_prefix:
            raise _not_started()
        return b'%b%b"}}' % (self._play_prefix, b2a_base64(audio, newline=False))

    def mark(self, name: str) -> bytes:
        if not self._mark_prefix:
            raise _not_started()
        self._marks.sent(name)
        return b"%b%b}}" % (self._mark_prefix, msgspec.json.encode(name))

    def clear(self) -> bytes:
        if not self._clear:
            raise _not_started()
        self._marks.cleared()
        return self._clear

    def press(self, digits: str) -> bytes:
        raise MediaError("Twilio's streams have no message that presses keys.")

    def _other(self, said: _Known) -> MediaEvent | None:
        if isinstance(said, _Connected):
            return None
        if isinstance(said, _Start):
            return self._started(said.start)
        if not self._play_prefix:
            raise MediaError("A Twilio stream sent something before its start message.")
        if isinstance(said, _Mark):
            return MarkPlayed(said.mark.name) if self._marks.returned(said.mark.name) else None
        if isinstance(said, _Dtmf):
            return DtmfReceived(said.dtmf.digit)
        return StreamStopped()

    def _started(self, start: _StartBody) -> StreamStarted:
        if self._play_prefix:
            raise MediaError("A Twilio stream started twice.")
        sound = start.media_format
        if (sound.encoding, sound.sample_rate, sound.channels) != (_ENCODING, LINE.rate, 1):
            raise MediaError(f"A Twilio stream is not {_ENCODING} at {LINE.rate} Hz in one channel.")
        stream = msgspec.json.encode(start.stream_sid)
        self._play_prefix = b'{"event":"media","streamSid":%b,"media":{"payload":"' % stream
        self._mark_prefix = b'{"event":"mark","streamSid":%b,"mark":{"name":' % stream
        self._clear = b'{"event":"clear","streamSid":%b}' % stream
        return StreamStarted(start.stream_sid, start.call_sid, start.custom_parameters)


def _not_started() -> MediaError:
    return MediaError("Nothing can be sent on a Twilio stream before its start message: it names the stream.")
