"""Twilio Media Streams, Twilio's side: for simulated lines and load generators.

https://www.twilio.com/docs/voice/media-streams/websocket-messages
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Mapping

import msgspec

from getpatter.audio.format import LINE
from getpatter.errors import MediaError


class Play(msgspec.Struct, frozen=True):
    """µ-law audio to queue."""

    audio: bytes


class Mark(msgspec.Struct, frozen=True):
    """To be returned, by `TwilioLineCodec.mark`, when all queued so far was played."""

    name: str


class Clear(msgspec.Struct, frozen=True):
    """Drop all queued audio and return all marks."""


LineCommand = Play | Mark | Clear


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
    """One live stream as Twilio has it, without I/O.  Counters are strings, and the time is that of the audio sent.

    Messages go out in the order `connected`, `start`, any of the others, `stop`.
    """

    def __init__(
        self,
        stream_id: str,
        call_id: str,
        parameters: Mapping[str, str] | None = None,
        account_id: str = "AC" + "0" * 32,
    ) -> None:
        self._stream_id = stream_id
        self._call_id = call_id
        self._parameters = dict(parameters or {})
        self._account_id = account_id
        self._messages = 0
        self._chunks = 0
        self._sent_bytes = 0
        self._media_suffix = b'"},"streamSid":%b}' % _encode(stream_id)

    def connected(self) -> bytes:
        return _encode({"event": "connected", "protocol": "Call", "version": "1.0.0"})

    def start(self) -> bytes:
        start = {
            "streamSid": self._stream_id,
            "accountSid": self._account_id,
            "callSid": self._call_id,
            "tracks": ["inbound"],
            "customParameters": self._parameters,
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": LINE.rate, "channels": 1},
        }
        return self._message("start", start)

    def media(self, audio: bytes) -> bytes:
        """The far end's next run of µ-law audio, usually 160 bytes."""
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
        """The return of a mark that was played or cleared."""
        return self._message("mark", {"name": name})

    def stop(self) -> bytes:
        return self._message("stop", {"accountSid": self._account_id, "callSid": self._call_id})

    def decode(self, message: str | bytes) -> LineCommand:
        """What the agent's side asks for.  Raises `MediaError` for anything else: Twilio would warn or hang up."""
        try:
            command = _decode(message)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as broken:
            raise MediaError(f"This is no message that Twilio takes: {broken}.") from broken
        if command.stream_sid != self._stream_id:
            raise MediaError(f"The message is for stream {command.stream_sid}; this is {self._stream_id}.")
        if isinstance(command, _Media):
            return Play(command.media.payload)
        return Mark(command.mark.name) if isinstance(command, _Mark) else Clear()

    def _message(self, event: str, body: Mapping[str, object]) -> bytes:
        self._messages += 1
        return _encode(
            {"event": event, "sequenceNumber": str(self._messages), event: body, "streamSid": self._stream_id}
        )
