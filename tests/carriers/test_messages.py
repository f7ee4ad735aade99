"""What the messages of all carriers' streams have in common; each carrier's own are in the tests of its codec."""

from __future__ import annotations

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.carriers.messages import MAX_MESSAGE_BYTES, MessageReader
from getpatter.errors import MediaError


class Count(msgspec.Struct, tag_field="event", tag="count", frozen=True):
    number: int


class Stop(msgspec.Struct, tag_field="event", tag="stop", frozen=True):
    pass


read = MessageReader[Count | Stop]("Xyz", Count | Stop)
lenient = MessageReader[Count | Stop]("Xyz", Count | Stop, strict=False)


@pytest.mark.parametrize("message", ['{"event":"count","number":7,"more":[1]}', b'{"number":7,"event":"count"}'])
def test_a_message_is_read_and_what_is_not_used_skipped(message: str | bytes) -> None:
    assert read(message) == Count(7)


def test_numbers_may_be_strings_where_it_is_said() -> None:
    assert lenient('{"event":"count","number":"7"}') == Count(7)
    with pytest.raises(MediaError, match=r"Expected `int`, got `str` - at `\$\.number`"):
        read('{"event":"count","number":"7"}')


def test_a_kind_that_was_added_since_says_nothing() -> None:
    assert read('{"event":"weather","number":[]}') is None


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (b"", "it is not JSON"),
        (b'{"event":"count"}', "missing required field `number`"),
        (b'{"event":"weather"', "an event that is none - at `$.event`"),
        (b'{"kind":"count"}', "missing required field `event`"),
        ('{"event":"\ud800"}', "its text is not UTF-8"),
        (b'{"event":"stop","x":' + b"[" * 60_000, "it is nested too deeply"),
        (b" " * (MAX_MESSAGE_BYTES + 1), "65536 are taken"),
    ],
)
def test_a_broken_message_is_an_error_that_says_why(message: str | bytes, says: str) -> None:
    with pytest.raises(MediaError) as broken:
        read(message)
    assert broken.value.message.startswith("A Xyz message")
    assert says in broken.value.message


@pytest.mark.parametrize("secret", ["4111-1111", "it's\n"])
def test_an_error_repeats_nothing_of_the_message(secret: str) -> None:
    said = msgspec.json.encode(secret)
    for message in (b'{"event":%b' % said, b'{"event":"count","number":%b}' % said, b'{"event":"count",%b:1}' % said):
        with pytest.raises(MediaError) as broken:
            read(message)
        assert secret not in broken.value.message


@given(st.one_of(st.binary(max_size=200), st.text(st.characters(), max_size=200)))
def test_noise_says_nothing_or_is_an_error(message: str | bytes) -> None:
    with suppress(MediaError):
        assert read(message) is None
