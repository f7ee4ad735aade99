from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from getpatter.conversation.held_audio import HeldAudio

FIRST, SECOND = "That is a good question.", "You should ask a doctor."


def test_audio_waits_until_the_sentence_that_was_being_written_was_reviewed() -> None:
    held = HeldAudio()
    assert held.write("That is a") == []
    held.add(b"1")
    assert held.take() == b""
    assert held.write(" good question. You") == [FIRST]
    held.allow(FIRST)
    assert held.take() == b"1"


def test_audio_that_may_hold_words_of_the_next_sentence_waits_for_that() -> None:
    held = HeldAudio()
    assert held.write(f"{FIRST} You should") == [FIRST]
    held.add(b"1")
    held.allow(FIRST)
    assert held.take() == b""
    assert held.write(" ask a doctor.") == []
    assert held.finish() == [SECOND]
    held.allow(SECOND)
    assert held.take() == b"1"


def test_nothing_of_a_sentence_that_was_not_allowed_is_heard() -> None:
    held = HeldAudio()
    held.write(f"{FIRST} {SECOND}")
    held.add(b"1")
    held.finish()
    held.allow(FIRST)
    assert held.take() == b""


def test_audio_without_words_is_heard_at_the_end() -> None:
    held = HeldAudio()
    held.add(b"1")
    assert held.take() == b""
    assert held.finish() == []
    assert held.take() == b"1"


@given(st.lists(st.text(alphabet="ab .,!?\n。 5", max_size=12), max_size=12))
def test_every_text_can_be_allowed_and_comes_out_whole(pieces: list[str]) -> None:
    held = HeldAudio()
    written = ""
    for piece in pieces:
        held.add(b"1")
        for sentence in held.write(piece):
            written += held.allow(sentence)
    for sentence in held.finish():
        written += held.allow(sentence)
    assert written == "".join(pieces)[: len(written)]
    assert not "".join(pieces)[len(written) :].strip()
    assert held.take() == b"1" * len(pieces)
