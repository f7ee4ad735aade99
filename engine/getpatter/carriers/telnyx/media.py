"""Telnyx media streaming, our side: https://developers.telnyx.com/api-reference/websockets/stream-call-media-over-websocket"""

from __future__ import annotations

from binascii import b2a_base64
from typing import Annotated, Final

import msgspec

from getpatter.audio import g711
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
from getpatter.carriers.telnyx import client_state, legs
from getpatter.carriers.telnyx.reorder import FrameOrder
from getpatter.errors import MediaError

MIN_CHUNK_BYTES: Final = LINE.rate // 50
"""Telnyx takes 20 ms to 30 s of audio in a message."""
MAX_CHUNK_BYTES: Final = LINE.rate * 30

_SILENCE = b"\xff"
_CLEAR = b'{"event":"clear"}'
_PLAY_PREFIX = b'{"event":"media","media":{"payload":"'
_MARK_PREFIX = b'{"event":"mark","mark":{"name":'


class _Message(msgspec.Struct, tag_field="event", frozen=True):
    """Only what is used is declared; msgspec skips the rest.  Numbers may come as strings."""


class _MediaBody(msgspec.Struct, frozen=True):
    payload: bytes
    track: str = "inbound"
    chunk: int | None = None


class _MediaFormat(msgspec.Struct, frozen=True):
    encoding: str
    sample_rate: int
    channels: int = 1


class _StartBody(msgspec.Struct, frozen=True):
    call_control_id: str
    media_format: _MediaFormat
    client_state: str | None = None


class _DtmfBody(msgspec.Struct, frozen=True):
    digit: Annotated[str, msgspec.Meta(pattern="^[0-9A-D*#]$")]


class _MarkBody(msgspec.Struct, frozen=True):
    name: str


class _ErrorBody(msgspec.Struct, frozen=True):
    code: int | None = None


class _Connected(_Message, tag="connected", frozen=True):
    pass


class _Start(_Message, tag="start", frozen=True):
    stream_id: str
    start: _StartBody


class _Media(_Message, tag="media", frozen=True):
    media: _MediaBody


class _Dtmf(_Message, tag="dtmf", frozen=True):
    dtmf: _DtmfBody


class _Mark(_Message, tag="mark", frozen=True):
    mark: _MarkBody


class _Error(_Message, tag="error", frozen=True):
    payload: _ErrorBody = _ErrorBody()


class _Stop(_Message, tag="stop", frozen=True):
    pass


_Known = _Connected | _Start | _Media | _Dtmf | _Mark | _Error | _Stop
_read: Final = MessageReader[_Known]("Telnyx", _Known, strict=False)


class TelnyxMediaCodec:
    """Implements `carriers.base.MediaCodec`; messages are to be sent in the order in which they were made.

    Telnyx does not promise the order of `media` messages but numbers them: a frame whose predecessor is missing waits
    for it, through at most three more, and comes joined to it.  The far end's audio may be PCMU or PCMA; ours is PCMU,
    which the stream was asked for.
    """

    dtmf_events = True

    def __init__(self) -> None:
        self._started = False
        self._alaw = False
        self._order = FrameOrder()
        self._marks = PendingMarks()

    def decode(self, message: str | bytes) -> MediaEvent | None:
        """The event in a message; None for the outbound track, audio that waits for its predecessor, a mark that was
        cleared, and events unknown to us.

        Raises `MediaError` for what is not JSON, too long, lacks a field or comes before `start`, for audio that is not
        a telephone's, and for errors that Telnyx reports.
        """
        said = _read(message)
        if type(said) is _Media and self._started:
            return self._heard(said.media)
        return None if said is None else self._other(said)

    def play(self, audio: bytes) -> bytes:
        """Less than 20 ms is filled up with silence.  Raises `MediaError` for more than 30 s, and before `start`, as do
        `mark` and `clear`."""
        self._check_started()
        if len(audio) < MIN_CHUNK_BYTES:
            audio = audio.ljust(MIN_CHUNK_BYTES, _SILENCE)
        elif len(audio) > MAX_CHUNK_BYTES:
            raise MediaError(f"Telnyx takes {MAX_CHUNK_BYTES} bytes of audio in a message, not {len(audio)}.")
        return b'%b%b"}}' % (_PLAY_PREFIX, b2a_base64(audio, newline=False))

    def mark(self, name: str) -> bytes:
        self._check_started()
        self._marks.sent(name)
        return b"%b%b}}" % (_MARK_PREFIX, msgspec.json.encode(name))

    def clear(self) -> bytes:
        self._check_started()
        self._marks.cleared()
        return _CLEAR

    def press(self, digits: str) -> bytes:
        raise MediaError("Telnyx's streams have no message that presses keys.")

    def _heard(self, media: _MediaBody) -> AudioReceived | None:
        if media.track != "inbound":
            return None
        audio = media.payload if media.chunk is None else self._order.feed(media.chunk, media.payload)
        if not audio:
            return None
        return AudioReceived(g711.from_alaw(audio) if self._alaw else audio)

    def _other(self, said: _Known) -> MediaEvent | None:
        if isinstance(said, _Connected):
            return None
        if isinstance(said, _Start):
            return self._begun(said)
        if isinstance(said, _Error):
            raise MediaError(f"Telnyx reports an error on the stream ({said.payload.code or 'unnamed'}).")
        if not self._started:
            raise MediaError("A Telnyx stream sent something before its start message.")
        if isinstance(said, _Mark):
            return MarkPlayed(said.mark.name) if self._marks.returned(said.mark.name) else None
        if isinstance(said, _Dtmf):
            return DtmfReceived(said.dtmf.digit)
        return StreamStopped()

    def _begun(self, said: _Start) -> StreamStarted:
        if self._started:
            raise MediaError("A Telnyx stream started twice.")
        sound = said.start.media_format
        if sound.encoding not in ("PCMU", "PCMA") or (sound.sample_rate, sound.channels) != (LINE.rate, 1):
            raise MediaError(
                f"A Telnyx stream is not PCMU or PCMA at {LINE.rate} Hz in one channel.",
                next_step="Leave stream_codec at PCMU, and allow PCMU or PCMA in the codecs of the Telnyx connection.",
            )
        self._started = True
        self._alaw = sound.encoding == "PCMA"
        parameters = legs.parameters(client_state.decode(said.start.client_state))
        return StreamStarted(said.stream_id, said.start.call_control_id, parameters)

    def _check_started(self) -> None:
        if not self._started:
            raise MediaError("Nothing can be sent on a Telnyx stream before its start message.")
