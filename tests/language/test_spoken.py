"""Written English as it is said, one line a form."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.language.abbreviations import UNITS
from getpatter.language.spoken import spoken, spoken_english


def said(cases: str) -> list[tuple[str, str]]:
    """`written → said`, a pair a line."""
    pairs = [line.split(" → ") for line in cases.strip().splitlines()]
    return [(written.strip(), words.strip()) for written, words in pairs]


TIMES = """
    at 5:30 pm → at five thirty p.m.
    at 5:30 PM. → at five thirty p.m.
    at 5:30 p.m. sharp → at five thirty p.m. sharp
    at 5pm → at five p.m.
    at 12:05 am → at twelve oh five a.m.
    at 9:00 → at nine o'clock
    at 17:00 → at seventeen hundred
    at 17:45 → at seventeen forty-five
    1:23:45 → one twenty-three and forty-five seconds
    10 am - 2 pm → ten a.m. to two p.m.
    9:00-17:00 → nine o'clock to seventeen hundred
    5-6 pm → five to six p.m.
    Mon-Fri → Monday to Friday
    Tue. 3 pm → Tuesday three p.m.
"""
DATES = """
    on 2026-04-03 → on April third, twenty twenty-six
    4/13/2026 → April thirteenth, twenty twenty-six
    13/4/2026 → April thirteenth, twenty twenty-six
    5/5/2026 → May fifth, twenty twenty-six
    1.10.2026 → October first, twenty twenty-six
    3/4/2026 → three slash four slash twenty twenty-six
    2/30/2026 → two slash thirty slash twenty twenty-six
    Apr. 3 → April third
    May 3rd, 2026. → May third, twenty twenty-six.
    3 April 2026 → the third of April, twenty twenty-six
    the 21st of May. → the twenty-first of May.
    since March 2019 → since March twenty nineteen
    in 1985 → in nineteen eighty-five
    in 2005 → in two thousand five
    in 1900 → in nineteen hundred
    the 1990s and the '80s → the nineteen nineties and the eighties
"""
MONEY = """
    $12.50 → twelve dollars and fifty cents
    $1 → one dollar
    $1.01 → one dollar and one cent
    $0.99 → ninety-nine cents
    $5.00 → five dollars
    $0.00 → zero dollars
    $1,250 → one thousand two hundred fifty dollars
    $3 million → three million dollars
    $1.5M → one point five million dollars
    €2,000 → two thousand euros
    £3.01 → three pounds and one penny
    20 EUR → twenty euros
    12,50 € → twelve euros and fifty cents
    -$5 → minus five dollars
    $5-10 → five to ten dollars
    $5–$10/month → five to ten dollars per month
"""
TELEPHONE = """
    +1 202 555 0104 → plus one, two zero two, five five five, zero one zero four
    +12025550104 → plus one, two zero two, five five five, zero one zero four
    +442079460958 → plus four four, two zero, seven nine four six, zero nine five eight
    (202) 555-0104 → two zero two, five five five, zero one zero four
    202.555.0104 ext. 12 → two zero two, five five five, zero one zero four, extension one two
    1-800-555-0199 → one, eight zero zero, five five five, zero one nine nine
    2025550104 → two zero two, five five five, zero one zero four
    555-0104 → five five five, zero one zero four
"""
NUMBERS = """
    0 → zero
    123 → one hundred twenty-three
    1,234,567 → one million two hundred thirty-four thousand five hundred sixty-seven
    3.05 → three point zero five
    .5 → point five
    12.5% → twelve point five percent
    5-10% → five to ten percent
    -5°C → minus five degrees Celsius
    21st → twenty-first
    1 km → one kilometer
    2 km → two kilometers
    5 sq ft → five square feet
    60 mph. → sixty miles per hour.
    20/night → twenty per night
    3-1 → three-one
    10 - 5 → ten minus five
    2+2 = 4 → two plus two equals four
    18+ → eighteen plus
    4x4 → four by four
    ~20 → about twenty
    1/2 cup → one half cup
    7/8 → seven slash eight
    24/7 → twenty-four seven
    1, 2, 3 → one, two, three
    10000 → ten thousand
