"""WebSocket framing (RFC 6455 section 5) for the server's side, without I/O: bytes in, messages out, and back.

Only text messages are taken, for that is all that carriers' stream protocols use; a binary one is a `Violation` with
code 1003.  No extension is ever agreed on, so a reserved bit is a violation too.
"""

from __future__ import annotations

from typing import Final

import msgspec

MAX_MESSAGE_BYTES: Final = 65_536
"""A carrier's media message is under 1 kB and its longest one, `start`, a few kB."""

NO_CODE: Final = 1005
"""Stands for a close frame that carried no code (RFC 6455 section 7.4.1)."""

_FINAL = 0x80
_RESERVED = 0x70
_OPCODE = 0x0F
_MASKED = 0x80
_LENGTH = 0x7F
_CONTROL = 0x08

_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_FINAL_TEXT = _FINAL | _TEXT
_MAX_CONTROL_BYTES = 125


def unmask_in_python(data: bytes | bytearray | memoryview, mask: bytes | bytearray) -> bytes:
    """`data` with the four bytes of `mask` laid over it by exclusive or, again and again."""
    size = len(data)
    key = (bytes(mask) * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "little") ^ int.from_bytes(key, "little")).to_bytes(size, "little")


try:
    from websockets.speedups import apply_mask as _unmask
except ImportError:  # websockets has no compiled part on this platform
    _unmask = unmask_in_python


class Ping(msgspec.Struct, frozen=True):
    """The peer asks for a pong with the same payload."""

    payload: bytes


class Close(msgspec.Struct, frozen=True):
    """The peer closes.  Nothing follows."""

    code: int
    reason: str


class Violation(msgspec.Struct, frozen=True):
    """The peer broke the protocol; the connection is to be failed with `code`.  Nothing follows."""

    code: int
    reason: str


Received = bytes | Ping | Close | Violation
"""A whole text message, as UTF-8, or what else a peer may say that needs an answer."""


class _Broken(Exception):
    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class FrameParser:
    """Takes one connection's bytes in runs of any size.

    A violation is found as soon as the bytes that show it are there: too long a message when its header is, so that
    never more than `max_message` bytes and one read are held.
    """

    def __init__(self, max_message: int = MAX_MESSAGE_BYTES) -> None:
        self._max_message = max_message
        self._partial = bytearray()
        self._message: bytearray | None = None
        self._over = False

    def feed(self, data: bytes) -> list[Received]:
        """What became complete with `data`, in order; empty for ever after a `Close` or a `Violation`."""
        received: list[Received] = []
        if self._over:
            return received
        try:
            if self._partial:
                self._partial += data
                del self._partial[: self._parse(self._partial, received)]
            else:
                parsed = self._parse(data, received)
                if parsed < len(data):
                    self._partial += data[parsed:]
        except _Broken as broken:
            self._over = True
            received.append(Violation(broken.code, broken.reason))
        return received

    def _parse(self, data: bytes | bytearray, received: list[Received]) -> int:
        """Take the whole frames in `data`; returns where the first incomplete one begins."""
        start, end = 0, len(data)
        while end - start >= 2 and not self._over:
            first, second = data[start], data[start + 1]
            if not second & _MASKED:
                raise _Broken(1002, "a frame is not masked")
            mask_at = start + 2
            length = second & _LENGTH
            if length == 126:
                mask_at += 2
                if end < mask_at:
                    break
                length = data[start + 2] << 8 | data[start + 3]
                if length < 126:
                    raise _Broken(1002, "a frame's length is written longer than it need be")
            elif length == 127:
                mask_at += 8
                if end < mask_at:
                    break
                length = int.from_bytes(data[start + 2 : mask_at], "big")
                if length < 65_536:
                    raise _Broken(1002, "a frame's length is written longer than it need be")
            if first != _FINAL_TEXT or self._message is not None or length > self._max_message:
                self._check(first, length)
            payload_at = mask_at + 4
            frame_end = payload_at + length
            if end < frame_end:
                break
            payload = _unmask(data[payload_at:frame_end], data[mask_at:payload_at])
            start = frame_end
            if first == _FINAL_TEXT:
                received.append(_text(payload))
            elif first & _CONTROL:
                self._control(first & _OPCODE, payload, received)
            else:
                self._fragment(first, payload, received)
        return start

    def _check(self, first: int, length: int) -> None:
        """Raise unless a frame that begins so may come now."""
        opcode = first & _OPCODE
        if first & _RESERVED:
            raise _Broken(1002, "a reserved bit is set and no extension was agreed on")
        if opcode in (_CLOSE, _PING, _PONG):
            if not first & _FINAL:
                raise _Broken(1002, "a control frame is fragmented")
            if length > _MAX_CONTROL_BYTES:
                raise _Broken(1002, "a control frame is longer than 125 bytes")
            return
        if opcode == _BINARY:
            raise _Broken(1003, "only text messages are taken here")
        if opcode not in (_CONTINUATION, _TEXT):
            raise _Broken(1002, "an opcode is not known")
        if (opcode == _CONTINUATION) is (self._message is None):
            raise _Broken(1002, "a fragment is out of place")
        if length + len(self._message or b"") > self._max_message:
            raise _Broken(1009, f"a message is longer than {self._max_message} bytes")

    def _fragment(self, first: int, payload: bytes, received: list[Received]) -> None:
        message = self._message if self._message is not None else bytearray()
        message += payload
        self._message = message
        if first & _FINAL:
            self._message = None
            received.append(_text(bytes(message)))

    def _control(self, opcode: int, payload: bytes, received: list[Received]) -> None:
        if opcode == _PING:
            received.append(Ping(payload))
        elif opcode == _CLOSE:
            received.append(_close(payload))
            self._over = True


def _text(payload: bytes) -> bytes:
    # Media messages are ASCII, and to see that takes less than to decode them.
    if not payload.isascii():
        _decode(payload)
    return payload


def _decode(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise _Broken(1007, "a text is not UTF-8") from None


def _close(payload: bytes) -> Close:
    if not payload:
        return Close(NO_CODE, "")
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not _may_be_sent(code):
        raise _Broken(1002, "a close code is not one that may be sent")
    return Close(code, _decode(payload[2:]))


def _may_be_sent(code: int) -> bool:
    """Whether a close frame may carry `code` (RFC 6455 section 7.4, and the registry that it set up)."""
    return (1000 <= code <= 1014 and code not in (1004, 1005, 1006)) or 3000 <= code <= 4999


def text_frame(message: bytes) -> bytes:
    """One whole text message, which must be UTF-8."""
    return _frame(_FINAL_TEXT, message)


def pong_frame(payload: bytes) -> bytes:
    return _frame(_FINAL | _PONG, payload)


def close_frame(code: int, reason: str = "") -> bytes:
    """A close frame; `NO_CODE` gives an empty one.  A reason too long for the frame is cut.

    Raises `ValueError` for a code that may not be sent.
    """
    if code == NO_CODE:
        return _frame(_FINAL | _CLOSE, b"")
    if not _may_be_sent(code):
        raise ValueError(f"{code} is not a close code that may be sent")
    words = reason.encode()[: _MAX_CONTROL_BYTES - 2].decode(errors="ignore").encode()
    return _frame(_FINAL | _CLOSE, code.to_bytes(2, "big") + words)


def _frame(first: int, payload: bytes) -> bytes:
    length = len(payload)
    if length < 126:
        return bytes((first, length)) + payload
    if length < 65_536:
        return bytes((first, 126, length >> 8, length & 0xFF)) + payload
    return bytes((first, 127)) + length.to_bytes(8, "big") + payload
