"""What must not be said, rule by rule."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.errors import ConfigurationError
from getpatter.guardrails import CHECK_S, REPLACEMENT, Check, Guardrail, Guardrails, Verdict, guardrail
from getpatter.testing.clock import ManualClock


class Reports:
    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def __call__(self, name: str, error: Exception) -> None:
        self.told.append((name, str(error)))


async def blocked(sentence: str, *terms: str) -> bool:
    verdict = await Guardrails([guardrail("terms", terms)], ManualClock()).review(sentence)
    assert verdict.text == (REPLACEMENT if verdict.blocked_by else sentence)
    return verdict.blocked_by is not None


# -- terms


@pytest.mark.parametrize(
    ("sentence", "term"),
    [
        ("You ass.", "ass"),
        ("ASS!", "ass"),
        ("(ass)", "ass"),
        ("Our credit card is best.", "credit card"),
        ("Our credit-card is best.", "credit card"),
        ("Our credit \n  card is best.", "credit-card"),
        ("A credit\u2011card.", "credit card"),
        ("I don\u2019t know.", "don't know"),
        ("Das ist GROSS.", "groß"),
        ("Une ide\u0301e.", "idée"),
        ("ＦＲＥＥ money", "free money"),
        ("zero\u200bwidth", "zerowidth"),
        ("We write C++ here.", "C++"),
        ("class ass", "ass"),
        ("It is a a b.", "a b"),
        ("このバカ野郎", "バカ"),
        ("это ПЛОХО, да", "плохо"),
    ],
)
async def test_a_term_is_found_as_words_of_its_own(sentence: str, term: str) -> None:
    assert await blocked(sentence, term)


@pytest.mark.parametrize(
    ("sentence", "term"),
    [
        ("The class passed.", "ass"),
        ("An assassin, my lass.", "ass"),
        ("ass_et", "ass"),
        ("ass2", "ass"),
        ("Creditcard", "credit card"),
        ("credit, card", "credit card"),
        ("Neplohо", "плохо"),
        ("неплохо", "плохо"),
        ("कमी है", "कम"),
        ("Two asses.", "ass"),
        ("C and C#", "C++"),
    ],
)
async def test_a_term_inside_of_a_word_is_none(sentence: str, term: str) -> None:
    assert not await blocked(sentence, term)


async def test_a_combining_mark_belongs_to_the_word_before_it() -> None:
    assert await blocked("काम कम है", "कम")
    assert not await blocked("x\u0302y is a variable", "x")


@given(st.text(alphabet="abc- ", max_size=30), st.text(alphabet="abc", min_size=1, max_size=3))
def test_terms_match_as_splitting_into_words_does(sentence: str, term: str) -> None:
    words = sentence.replace("-", " ").split()
    assert asyncio.run(blocked(sentence, term)) == (term in words)


@given(st.text(max_size=60))
def test_any_text_that_has_a_letter_blocks_itself(text: str) -> None:
    if any(character.isalnum() for character in text):
        try:
            rule = guardrail("self", [text])
        except ConfigurationError:
            return
        rails = Guardrails([rule], ManualClock())
        assert asyncio.run(rails.review(text)).blocked_by == "self"


# -- checks


async def test_a_check_that_objects_blocks() -> None:
    rails = Guardrails([guardrail("shouting", check=str.isupper, replacement="Calmly.")], ManualClock())
    assert await rails.review("NO.") == Verdict("Calmly.", "shouting")
    assert await rails.review("No.") == Verdict("No.")


async def test_a_check_may_be_a_coroutine() -> None:
    async def short(sentence: str) -> bool:
        await asyncio.sleep(0)
        return len(sentence) < 4

    rails = Guardrails([guardrail("short", check=short)], ManualClock())
    assert (await rails.review("No.")).blocked_by == "short"
    assert (await rails.review("Not at all.")).blocked_by is None


async def test_the_first_rule_that_blocks_decides_and_later_ones_are_not_asked() -> None:
    asked: list[str] = []

    def ask(sentence: str) -> bool:
        asked.append(sentence)
        return True

    rails = Guardrails([guardrail("a", ["price"], replacement="A."), guardrail("b", check=ask)], ManualClock())
    assert await rails.review("The price is low.") == Verdict("A.", "a")
    assert asked == []
    assert (await rails.review("Hello.")).blocked_by == "b"


def failing(sentence: str) -> bool:
    raise LookupError("no such list")


async def test_a_sentence_that_cannot_be_checked_is_not_said_and_that_is_told_once() -> None:
    reports = Reports()
    rails = Guardrails([guardrail("broken", check=failing)], ManualClock(), reports)
    for _ in range(3):
        assert await rails.review("Fine.") == Verdict(REPLACEMENT, "broken")
    assert reports.told == [("broken", "no such list")]


async def test_a_check_that_hangs_does_not_hold_the_line() -> None:
    started = asyncio.Event()

    async def hang(sentence: str) -> bool:
        started.set()
        await asyncio.Event().wait()
        return False

    clock, reports = ManualClock(), Reports()
    review = asyncio.create_task(Guardrails([guardrail("slow", check=hang)], clock, reports).review("Fine."))
    async with asyncio.timeout(60):
        await started.wait()
        clock.advance(CHECK_S)
        assert (await review).blocked_by == "slow"
    assert [name for name, _ in reports.told] == ["slow"]


async def test_a_check_that_waits_for_something_cancelled_blocks() -> None:
    async def cancelled(sentence: str) -> bool:
        raise asyncio.CancelledError

    reports = Reports()
    rails = Guardrails([guardrail("broken", check=cancelled)], ManualClock(), reports)
    assert (await rails.review("Fine.")).blocked_by == "broken"
    assert [name for name, _ in reports.told] == ["broken"]


async def test_nobody_needs_to_listen_to_failures() -> None:
    rails = Guardrails([guardrail("broken", check=failing)], ManualClock())
    assert (await rails.review("Fine.")).blocked_by == "broken"


# -- making one


def test_terms_are_kept_as_a_tuple() -> None:
    assert guardrail("a", ["x", "y"]) == Guardrail("a", ("x", "y"))


def test_no_rules_are_false() -> None:
    assert not Guardrails([], ManualClock())
    assert Guardrails([guardrail("a", ["x"])], ManualClock())


@pytest.mark.parametrize(
    ("terms", "check"),
    [((), None), ("badword", None), (["ok", " - "], None), ([""], str.isupper)],
)
def test_a_rule_that_cannot_do_what_it_says_is_refused(terms: list[str] | str, check: Check | None) -> None:
    with pytest.raises(ConfigurationError):
        guardrail("faulty", terms, check)
