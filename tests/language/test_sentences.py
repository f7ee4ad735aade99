from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from getpatter.language.sentences import EAGER_LENGTH, MAX_LENGTH, SentenceSplitter


def split(text: str, *, eager_first: bool = False) -> list[str]:
    splitter = SentenceSplitter(eager_first=eager_first)
    return [*splitter.feed(text), *splitter.flush()]


@pytest.mark.parametrize(
    "sentences",
    [
        ["I would like a table.", "Is that possible?", "That is wonderful!"],
        ["Here is what I need:", "a table for two;", "nothing else at all."],
        ["First line without a stop", "second line without one"],
        ["Well... I thought so… maybe tomorrow.", "Thinking it over...", "Let us say eight."],
        ["You really mean it?!", "Yes, I certainly do!!!"],
    ],
)
def test_sentences_end_at_terminators(sentences: list[str]) -> None:
    separator = "\n" if "line" in sentences[0] else " "
    assert split(separator.join(sentences)) == sentences


@pytest.mark.parametrize(
    "sentence",
    [
        "It costs 12.50 at 7.30 or 7:30, in total 1,000.5 dollars.",
        "This is Mr. Rossi of St. Mary's, with Dr. Miller and Mrs. Jones.",
        "We open at 9 a.m. and close at 11 p.m. every day, etc. and so on.",
        "Bring fruit, e.g. apples, i.e. something sweet, vs. something sour.",
        "It was J. R. Smith who asked for No. 5 in the U.S. office.",
        "Look at https://example.com/a.b?c=d;e and www.example.com for more.",
        "Write to rossi.table@example.com or ask for version 2.0.1 there.",
    ],
)
def test_full_stops_inside_words_end_nothing(sentence: str) -> None:
    assert split(f"{sentence} That is all there is.") == [sentence, "That is all there is."]


def test_an_abbreviation_before_a_capital_may_end_a_sentence() -> None:
    assert split("Please come at 8 p.m. The table is yours.") == ["Please come at 8 p.m.", "The table is yours."]


def test_numbers_of_a_list_stay_with_their_items() -> None:
    items = ["1. Pasta with tomatoes", "2. Pizza with mushrooms", "10. Salad of the house"]
    assert split("\n".join(items)) == items


def test_closing_quotes_and_brackets_stay_with_their_sentence() -> None:
    assert split('She said "it is open." (It really is.) **Come at eight.** Then we talk.') == [
        'She said "it is open."',
        "(It really is.)",
        "**Come at eight.**",
        "Then we talk.",
    ]
    assert split("« Bonjour, comment allez-vous ? » Il répond : « Très bien, merci. » Au revoir donc.") == [
        "« Bonjour, comment allez-vous ? »",
        "Il répond : « Très bien, merci. »",
        "Au revoir donc.",
    ]


@pytest.mark.parametrize(
    "sentences",
    [
        ["今天晚上我想订一张桌子。", "七点半有空位吗？", "「没问题的。」", "非常感谢您！"],
        ["今夜二名で予約したいのですが。", "七時半は空いていますか?", "ありがとうございます。"],
    ],
)
def test_terminators_of_scripts_without_spaces_need_none(sentences: list[str]) -> None:
    assert split("".join(sentences)) == sentences


@pytest.mark.parametrize(
    "sentences",
    [
        ["هل لديكم طاولة لشخصين؟", "شكرا جزيلا لكم."],
        ["क्या आपके पास मेज़ है?", "मुझे दो लोगों के लिए चाहिए।", "बहुत धन्यवाद आपका।"],
    ],
)
def test_terminators_of_other_scripts(sentences: list[str]) -> None:
    assert split(" ".join(sentences)) == sentences


def test_a_short_sentence_is_spoken_with_the_next() -> None:
    assert split("Yes. Of course I can. Bye.") == ["Yes. Of course I can.", "Bye."]


def test_a_whole_utterance_may_be_short() -> None:
    assert split("Yes.") == ["Yes."]


def test_a_long_clause_is_cut_at_its_last_comma() -> None:
    clause = "and then we would also like to have something sweet"
    pieces = split(", ".join([clause] * 8) + ".")
    assert len(pieces) == 2
    assert all(len(piece) <= MAX_LENGTH for piece in pieces)
    assert pieces[0].endswith("sweet,")


def test_a_long_run_without_commas_is_cut_between_words() -> None:
    pieces = split("word " * 100)
    assert all(len(piece) <= MAX_LENGTH for piece in pieces)
    assert {word for piece in pieces for word in piece.split()} == {"word"}


def test_a_long_word_is_never_cut() -> None:
    word = "https://example.com/" + "x" * MAX_LENGTH
    assert split(f"{word} is long.") == [word, "is long."]


def test_a_sentence_is_given_with_the_first_character_of_the_next() -> None:
    splitter = SentenceSplitter()
    assert splitter.feed("I would like a table. ") == []
    assert splitter.feed("F") == ["I would like a table."]
    assert splitter.feed("or two") == []
    assert splitter.flush() == ["For two"]
    assert splitter.flush() == []


def test_an_eager_first_clause_is_given_early() -> None:
    text = "Hello, I would like to book a table for two people, if I may, at the window. And, if possible, a quiet one."
    first, *rest = split(text, eager_first=True)
    assert first == "Hello, I would like to book a table for two people,"
    assert len(first) >= EAGER_LENGTH
    assert rest == ["if I may, at the window.", "And, if possible, a quiet one."]


def test_eagerness_returns_with_the_next_reply() -> None:
    clause = "Hello, I would like to book a table for two people,"
    splitter = SentenceSplitter(eager_first=True)
    for _ in range(2):
        assert splitter.feed(f"{clause} if I may") == [clause]
        assert splitter.flush() == ["if I may"]


WORDS = ("Hello", "well", "Mr.", "a.m.", "No.", "I", "A", "7.30", "5", "1.", "www.x.org", "好", "😊")
MARKS = (".", "?", "!", "...", "…", ",", ";", ":", "-", "—", "*", '"', "(", ")", "«", "»", "。", "，", "？")
SPACES = (" ", "  ", "\n", "\u00a0")
SPEECH = st.lists(st.sampled_from((*WORDS, *MARKS, *SPACES)), max_size=60).map("".join)
TEXT = SPEECH | st.text(max_size=80)


@settings(deadline=None)
@given(TEXT, st.lists(st.integers(1, 12), max_size=40), st.booleans())
def test_the_pieces_a_text_comes_in_make_no_difference(text: str, sizes: list[int], eager: bool) -> None:
    splitter = SentenceSplitter(eager_first=eager, min_length=4, max_length=20)
    whole = [*splitter.feed(text), *splitter.flush()]
    pieces: list[str] = []
    rest = text
    for size in sizes:
        pieces += splitter.feed(rest[:size])
        rest = rest[size:]
    pieces += splitter.feed(rest)
    assert [*pieces, *splitter.flush()] == whole


@settings(deadline=None)
@given(TEXT)
def test_every_character_comes_out_once_save_space_between_sentences(text: str) -> None:
    rest = text
    for sentence in split(text):
        assert sentence == sentence.strip() != ""
        assert rest.lstrip().startswith(sentence)
        rest = rest.lstrip()[len(sentence) :]
    assert rest.strip() == ""
