"""Who has not finished is given time, and who has is not kept waiting."""

from __future__ import annotations

import pytest

from getpatter.language.patience import DEFAULT, PatienceSettings, extra_patience, finished
from getpatter.language.patience_words import PATIENCE_WORDS
from getpatter.language.question import QUESTIONS

PHONE = "What is the best number to reach you?"
ACCOUNT = "Please tell me your account number."
HOW_MANY = "For how many people?"
SPELL = "How do you spell that?"


def patience(text: str, asked: str = "", language: str = "en-US") -> float:
    return extra_patience(text, language, asked)


def examples(text: str) -> list[str]:
    return [example for line in text.splitlines() for example in line.split("|") if example]


# -- numbers

DIGITS_BEGUN = [
    ("202", PHONE),
    ("two oh two", PHONE),
    ("Sure, it's 202 555", PHONE),
    ("It's 202-555-01", PHONE),
    ("two zero two five five five", PHONE),
    ("double five three", PHONE),
    ("five five five oh one", ""),
    ("my number is", ""),
    ("Yes, my number is 202.", ""),
    ("You can reach me at", ""),
    ("reach me at 202 555", ""),
    ("202 555", ""),
    ("my zip is 902", ""),
    ("1 2 3", ""),
    ("4411", ACCOUNT),
    ("44 11 90 22", ACCOUNT),
    ("twelve thirty", "What are the last four digits of your order number?"),
    ("902", "And your zip code?"),
]


@pytest.mark.parametrize(("text", "asked"), DIGITS_BEGUN)
def test_a_number_being_read_out_is_waited_for(text: str, asked: str) -> None:
    assert patience(text, asked) == DEFAULT.digits_s


DIGITS_COMPLETE = [
    ("202 555 0104", PHONE),
    ("It's (202) 555-0104.", PHONE),
    ("+1 202 555 0104", PHONE),
    ("two oh two five five five oh one oh four", PHONE),
    ("two oh two triple five oh one oh four", PHONE),
    ("my number is 202-555-0104", ""),
    ("90210", "And your zip code?"),
    ("my zip is 90210", ""),
    ("My zip code is 90210.", "Where do you live?"),
    ("the last four digits are 0104", ""),
    ("0104", "What are the last four digits?"),
    ("one two three four", "What are the last four digits?"),
]


@pytest.mark.parametrize(("text", "asked"), DIGITS_COMPLETE)
def test_a_complete_number_is_not(text: str, asked: str) -> None:
    assert patience(text, asked) == 0


NO_DICTATION = [
    ("I'll have two", HOW_MANY),
    ("two", HOW_MANY),
    ("Twelve.", HOW_MANY),
    ("five thirty", "What time would you like?"),
    ("I was born in 1985", ""),
    ("at 5 30", ""),
    ("I'll take the second one", ""),
    ("I called two", ""),
    ("Flight 241", ""),
    ("on 12/25/2026", ""),
    ("is it 202 555?", PHONE),
]


@pytest.mark.parametrize(("text", "asked"), NO_DICTATION)
def test_a_number_in_a_sentence_is_no_dictation(text: str, asked: str) -> None:
    assert patience(text, asked) == 0


def test_a_quantity_that_goes_on_is_waited_for() -> None:
    assert patience("two adults and", HOW_MANY) == DEFAULT.clause_s
    assert patience("maybe um", HOW_MANY) == DEFAULT.filler_s


# -- letters

SPELLING = [
    ("S M I", SPELL),
    ("S-M-I-T", SPELL),
    ("s", SPELL),
    ("It's J. O. H.", SPELL),
    ("that's B as in", ""),
    ("b as in boy", ""),
    ("D like David", ""),
    ("P for Peter", ""),
    ("A as in apple", SPELL),
    ("my name is Smith, S M I T", ""),
]


