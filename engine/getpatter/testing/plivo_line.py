"""Plivo's audio streams, Plivo's side: for simulated lines.

https://www.plivo.com/docs/voice/audio-streaming/audio-streaming
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import msgspec

from getpatter.audio.format import LINE
from getpatter.errors import MediaError
from getpatter.testing.line_codec import Clear, LineCommand, Mark, Play, Press


class _Command(msgspec.Struct, tag_field="event", forbid_unknown_fields=True, rename="camel", frozen=True):
    pass


class _Sound(msgspec.Struct, forbid_unknown_fields=True, rename="camel", frozen=True):
    content_type: Literal["audio/x-mulaw"]
    sample_rate: Literal[8000, "8000"]
    payload: bytes


class _PlayAudio(_Command, tag="playAudio", frozen=True):
    media: _Sound
    stream_id: str | None = None
    """Plivo's pages leave it out, many of its users do not."""


class _Checkpoint(_Command, tag="checkpoint", frozen=True):
    stream_id: str
    name: str


class _ClearAudio(_Command, tag="clearAudio", frozen=True):
    stream_id: str


class _SendDtmf(_Command, tag="sendDTMF", frozen=True):
    dtmf: Annotated[str, msgspec.Meta(pattern="^[0-9A-D*#]+$")]


_decode = msgspec.json.Decoder(_PlayAudio | _Checkpoint | _ClearAudio | _SendDtmf).decode
_encode = msgspec.json.encode


class PlivoLineCodec:
    """Implements `LineCodec`.  `extra_headers` is what the answer document asked to pass on; `began_ms` the Unix time
    at which the stream's audio begins.

    Plivo's checkpoints are marks, of which those that were cleared never come back.  The socket may be closed without
    `stop`.
    """

    def __init__(
        self,
        stream_id: str,
        call_id: str,
        extra_headers: str = "",
        account_id: str = "MA" + "X" * 18,
        began_ms: int = 1_700_000_000_000,
    ) -> None:
        self.stream_id = stream_id
        self._call_id = call_id
        self._extra_headers = extra_headers
        self._account_id = account_id
        self._began_ms = began_ms
        self._messages = 0
        self._chunks = 0
        self._sent_bytes = 0
        self._media_suffix = b'"},"extra_headers":%b}' % _encode(extra_headers)

    def open(self) -> list[bytes]:
        return [self.start()]

    def start(self) -> bytes:
        start = {
            "callId": self._call_id,
            "streamId": self.stream_id,
            "accountId": self._account_id,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": LINE.rate},
        }
        return self._message("start", {"start": start, "extra_headers": self._extra_headers})

    def media(self, audio: bytes) -> bytes:
        self._messages += 1
        self._chunks += 1
        begins_ms = self._now_ms
        self._sent_bytes += len(audio)
        return (
            b'{"event":"media","sequenceNumber":%d,"streamId":%b,"media":{"track":"inbound","timestamp":"%d","chunk":%d,"payload":"%b%b'
            % (
                self._messages,
                _encode(self.stream_id),
                begins_ms,
                self._chunks,
                b2a_base64(audio, newline=False),
                self._media_suffix,
            )
        )

    def dtmf(self, digit: str) -> bytes:
        key = {"track": "inbound", "digit": digit, "timestamp": str(self._now_ms)}
        return self._message("dtmf", {"streamId": self.stream_id, "dtmf": key, "extra_headers": self._extra_headers})

    def mark(self, name: str) -> bytes:
        return self._message("playedStream", {"streamId": self.stream_id, "name": name})

    def cleared(self, marks: Sequence[str] = ()) -> list[bytes]:
        """One message, whatever was dropped."""
        return [self._message("clearedAudio", {"streamId": self.stream_id})]

    def stop(self) -> bytes:
        return self._message("stop", {"streamId": self.stream_id})

    def decode(self, message: str | bytes) -> LineCommand:
        try:
            command = _decode(message)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as broken:
            raise MediaError(f"This is no message that Plivo takes: {broken}.") from broken
        if isinstance(command, _SendDtmf):
            return Press(command.dtmf)
        if command.stream_id not in (self.stream_id, None):
            raise MediaError(f"The message is for stream {command.stream_id}; this is {self.stream_id}.")
        if isinstance(command, _PlayAudio):
            return Play(command.media.payload)
        return Mark(command.name) if isinstance(command, _Checkpoint) else Clear()

    @property
    def _now_ms(self) -> int:
        return self._began_ms + self._sent_bytes * 1000 // LINE.bytes_per_second

    def _message(self, event: str, body: Mapping[str, object]) -> bytes:
        self._messages += 1
        return _encode({"event": event, "sequenceNumber": self._messages, **body})
