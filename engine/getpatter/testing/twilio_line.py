"""Twilio Media Streams, Twilio's side: for simulated lines and load generators.

https://www.twilio.com/docs/voice/media-streams/websocket-messages
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Mapping, Sequence

import msgspec

from getpatter.audio.format import LINE
from getpatter.errors import MediaError
from getpatter.testing.line_codec import Clear, LineCommand, Mark, Play


class _Command(msgspec.Struct, tag_field="event", forbid_unknown_fields=True, rename="camel", frozen=True):
    stream_sid: str


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


class TwilioLineCodec:
    """Implements `LineCodec`.  Counters are strings, and the time is that of the audio sent."""

    def __init__(
        self,
        stream_id: str,
        call_id: str,
        parameters: Mapping[str, str] | None = None,
        account_id: str = "AC" + "0" * 32,
    ) -> None:
        self.stream_id = stream_id
        self._call_id = call_id
        self._parameters = dict(parameters or {})
        self._account_id = account_id
        self._messages = 0
        self._chunks = 0
        self._sent_bytes = 0
        self._media_suffix = b'"},"streamSid":%b}' % _encode(stream_id)

    def open(self) -> list[bytes]:
        return [self.connected(), self.start()]

    def connected(self) -> bytes:
        return _encode({"event": "connected", "protocol": "Call", "version": "1.0.0"})

    def start(self) -> bytes:
        start = {
            "streamSid": self.stream_id,
            "accountSid": self._account_id,
            "callSid": self._call_id,
            "tracks": ["inbound"],
            "customParameters": self._parameters,
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": LINE.rate, "channels": 1},
        }
        return self._message("start", start)

    def media(self, audio: bytes) -> bytes:
        self._messages += 1
        self._chunks += 1
        begins_ms = self._sent_bytes * 1000 // LINE.bytes_per_second
        self._sent_bytes += len(audio)
        return (
            b'{"event":"media","sequenceNumber":"%d","media":{"track":"inbound","chunk":"%d","timestamp":"%d","payload":"%b%b'
            % (self._messages, self._chunks, begins_ms, b2a_base64(audio, newline=False), self._media_suffix)
        )

    def dtmf(self, digit: str) -> bytes:
        return self._message("dtmf", {"track": "inbound_track", "digit": digit})

    def mark(self, name: str) -> bytes:
        return self._message("mark", {"name": name})

    def cleared(self, marks: Sequence[str]) -> list[bytes]:
        """Twilio returns dropped marks as if they had been played."""
        return [self.mark(name) for name in marks]

    def stop(self) -> bytes:
        return self._message("stop", {"accountSid": self._account_id, "callSid": self._call_id})

    def decode(self, message: str | bytes) -> LineCommand:
        try:
            command = _decode(message)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as broken:
            raise MediaError(f"This is no message that Twilio takes: {broken}.") from broken
        if command.stream_sid != self.stream_id:
            raise MediaError(f"The message is for stream {command.stream_sid}; this is {self.stream_id}.")
        if isinstance(command, _Media):
            return Play(command.media.payload)
        return Mark(command.mark.name) if isinstance(command, _Mark) else Clear()

    def _message(self, event: str, body: Mapping[str, object]) -> bytes:
        self._messages += 1
        return _encode(
            {"event": event, "sequenceNumber": str(self._messages), event: body, "streamSid": self.stream_id}
        )
