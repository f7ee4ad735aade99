from __future__ import annotations

import os
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, Protocol

from getpatter.server.frames import (
    NO_CODE,
    Close,
    FrameParser,
    Ping,
    Received,
    Violation,
    close_frame,
    pong_frame,
    text_frame,
    unmask_in_python,
)

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MASK = b"\x01\x02\x03\x04"


def frame(opcode: int, payload: bytes = b"", *, final: bool = True) -> bytes:
    """A client's frame, made by the websockets library."""
    return Frame(Opcode(opcode), payload, fin=final).serialize(mask=True)


def header(first: int, length: int, width: int = 0) -> bytes:
    """The first bytes of a masked frame, up to the mask, with the length in `width` bytes or as RFC 6455 wants it."""
    if width == 2 or (not width and 126 <= length < 65_536):
        return bytes((first, 0xFE)) + length.to_bytes(2, "big")
    if width == 8 or length >= 65_536:
        return bytes((first, 0xFF)) + length.to_bytes(8, "big")
    return bytes((first, 0x80 | length))


def violation(data: bytes) -> int:
    """The close code for a violation, which `data` must end in."""
    found = FrameParser().feed(data)
    assert isinstance(found[-1], Violation)
    return found[-1].code


texts = st.text(st.characters(codec="utf-8"), max_size=300).map(str.encode)
messages = st.one_of(texts, st.sampled_from([b"a" * size for size in (125, 126, 127, 65_535, 65_536)]))


@st.composite
def conversations(draw: st.DrawFn) -> tuple[bytes, list[Received]]:
    """What a well-behaved client may send, cut into frames with control frames between, and what is to come of it."""
    data, expected = b"", list[Received]()
    for message in draw(st.lists(messages, max_size=4)):
        cuts = sorted(draw(st.lists(st.integers(0, len(message)), max_size=3)))
        pieces = [message[a:b] for a, b in zip([0, *cuts], [*cuts, len(message)], strict=True)]
        for number, piece in enumerate(pieces):
            data += frame(CONTINUATION if number else TEXT, piece, final=number == len(pieces) - 1)
            if number == len(pieces) - 1:
                expected.append(message)
            if draw(st.booleans()):
                payload = draw(st.binary(max_size=125))
                data += frame(PING, payload) + frame(PONG, payload)
                expected.append(Ping(payload))
    return data, expected


@given(conversation=conversations(), cuts=st.lists(st.integers(0, 200_000), max_size=8))
def test_the_reads_a_stream_is_cut_into_do_not_matter(
    conversation: tuple[bytes, list[Received]], cuts: list[int]
) -> None:
    data, expected = conversation
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    parser = FrameParser()
    assert [item for a, b in pairwise(edges) for item in parser.feed(data[a:b])] == expected


@pytest.mark.parametrize("size", [0, 1, 125, 126, 300])
def test_bytes_may_come_one_by_one(size: int) -> None:
    data = frame(TEXT, b"x" * size) + frame(PING, b"?") + frame(TEXT, b"y") + frame(CLOSE)
    parser = FrameParser()
    received = [item for byte in data for item in parser.feed(bytes([byte]))]
    assert received == [b"x" * size, Ping(b"?"), b"y", Close(NO_CODE, "")]


@given(data=st.binary(max_size=300), mask=st.binary(min_size=4, max_size=4))
@example(data=b"", mask=MASK)
def test_masks_are_taken_off_alike_with_and_without_the_compiled_part(data: bytes, mask: bytes) -> None:
    expected = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
    assert unmask_in_python(data, mask) == expected
    parser = FrameParser()
    assert parser.feed(header(0x80 | PING, len(data[:125])) + mask + data[:125]) == [Ping(expected[:125])]


@given(data=st.binary(max_size=400))
def test_noise_never_raises(data: bytes) -> None:
    parser = FrameParser()
    parser.feed(data)
    parser.feed(data)