@pytest.mark.parametrize(("text", "asked"), SPELLING)
def test_spelling_is_waited_for(text: str, asked: str) -> None:
    assert patience(text, asked) == DEFAULT.spelling_s


@pytest.mark.parametrize(
    "text", ["Plan B", "I live in the U.S.A.", "at five a.m.", "I like pizza", "a table for 2 for dinner", "vitamin C"]
)
def test_a_letter_in_a_sentence_is_no_spelling(text: str) -> None:
    assert patience(text) == 0


# -- thinking


@pytest.mark.parametrize(
    "text",
    examples("""um|Um...|I'd like, uh|let me see|Well, let me think.|I was there on, you know|so|my address, what was it
hmm|I mean|it's kind of"""),
)
def test_who_thinks_is_waited_for(text: str) -> None:
    assert patience(text) == DEFAULT.filler_s


@pytest.mark.parametrize("text", examples("I think so|I hope so.|an hour or so|Do you know|as you know"))
def test_an_end_that_looks_like_thinking_is_an_end(text: str) -> None:
    assert patience(text) == 0


# -- an open clause


@pytest.mark.parametrize(
    "text",
    examples("""I want a table and|I can't come because|I need to go to the|I'd like a|My name is|I'm|it's|the thing is
I want to|I'd like|I'm calling about|It was delivered to my.|I'm looking for|if|either Tuesday or|when I was at the
what I need is a|john dot smith at|we're coming from"""),
)
def test_an_open_clause_is_waited_for(text: str) -> None:
    assert patience(text) == DEFAULT.clause_s


@pytest.mark.parametrize(
    "text",
    examples("""Where are you from|what is this for|Who am I speaking with|What is it about?|I want to log in
I'd love to|I don't want to|Can you tell me who it's for?|yes it is|I'm doing well|it's been a while|that's what I need
I'd like to book a table|It is fine though|I feel ill|Here is my ID|It's like pizza
that's what I'm looking for|this is what I was waiting for|That's all I came for.|it's the one I told you about
can you turn it on|I'd like to try it on|Please come in|My name is Anna|I can't|Tuesday|Can I ask something?"""),
)
def test_a_whole_sentence_is_not(text: str) -> None:
    assert patience(text) == 0


@pytest.mark.parametrize("text", ["I went there on Monday,", "I would say...", "The blue one –", "Two things:"])
def test_open_punctuation_earns_a_little(text: str) -> None:
    assert patience(text) == DEFAULT.comma_s


# -- one moment


@pytest.mark.parametrize(
    "text",
    examples("""hold on|Hold on a second.|One moment.|Yes, one moment please|sure, just a minute|give me a second
let me check|Let me find my card|okay let me look at my calendar|Can you hang on a minute?|yeah um one second
Okay. One minute.|I need to find my insurance card|bear with me|could you give me a moment?|let me see if I have it"""),
)
def test_who_goes_away_is_waited_for_longest(text: str) -> None:
    assert patience(text) == DEFAULT.hold_s


@pytest.mark.parametrize(
    "text", examples("It takes one minute|wait a minute that's wrong|I waited for a second|I held one moment in time")
)
def test_a_duration_is_no_request_to_wait(text: str) -> None:
    assert patience(text) < DEFAULT.hold_s


# -- short answers


@pytest.mark.parametrize(
    "text",
    examples("""yes|Yes.|no|No thanks.|no, thank you|goodbye|Bye bye.|yes please|that's all|Okay, thank you, bye.|sure
I don't know|Correct.|that's right|yeah sure|It is.|Yes, I am."""),
)
def test_a_short_answer_is_finished(text: str) -> None:
    assert finished(text, "en")
    assert patience(text) == 0
    assert patience(text.rstrip(".") + ",") == 0


@pytest.mark.parametrize("text", examples("yes but|no I mean|I'd like to book a table|um|my number is|two|"))
def test_not_every_short_text_is(text: str) -> None:
    assert not finished(text, "en")


