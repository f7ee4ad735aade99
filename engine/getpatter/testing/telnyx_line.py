"""Telnyx media streaming, Telnyx's side: for simulated lines.

https://developers.telnyx.com/api-reference/websockets/stream-call-media-over-websocket
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from getpatter.audio.format import LINE
from getpatter.errors import MediaError
from getpatter.testing.line_codec import Clear, LineCommand, Mark, Play

MIN_CHUNK_BYTES = LINE.bytes_per_second // 50
MAX_CHUNK_BYTES = LINE.bytes_per_second * 30
"""Telnyx takes 20 ms to 30 s of audio in a message."""


class _Command(msgspec.Struct, tag_field="event", forbid_unknown_fields=True, frozen=True):
    pass


class _PlayBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    payload: bytes


class _MarkBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    name: str


class _Media(_Command, tag="media", frozen=True):
    media: _PlayBody


class _Mark(_Command, tag="mark", frozen=True):
    mark: _MarkBody


class _Clear(_Command, tag="clear", frozen=True):
    pass


_decode = msgspec.json.Decoder(_Media | _Mark | _Clear).decode
_encode = msgspec.json.encode


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOf:
    """What a stream's `start` says of its call."""

    call_control_id: str
    call_session_id: str = ""
    user_id: str = ""
    from_number: str = ""
    to_number: str = ""
    client_state: str | None = None
    custom_parameters: Mapping[str, str] = field(default_factory=dict)


class TelnyxLineCodec:
    """Implements `LineCodec`.  Counters are strings, and the time is that of the audio sent."""

    def __init__(self, stream_id: str, call: StreamOf, *, is_rtp: bool = True) -> None:
        """Where the bidirectional mode is not `rtp`, what an engine sends is not heard, and nobody says so."""
        self.stream_id = stream_id
        self._call = call
        self._is_rtp = is_rtp
        self._messages = 0
        self._chunks = 0
        self._sent_bytes = 0
        self._media_suffix = b'"},"stream_id":%b}' % _encode(stream_id)

    def open(self) -> list[bytes]:
        return [_encode({"event": "connected", "version": "1.0.0"}), self._start()]

    def media(self, audio: bytes) -> bytes:
        self._messages += 1
        self._chunks += 1
        begins_ms = self._sent_bytes * 1000 // LINE.bytes_per_second
        self._sent_bytes += len(audio)
        return (
            b'{"event":"media","sequence_number":"%d","media":{"track":"inbound","chunk":"%d","timestamp":"%d","payload":"%b%b'
            % (self._messages, self._chunks, begins_ms, b2a_base64(audio, newline=False), self._media_suffix)
        )

    def dtmf(self, digit: str) -> bytes:
        return self._message("dtmf", {"digit": digit})

    def mark(self, name: str) -> bytes:
        return self._message("mark", {"name": name})

    def cleared(self, marks: Sequence[str]) -> list[bytes]:
        """As with Twilio, dropped marks come back."""
        return [self.mark(name) for name in marks]

    def stop(self) -> bytes:
        call = {"user_id": self._call.user_id, "call_control_id": self._call.call_control_id}
        return self._message("stop", call)

    def decode(self, message: str | bytes) -> LineCommand:
        try:
            command = _decode(message)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as broken:
            raise MediaError(f"This is no message that Telnyx takes: {broken}.") from broken
        if isinstance(command, _Mark):
            return Mark(command.mark.name)
        if isinstance(command, _Clear):
            return Clear()
        audio = command.media.payload
        if not MIN_CHUNK_BYTES <= len(audio) <= MAX_CHUNK_BYTES:
            raise MediaError(f"A message has {len(audio)} bytes of audio; {MIN_CHUNK_BYTES} are the least.")
        return Play(audio if self._is_rtp else b"")

    def _start(self) -> bytes:
        call = self._call
        start = {
            "user_id": call.user_id,
            "call_control_id": call.call_control_id,
            "call_session_id": call.call_session_id,
            "from": call.from_number,
            "to": call.to_number,
            "client_state": call.client_state,
            "custom_parameters": dict(call.custom_parameters),
            "media_format": {"encoding": "PCMU", "sample_rate": LINE.rate, "channels": 1},
        }
        return self._message("start", start)

    def _message(self, event: str, body: Mapping[str, object]) -> bytes:
        self._messages += 1
        return _encode(
            {"event": event, "sequence_number": str(self._messages), "stream_id": self.stream_id, event: body}
        )