"""
CODES = """
    Room 12B → Room twelve B
    Room 204 → Room two oh four
    Suite 1200 → Suite twelve hundred
    flight BA2490 → flight B A two four nine zero
    v2.1 → version two point one
    v3. → version three.
    Python 3.12.10 → Python three point twelve point ten
    COVID-19 → COVID-nineteen
    MP3 → M P three
    your code is 4821 → your code is four eight two one
    ZIP 90210 → ZIP nine zero two one zero
    order number 48 213 → order number four eight, two one three
    45123 → four five one two three
    007 → zero zero seven
    #5 → number five
    No. 7 → Number seven
    bob12@example.com → bob twelve at example dot com
    example.com/menu → example dot com slash menu
"""
WORDS = """
    Dr. Smith → Doctor Smith
    St. Mary → Saint Mary
    123 Main St. Call us. → one hundred twenty-three Main Street Call us.
    on Park Ave. → on Park Avenue.
    on Park Ave. near it → on Park Avenue near it
    e.g. apples, etc. → for example apples, et cetera.
    apples etc. and pears → apples et cetera and pears
    i.e. never → that is never
    A & B → A and B
    Your ID, by SMS, on TV → Your I D, by S M S, on T V
    two TVs → two T Vs
    Apr.com12 → Apr dot com twelve
    NASA and PLEASE and NOT → NASA and PLEASE and NOT
    w/o sugar, w/ milk → without sugar, with milk
"""


@pytest.mark.parametrize(
    ("written", "words"),
    [pair for cases in (TIMES, DATES, MONEY, TELEPHONE, NUMBERS, CODES, WORDS) for pair in said(cases)],
)
def test_a_form_is_said_as_people_say_it(written: str, words: str) -> None:
    assert spoken(written) == words
    assert spoken(words) == words


@pytest.mark.parametrize(
    "text",
    [
        "He sat. The sun set. May I come in? I may march on.",
        "Mrs, Saturday, Monday and Sun.",
        "No. That is all.",
        "A well-known, half-baked idea and/or two.",
        "It's p.m. or a.m., I think.",
        "",
    ],
)
def test_words_stay_as_they_are(text: str) -> None:
    assert spoken(text) == text


@pytest.mark.parametrize("language", ["de-DE", "es", "fr-FR", "ja"])
def test_other_languages_are_left_to_their_voices(language: str) -> None:
    assert spoken("Um 17:30 kostet es 12,50 €.", language) == "Um 17:30 kostet es 12,50 €."


def test_every_kind_of_english_is_english() -> None:
    assert spoken("7", "en") == spoken("7", "en-GB") == spoken("7", "EN-us") == spoken_english("7") == "seven"


SNIPPETS = """
    0 05 12 204 1985 48213 1,234 3.5 : / - – . , $ € % ° am p.m. May Apr. Mon St Dr. No. ID TV A v x st th s the of
    # + & = ~ ( ) ' @ com code room ext. etc. million k é _
"""
PIECES = st.sampled_from([*SNIPPETS.split(), " ", *UNITS])


@given(st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=60))
def test_no_digit_is_left_and_what_is_ready_stays_as_it_is(text: str) -> None:
    once = spoken(text)
    assert not re.search("[0-9]", once)
    assert spoken(once) == once


@given(st.lists(st.from_regex(r"[a-z]{3,9}", fullmatch=True) | st.integers(0, 10**9).map(str), max_size=8))
def test_no_word_is_lost(words: list[str]) -> None:
    short = {*UNITS, "etc", "vs", "approx", "appt", "dept", "per"}
    kept = [word for word in words if word.isalpha() and word not in short]
    said = re.findall(r"[a-z]+", spoken(" ".join(words)))
    remaining = iter(said)
    assert all(word in remaining for word in kept), said
