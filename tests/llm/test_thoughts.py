from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from getpatter.llm.thoughts import Thoughts

REPLIES = [
    ("Good evening.", "Good evening."),
    ("<think>Who is it?</think>Good evening.", "Good evening."),
    ("\n<think>\n</think>\n\nGood evening.", "Good evening."),
    ("<think>a < b </thin </think>Yes.</think> No.", "Yes.</think> No."),
    ("<thin> is a word.", "<thin> is a word."),
    ("Less: <think>not thoughts</think>", "Less: <think>not thoughts</think>"),
    ("  Indented.", "  Indented."),
    ("<thi", "<thi"),
    (" ", " "),
    ("<think>never done", ""),
    ("", ""),
]


def spoken(pieces: list[str]) -> str:
    thoughts = Thoughts()
    return "".join([*map(thoughts.spoken, pieces), thoughts.rest()])


@pytest.mark.parametrize(("written", "heard"), REPLIES)
def test_thoughts_at_the_beginning_are_not_heard(written: str, heard: str) -> None:
    assert spoken([written]) == heard


@example(("<think>Hm.</think>\n\nGood evening.", "Good evening."), [18])
@given(st.sampled_from(REPLIES), st.lists(st.integers(0, 50)))
def test_it_does_not_matter_where_a_text_is_cut(reply: tuple[str, str], cuts: list[int]) -> None:
    written, heard = reply
    ends = sorted({min(cut, len(written)) for cut in cuts} | {0, len(written)})
    assert spoken([written[begin:end] for begin, end in pairwise(ends)]) == heard


def test_words_are_not_held_back_for_longer_than_they_may_be_a_tag() -> None:
    thoughts = Thoughts()
    assert [thoughts.spoken(piece) for piece in ("<th", "e end", ">")] == ["", "<the end", ">"]
