from __future__ import annotations

import msgspec
import pytest

from getpatter.connections.messages import MessageReader


class Part(msgspec.Struct):
    text: str = ""
    start: float = 0.0


class Message(msgspec.Struct):
    text: str = ""
    parts: list[Part | None] = []
    audio: bytes | None = None


READ = MessageReader(Message)


@pytest.mark.parametrize("message", ['{"text": "hi", "new": [1]}', b'{"text": "hi"}'])
def test_what_a_vendor_adds_is_passed_over(message: str | bytes) -> None:
    assert READ(message) == Message("hi")


def test_what_is_null_is_not_there() -> None:
    assert READ('{"text": null, "parts": [{"text": null, "start": 1.5}, null]}') == Message(
        parts=[Part(start=1.5), None]
    )
    assert READ('{"text": null, "audio": "AAEC"}').audio == b"\0\1\2"


def test_sound_in_base64_is_decoded() -> None:
    assert READ('{"audio": "AAEC"}').audio == b"\0\1\2"


@pytest.mark.parametrize("message", ["", "{", "[]", '{"text": 1}', '{"audio": "secret"}', b"\xff", "[" * 100_000])
def test_what_cannot_be_read_is_refused_and_not_repeated(message: str | bytes) -> None:
    with pytest.raises(ValueError, match="a message that is none") as refused:
        READ(message)
    assert "secret" not in str(refused.value)