class TestViolations:
    def test_a_frame_must_be_masked(self) -> None:
        assert violation(b"\x81\x02hi") == 1002

    @pytest.mark.parametrize("bit", [0x40, 0x20, 0x10])
    def test_no_extension_was_agreed_on(self, bit: int) -> None:
        assert violation(header(0x81 | bit, 2)) == 1002

    @pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
    def test_opcodes_that_are_reserved_are_refused(self, opcode: int) -> None:
        assert violation(header(0x80 | opcode, 0)) == 1002

    @pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
    def test_control_frames_are_whole_and_short(self, opcode: int) -> None:
        assert violation(header(opcode, 0)) == 1002
        assert violation(header(0x80 | opcode, 126)) == 1002

    @pytest.mark.parametrize(("length", "width"), [(0, 2), (125, 2), (0, 8), (65_535, 8), (126, 8)])
    def test_a_length_is_written_as_short_as_it_can_be(self, length: int, width: int) -> None:
        assert violation(header(0x80 | TEXT, length, width)) == 1002

    def test_fragments_belong_together(self) -> None:
        assert violation(frame(CONTINUATION, b"rest")) == 1002
        assert violation(frame(TEXT, b"a", final=False) + frame(TEXT, b"b")) == 1002
        assert violation(frame(TEXT, b"a") + frame(CONTINUATION, b"b")) == 1002

    def test_binary_messages_are_not_taken(self) -> None:
        assert violation(header(0x80 | BINARY, 4)) == 1003

    def test_a_text_is_utf_8(self) -> None:
        assert violation(frame(TEXT, b"\xc3\x28")) == 1007

    def test_a_character_may_be_split_between_fragments_but_must_be_completed(self) -> None:
        split = frame(TEXT, b"\xc3", final=False)
        assert FrameParser().feed(split + frame(CONTINUATION, b"\xbc")) == ["ü".encode()]
        assert violation(split + frame(CONTINUATION, b"")) == 1007

    @pytest.mark.parametrize("length", [65_537, 1 << 31, 1 << 63, (1 << 64) - 1])
    def test_a_message_that_is_too_long_is_refused_by_its_header(self, length: int) -> None:
        assert violation(header(0x80 | TEXT, length)) == 1009

    def test_fragments_count_together(self) -> None:
        parser = FrameParser(max_message=10)
        assert parser.feed(frame(TEXT, b"123456", final=False)) == []
        assert parser.feed(frame(CONTINUATION, b"7890", final=False)) == []
        [found] = parser.feed(frame(CONTINUATION, b"1"))
        assert isinstance(found, Violation)
        assert found.code == 1009

    def test_what_came_before_it_is_still_delivered_and_nothing_after(self) -> None:
        parser = FrameParser()
        found = parser.feed(frame(TEXT, b"good") + frame(BINARY, b"bad") + frame(TEXT, b"late"))
        assert found[0] == b"good"
        assert isinstance(found[1], Violation)
        assert len(found) == 2
        assert parser.feed(frame(TEXT, b"later")) == []


class TestClose:
    @pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1011, 1012, 1014, 3000, 4999])
    def test_a_code_and_a_reason_may_be_given(self, code: int) -> None:
        assert FrameParser().feed(frame(CLOSE, code.to_bytes(2, "big") + "für".encode())) == [Close(code, "für")]

    @pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65_535])
    def test_codes_that_may_not_be_sent_are_violations(self, code: int) -> None:
        assert violation(frame(CLOSE, code.to_bytes(2, "big"))) == 1002
        if code != NO_CODE:
            with pytest.raises(ValueError, match=f"^{code} "):
                close_frame(code)

    def test_half_a_code_is_a_violation(self) -> None:
        assert violation(frame(CLOSE, b"\x03")) == 1002

    def test_a_reason_is_utf_8(self) -> None:
        assert violation(frame(CLOSE, b"\x03\xe8\xff")) == 1007

    def test_nothing_follows_it(self) -> None:
        parser = FrameParser()
        assert parser.feed(frame(CLOSE) + frame(TEXT, b"late")) == [Close(NO_CODE, "")]
        assert parser.feed(b"noise") == []


class TestOurFrames:
    """Read back by the client side of the websockets library."""

    @staticmethod
    def read(data: bytes) -> Frame:
        client = Protocol(CLIENT, max_size=None)
        client.receive_data(data)
        [event] = client.events_received()
        assert isinstance(event, Frame)
        return event

    @pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
    def test_texts_of_any_length(self, size: int) -> None:
        message = os.urandom(size).hex().encode()[:size]
        assert self.read(text_frame(message)) == Frame(Opcode.TEXT, message)

    def test_pongs(self) -> None:
        assert self.read(pong_frame(b"?")) == Frame(Opcode.PONG, b"?")

    def test_closes(self) -> None:
        assert self.read(close_frame(1001, "gone")).data == b"\x03\xe9gone"
        assert self.read(close_frame(NO_CODE)).data == b""

    def test_a_reason_too_long_is_cut_between_characters(self) -> None:
        data = self.read(close_frame(1000, "ü" * 100)).data
        assert bytes(data[2:]).decode() == "ü" * 61