@pytest.mark.parametrize("text", ["I'll have two", "two", "Twelve.", "just 4"])
def test_a_number_is_finished_where_that_was_the_question(text: str) -> None:
    assert finished(text, "en", HOW_MANY)
    assert not finished(text, "en", PHONE)
    assert not finished(text, "en")


# -- languages and settings

OTHER_LANGUAGES = [
    ("es-MX", "quiero una mesa para", DEFAULT.clause_s),
    ("es", "mi número es", DEFAULT.digits_s),
    ("es", "seis uno dos", DEFAULT.digits_s),
    ("es", "a ver", DEFAULT.filler_s),
    ("es", "Un momento, por favor.", DEFAULT.hold_s),
    ("es", "tarda un minuto", 0),
    ("es", "Sí, gracias.", 0),
    ("de-DE", "ich möchte einen Tisch für", DEFAULT.clause_s),
    ("de", "meine Nummer ist", DEFAULT.digits_s),
    ("de", "null eins sieben", DEFAULT.digits_s),
    ("de", "A wie Anton", 0),
    ("de", "B wie Berta", DEFAULT.spelling_s),
    ("de", "ähm", DEFAULT.filler_s),
    ("de", "Einen Moment bitte.", DEFAULT.hold_s),
    ("de", "nein danke", 0),
    ("fr-FR", "je voudrais une table pour", DEFAULT.clause_s),
    ("fr", "mon numéro c'est le", DEFAULT.digits_s),
    ("fr", "euh", DEFAULT.filler_s),
    ("fr", "Ne quittez pas.", DEFAULT.hold_s),
    ("fr", "oui merci", 0),
    ("it-IT", "vorrei un tavolo per", DEFAULT.clause_s),
    ("it", "il mio numero è", DEFAULT.digits_s),
    ("it", "allora", DEFAULT.filler_s),
    ("it", "aspetti un attimo", DEFAULT.hold_s),
    ("it", "va bene grazie", 0),
    ("pt-BR", "eu queria uma mesa para", DEFAULT.clause_s),
    ("pt", "meu número é", DEFAULT.digits_s),
    ("pt", "deixa eu ver", DEFAULT.filler_s),
    ("pt", "Só um minuto.", DEFAULT.hold_s),
    ("pt", "sim, obrigado", 0),
    ("fi", "202 555", DEFAULT.digits_s),
    ("fi", "s m i", DEFAULT.spelling_s),
    ("fi", "maanantaina,", DEFAULT.comma_s),
    ("fi", "ja", 0),
]


@pytest.mark.parametrize(("language", "text", "seconds"), OTHER_LANGUAGES)
def test_other_languages_go_by_their_own_words(language: str, text: str, seconds: float) -> None:
    assert patience(text, language=language) == seconds


@pytest.mark.parametrize("language", PATIENCE_WORDS)
def test_the_tables_do_not_contradict_themselves(language: str) -> None:
    table = PATIENCE_WORDS[language]
    for text in table.finished:
        assert patience(text, language=language) == 0, text
    for text in (*table.holds, *table.short_holds):
        assert patience(text, language=language) == DEFAULT.hold_s, text
    for text in table.fillers:
        assert finished(text, language) or patience(text, language=language) >= DEFAULT.clause_s, text


def test_languages_that_have_patience_know_questions() -> None:
    assert PATIENCE_WORDS.keys() == QUESTIONS.keys()


@pytest.mark.parametrize("text", ["", "  ", "...", "?"])
def test_nothing_said_is_not_waited_for(text: str) -> None:
    assert patience(text) == 0
    assert not finished(text, "en")


def test_the_seconds_are_settings() -> None:
    settings = PatienceSettings(clause_s=0.3, hold_s=2.0)
    assert extra_patience("I want to", "en", "", settings) == 0.3
    assert extra_patience("one moment", "en", "", settings) == 2.0
